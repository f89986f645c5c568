import { readFile } from 'node:fs/promises'
import { looksArmored, readArmor } from './armor.ts'
import { hexOf } from './byte-reader.ts'
import { type CertificatePackets, type CertifiedKey, notForSigning, readCertificate } from './certificate.ts'
import { OpenPgpError } from './openpgp-error.ts'
import { type Packet, PacketTag, readPackets } from './packets.ts'
import { SigningError } from './signing-error.ts'

/** What somebody gave as a keyring. */
export interface KeyFile {
  /** For messages. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** A key that will verify nothing, or less than one thinks, and why. */
export interface KeyringNote {
  readonly file: string
  readonly keyId: string | undefined
  readonly reason: string
}

/** Public keys by their ids. Immutable: whoever wants other keys reads another keyring. */
export class Keyring {
  readonly keys: readonly CertifiedKey[]
  /** For the log at start: keys that are expired, revoked, too short, or of no use. */
  readonly notes: readonly KeyringNote[]
  readonly #byKeyId: ReadonlyMap<string, readonly CertifiedKey[]>

  constructor(keys: readonly CertifiedKey[], notes: readonly KeyringNote[] = []) {
    this.keys = keys
    this.notes = notes
    this.#byKeyId = Map.groupBy(keys, ({ keyId }) => keyId)
  }

  /**
   * The keys and subkeys that a signature may mean.
   *
   * @param id a key id of 16 hexadecimal digits, or a fingerprint of 40 or, in version 6, 64; case and blanks do not matter
   */
  find(id: string): readonly CertifiedKey[] {
    const digits = id.replaceAll(/\s/g, '').toLowerCase()
    const keys = this.#byKeyId.get(digits.length === 64 ? digits.slice(0, 16) : digits.slice(-16)) ?? []
    return digits.length > 16 ? keys.filter(({ fingerprint }) => fingerprint === digits) : keys
  }
}

/** Of one file. All keys that distributions ever had are some 3 MB. */
export const keyFileBytesMax = 16 * 2 ** 20

/**
 * Reads files of public keys, armored or not, each with one key or several.
 *
 * @param now milliseconds, as Date.now() has them: what is expired by then is noted
 * @throws SigningError BAD_KEYRING where a file cannot be read, or has no public key; the message says what to do
 */
export async function openKeyring(paths: readonly string[], now: number): Promise<Keyring> {
  return readKeyring(await Promise.all(paths.map(readKeyFile)), now)
}

/** @throws SigningError BAD_KEYRING */
export async function readKeyFile(path: string): Promise<KeyFile> {
  try {
    return { name: path, bytes: await readFile(path) }
  } catch (cause) {
    const isAbsent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    const message = `the file of public keys ${path} ${isAbsent ? 'is not there' : 'cannot be read'}`
    throw new SigningError('BAD_KEYRING', message, { cause })
  }
}

/**
 * Like `openKeyring`, of files that are at hand.
 *
 * @throws SigningError BAD_KEYRING
 */
export function readKeyring(files: readonly KeyFile[], now: number): Keyring {
  const notes: KeyringNote[] = []
  const keys = merged(files).flatMap(({ file, packets }) => {
    try {
      const certified = readCertificate(packets)
      for (const { keyId, reason } of notesOf(certified, now)) notes.push({ file, keyId, reason })
      return certified
    } catch (error) {
      if (!(error instanceof OpenPgpError)) throw error
      notes.push({ file, keyId: undefined, reason: `a key cannot be read: ${error.message}` })
      return []
    }
  })
  if (keys.length === 0) {
    const why = notes.map(({ file, reason }) => `${file}: ${reason}`).join('; ') || 'no file was named'
    throw new SigningError('BAD_KEYRING', `the keyring has no key that can be read (${why})`)
  }
  return new Keyring(keys, notes)
}

interface NamedCertificate {
  readonly file: string
  readonly packets: CertificatePackets
}

/** A certificate that stands in several files is one: the one copy may be prolonged, the other revoked. */
function merged(files: readonly KeyFile[]): readonly NamedCertificate[] {
  const certificates = new Map<string, NamedCertificate>()
  for (const file of files) {
    for (const packets of certificatesOf(file)) {
      const name = hexOf(packets[0].body)
      const known = certificates.get(name)
      certificates.set(name, {
        file: known?.file ?? file.name,
        packets: known === undefined ? packets : [...known.packets, ...packets],
      })
    }
  }
  return [...certificates.values()]
}

const packetsMax = 100_000

function certificatesOf(file: KeyFile): readonly CertificatePackets[] {
  const certificates = parsed(file, () => cut(readPackets(publicKeyBytes(file), packetsMax)))
  if (certificates.length === 0) throw refusal(file, `holds no public key; ${exportIt}`)
  if (certificates.flat().some(({ tag }) => tag === PacketTag.secretKey)) throw refusal(file, privateKey)
  return certificates
}

/**
 * The packets of a file of public keys, armored or not.
 *
 * @throws SigningError BAD_KEYRING
 */
export function publicKeyBytes(file: KeyFile): Uint8Array {
  const { bytes } = file
  if (bytes.length > keyFileBytesMax) {
    throw refusal(file, `has ${bytes.length} bytes, more than the ${keyFileBytesMax} that are read`)
  }
  if (Buffer.from(bytes.subarray(8, 12)).toString('latin1') === 'KBXf') {
    throw refusal(file, 'is a keybox of GnuPG; write its keys into a file: gpg --export --armor KEYID >keys.asc')
  }
  if (!looksArmored(bytes)) return bytes
  const blocks = parsed(file, () => readArmor(new TextDecoder().decode(bytes)))
  if (blocks.some(({ kind }) => kind === 'PRIVATE KEY BLOCK')) throw refusal(file, privateKey)
  return Buffer.concat(blocks.filter(({ kind }) => kind === 'PUBLIC KEY BLOCK').map((block) => block.bytes))
}

function parsed<Value>(file: KeyFile, parse: () => Value): Value {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof OpenPgpError)) throw error
    throw refusal(file, `is no file of OpenPGP keys (${error.message}); ${exportIt}`)
  }
}

function refusal({ name }: KeyFile, reason: string): SigningError {
  return new SigningError('BAD_KEYRING', `${name} ${reason}`)
}

const exportIt = 'write one with: gpg --export --armor KEYID >keys.asc'
const privateKey =
  'holds a private key, which has no place there; take the public one: gpg --export --armor KEYID >keys.asc'

/** Each certificate begins with a primary key, public or not; what stands before the first one belongs to none. */
function cut(packets: readonly Packet[]): readonly CertificatePackets[] {
  const certificates: [Packet, ...Packet[]][] = []
  for (const packet of packets) {
    if (packet.tag === PacketTag.publicKey || packet.tag === PacketTag.secretKey) certificates.push([packet])
    else certificates.at(-1)?.push(packet)
  }
  return certificates
}

function notesOf(
  certified: readonly [CertifiedKey, ...CertifiedKey[]],
  now: number,
): readonly { readonly keyId: string; readonly reason: string }[] {
  const [primary] = certified
  // What only encrypts, or certifies the subkey that signs, is as it should be.
  const meant = certified.filter(({ unusable }) => unusable !== notForSigning)
  if (meant.length === 0) return [{ keyId: primary.keyId, reason: 'none of its keys may sign' }]
  return meant.flatMap((key) => {
    const reason = noteOf(key, now)
    return reason === undefined ? [] : [{ keyId: key.keyId, reason }]
  })
}

function noteOf({ unusable, revocation, expires, weakness }: CertifiedKey, now: number): string | undefined {
  if (unusable !== undefined) return `it is of no use: ${unusable}`
  if (revocation !== undefined) {
    const since = revocation.since === 0 ? 'nothing' : `since ${dayOf(revocation.since)} nothing`
    return `it is revoked (${revocation.reason}): ${since} that it signed is believed`
  }
  if (expires !== undefined && 1000 * expires <= now) {
    return `it expired on ${dayOf(expires)}: what it signed since then is not believed`
  }
  return weakness && `${weakness}: what it signed is believed only where weak signatures are accepted`
}

/** @param seconds since 1970 */
export function dayOf(seconds: number): string {
  return new Date(1000 * seconds).toISOString().slice(0, 10)
}
