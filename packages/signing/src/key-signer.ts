import type { PrivateKey, Subkey } from 'openpgp'
import { looksArmored, readArmor, writeArmor } from './armor.ts'
import type { CertifiedKey } from './certificate.ts'
import { checkMade } from './check-made.ts'
import { readKeyring } from './keyring.ts'
import { readSecret, type Secret } from './secret-file.ts'
import { describeKey, type Signer, type SignerDescription } from './signer.ts'
import { SigningError } from './signing-error.ts'
import { keysToSignWith } from './signing-key.ts'

export interface KeySignerOptions {
  /** One private key, armored or not; with subkeys, of which the primary one's secret may be absent. */
  readonly key: Secret
  /** Of a protected key. Of a file the first line. */
  readonly passphrase?: Secret
  /** Milliseconds, as Date.now() has them. */
  readonly now: () => number
}

/**
 * A signer by a private key at hand. Everything that can be wrong with the key is found here, and not at the first publish: it signs something
 * for a try.
 *
 * @throws SigningError
 */
export async function openKeySigner({ key, passphrase, now }: KeySignerOptions): Promise<Signer> {
  const name = 'file' in key ? `the private key ${key.file}` : 'the private key'
  const privateKey = await readPrivateKey(name, await readSecret(key, 'the private key', 'BAD_KEY', isPublicKey))
  const publicPackets = privateKey.toPublic().write()
  const certificate = readKeyring([{ name, bytes: publicPackets }], now())
  const fit = keysToSignWith(name, certificate.keys, now())
  const chosen = withSecret(privateKey, fit)
  if (chosen === undefined) {
    const ids = fit.map(({ keyId }) => keyId).join(', ')
    const message = `${name} has only the public part of ${ids}; export it with: gpg --export-secret-keys --armor ${ids}`
    throw new SigningError('BAD_KEY', message)
  }
  await unlock(name, chosen.secret, passphrase && (await readPassphrase(passphrase)))
  const signer = new KeySigner(name, privateKey, chosen, writeArmor('PUBLIC KEY BLOCK', publicPackets), now)
  await signer.sign(Buffer.from('a try'))
  return signer
}

interface Chosen {
  readonly secret: PrivateKey | Subkey
  readonly certified: CertifiedKey
}

class KeySigner implements Signer {
  readonly publicKey: string
  readonly describe: SignerDescription
  readonly #name: string
  readonly #privateKey: PrivateKey
  readonly #chosen: Chosen
  readonly #now: () => number

  constructor(name: string, privateKey: PrivateKey, chosen: Chosen, publicKey: string, now: () => number) {
    this.publicKey = publicKey
    this.describe = describeKey(chosen.certified)
    this.#name = name
    this.#privateKey = privateKey
    this.#chosen = chosen
    this.#now = now
  }

  async sign(bytes: Uint8Array): Promise<Uint8Array> {
    const { secret, certified } = this.#chosen
    const now = this.#now()
    // A key may expire while a worker runs.
    keysToSignWith(this.#name, [certified], now)
    const armored = await makeSignature(this.#privateKey, secret, bytes, now).catch((error: unknown) => {
      // What openpgp.js says is about the key's own signatures; it has no secrets in it.
      const why = error instanceof Error ? error.message : 'unknown'
      throw new SigningError('UNUSABLE_KEY', `${this.#name} does not sign: ${why}`)
    })
    return checkMade(this.#name, Buffer.from(armored), bytes, [certified], now)
  }
}

/** A megabyte of program, for those only who sign by a key. */
function openPgpJs(): Promise<typeof import('openpgp')> {
  return import('openpgp')
}

async function makeSignature(
  privateKey: PrivateKey,
  secret: PrivateKey | Subkey,
  bytes: Uint8Array,
  now: number,
): Promise<string> {
  const { createMessage, sign } = await openPgpJs()
  return sign({
    message: await createMessage({ binary: bytes }),
    signingKeys: privateKey,
    signingKeyIDs: [secret.getKeyID()],
    detached: true,
    date: new Date(now),
  })
}

async function readPrivateKey(name: string, bytes: Uint8Array): Promise<PrivateKey> {
  const refuse = (reason: string) => new SigningError('BAD_KEY', `${name} ${reason}; ${exportIt}`)
  const { readPrivateKeys } = await openPgpJs()
  const keys = await readPrivateKeys({ binaryKeys: privateKeyBytes(bytes, refuse) }).catch(() => {
    // Without the cause: who knows what a parser quotes.
    throw refuse('cannot be read as an OpenPGP private key')
  })
  const [key, ...others] = keys
  if (key === undefined || !key.isPrivate()) throw refuse('holds no private key')
  if (others.length > 0) throw refuse(`holds ${keys.length} keys, and one is to be chosen`)
  return key
}

const exportIt = 'write one with: gpg --export-secret-keys --armor KEYID'

function privateKeyBytes(bytes: Uint8Array, refuse: (reason: string) => SigningError): Uint8Array {
  if (!looksArmored(bytes)) return bytes
  const blocks = armoredBlocks(bytes, refuse)
  const secret = blocks.filter(({ kind }) => kind === 'PRIVATE KEY BLOCK')
  if (secret.length > 0) return Buffer.concat(secret.map((block) => block.bytes))
  throw refuse(isPublicKey(bytes) ? 'is a public key, and the private one signs' : 'is no OpenPGP private key')
}

/** Of the two files of a key it is the one that is confused with the other. */
function isPublicKey(bytes: Uint8Array): boolean {
  if (!looksArmored(bytes)) return false
  const kinds = new Set(
    [
      ...Buffer.from(bytes)
        .toString('latin1')
        .matchAll(/^-----BEGIN PGP ([A-Z ]+)-----/gm),
    ].map(([, kind]) => kind),
  )
  return kinds.has('PUBLIC KEY BLOCK') && !kinds.has('PRIVATE KEY BLOCK')
}

function armoredBlocks(bytes: Uint8Array, refuse: (reason: string) => SigningError): ReturnType<typeof readArmor> {
  try {
    return readArmor(new TextDecoder().decode(bytes))
  } catch {
    throw refuse('was damaged or cut')
  }
}

/** gpg writes a primary key without its secret where only the subkeys are to leave the house (--export-secret-subkeys). */
function withSecret(privateKey: PrivateKey, fit: readonly CertifiedKey[]): Chosen | undefined {
  const secrets = privateKey.getKeys().filter(({ keyPacket }) => 'isDummy' in keyPacket && !keyPacket.isDummy())
  for (const certified of fit) {
    const secret = secrets.find((key) => key.getFingerprint() === certified.fingerprint)
    if (secret !== undefined) return { secret, certified }
  }
  return undefined
}

/** Of a file the first line. @throws SigningError */
export async function readPassphrase(passphrase: Secret): Promise<string> {
  const text = Buffer.from(await readSecret(passphrase, 'the passphrase', 'BAD_PASSPHRASE')).toString('utf8')
  return 'file' in passphrase ? (text.split(/\r?\n/, 1)[0] ?? '') : text
}

async function unlock(name: string, { keyPacket }: PrivateKey | Subkey, passphrase: string | undefined): Promise<void> {
  if (keyPacket.isDecrypted() || !('decrypt' in keyPacket)) return
  if (passphrase === undefined) {
    throw new SigningError('BAD_PASSPHRASE', `${name} is protected; give its passphrase, or the file that has it`)
  }
  await keyPacket.decrypt(passphrase).catch(() => {
    throw new SigningError('BAD_PASSPHRASE', `${name} does not open with the passphrase that was given`)
  })
}
