import { writeArmor } from './armor.ts'
import { number32, packetBytes } from './byte-writer.ts'
import { type KeyPair, type KeyPairKind, makeKeyPair, selfSignature } from './key-pair.ts'
import { readKeyring } from './keyring.ts'
import { PacketTag } from './packets.ts'
import { hashedKey } from './public-key.ts'
import { SignatureType } from './signature-packet.ts'
import { describeKey, type SignerDescription } from './signer.ts'
import { SigningError } from './signing-error.ts'

export interface NewKeyOptions {
  /** `My packages <packages@example.com>`, as clients show it when they ask whether to trust the key. */
  readonly userId: string
  /**
   * rsa4096, the default, is read by every client there is: rpm from 4.8, gpg from 1.4. ed25519 (algorithm 22) is small and quick, and read by
   * gpg from 2.1 and rpm from 4.16 on: not by RHEL 7, nor, for packages, by RHEL 8.
   */
  readonly kind?: KeyPairKind
  /** Absent: it never expires. Clients refuse everything that is signed later, so whoever sets it has to prolong the key in time. */
  readonly expiresAfterDays?: number
  /** Protects the private key where it lies. */
  readonly passphrase?: string
  /** Milliseconds, as Date.now() has them. */
  readonly now: number
}

/** Ten times the longest that anybody should choose: dates stay dates. */
const expiresAfterDaysMax = 36_500

/**
 * Makes a key to sign repositories with: one primary key that signs, no subkeys, so that clients of any age find their way. openpgp.js is
 * not asked for it: what it writes about a key's expiry rpm 4 does not import (`selfSignature`).
 *
 * @throws SigningError BAD_KEY where user id or time cannot be
 */
export async function makeKey(options: NewKeyOptions): Promise<NewKey> {
  const { userId, kind = 'rsa4096', expiresAfterDays, passphrase, now } = options
  checkUserId(userId)
  if (expiresAfterDays !== undefined && !(expiresAfterDays >= 1 && expiresAfterDays <= expiresAfterDaysMax)) {
    throw new SigningError('BAD_KEY', `a key lasts from 1 to ${expiresAfterDaysMax} days, not ${expiresAfterDays}`)
  }
  const created = Math.floor(now / 1000)
  const pair = await makeKeyPair(kind, created)
  const expiresAfterSeconds = expiresAfterDays === undefined ? undefined : Math.round(expiresAfterDays * 86_400)
  const user = certifiedUser(pair, { userId, created, expiresAfterSeconds })
  const secret = Buffer.concat([packetBytes(PacketTag.secretKey, pair.secretBody), user])
  const revocation = selfSignature(pair, {
    ...{ type: SignatureType.keyRevocation, created, over: [hashedKey(pair.publicBody)] },
    subpackets: [{ kind: 29, data: [noReason] }],
  })
  const made: MadeKey = {
    publicKey: writeArmor('PUBLIC KEY BLOCK', Buffer.concat([packetBytes(PacketTag.publicKey, pair.publicBody), user])),
    privateKey: passphrase === undefined ? writeArmor('PRIVATE KEY BLOCK', secret) : await locked(secret, passphrase),
    revocationCertificate: writeArmor('PUBLIC KEY BLOCK', packetBytes(PacketTag.signature, revocation)),
  }
  return new NewKey(made, now)
}

interface MadeKey {
  readonly publicKey: string
  readonly privateKey: string
  readonly revocationCertificate: string
}

const noReason = 0

/** The user id and the signature that binds it: what the key may do, and until when. */
function certifiedUser(
  pair: KeyPair,
  {
    userId,
    created,
    expiresAfterSeconds,
  }: { readonly userId: string; readonly created: number; readonly expiresAfterSeconds: number | undefined },
): Buffer {
  const user = Buffer.from(userId)
  const expiry = expiresAfterSeconds === undefined ? [] : [{ kind: 9, data: number32(expiresAfterSeconds) }]
  const certification = selfSignature(pair, {
    ...{ type: SignatureType.certificationLast, created },
    over: [hashedKey(pair.publicBody), Uint8Array.of(0xb4), number32(user.length), user],
    subpackets: [{ kind: 27, data: [certifiesAndSigns] }, ...expiry, { kind: 21, data: digests }],
  })
  return Buffer.concat([packetBytes(PacketTag.userId, user), packetBytes(PacketTag.signature, certification)])
}

const certifiesAndSigns = 0x03
/** SHA-512, SHA-384, SHA-256: what others should sign with for it. */
const digests = [10, 9, 8]

async function locked(secret: Uint8Array, passphrase: string): Promise<string> {
  const { encryptKey, readPrivateKey } = await import('openpgp')
  const privateKey = await readPrivateKey({ binaryKey: secret })
  return (await encryptKey({ privateKey, passphrase })).armor()
}

/** A key that was made. The private part is not shown by any way of printing it. */
export class NewKey {
  /** Armored, for clients. */
  readonly publicKey: string
  /** Armored: published, it tells everybody that the key is not to be believed any more. To be kept where the key is not. */
  readonly revocationCertificate: string
  readonly describe: SignerDescription
  readonly #privateKey: string

  constructor(made: MadeKey, now: number) {
    this.publicKey = made.publicKey
    this.revocationCertificate = made.revocationCertificate
    const [key] = readKeyring([{ name: 'the new key', bytes: Buffer.from(made.publicKey) }], now).keys
    if (key === undefined) throw new Error('a keyring without keys')
    this.describe = describeKey(key)
    this.#privateKey = made.privateKey
  }

  /** Armored, to be written into a file that nobody else can read (mode 0600). */
  revealPrivateKey(): string {
    return this.#privateKey
  }
}

function checkUserId(text: string): void {
  if (text.length <= userIdCharactersMax && userIdForm.test(text)) return
  const shown = text.replaceAll(/\p{C}/gu, '?').slice(0, 80)
  throw new SigningError('BAD_KEY', `"${shown}" is no user id; write it as: My packages <packages@example.com>`)
}

const userIdCharactersMax = 200
/** A name, and an address where there is one. */
const userIdForm = /^[^<>\p{C}\s](?:[^<>\p{C}]*[^<>\p{C}\s])?(?: <[^<>\s\p{C}]+@[^<>\s\p{C}]+>)?$/u
