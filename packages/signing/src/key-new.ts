import { generateKey } from 'openpgp'
import { readKeyring } from './keyring.ts'
import { describeKey, type SignerDescription } from './signer.ts'
import { SigningError } from './signing-error.ts'

export interface NewKeyOptions {
  /** `My packages <packages@example.com>`, as clients show it when they ask whether to trust the key. */
  readonly userId: string
  /**
   * rsa4096, the default, is read by every client there is: rpm from 4.8, gpg from 1.4. ed25519 (algorithm 22) is small and quick, and read by
   * gpg from 2.1 and rpm from 4.16 on: not by RHEL 7, nor, for packages, by RHEL 8.
   */
  readonly kind?: NewKeyKind
  /** Absent: it never expires. Clients refuse everything that is signed later, so whoever sets it has to prolong the key in time. */
  readonly expiresAfterDays?: number
  /** Protects the private key where it lies. */
  readonly passphrase?: string
  /** Milliseconds, as Date.now() has them. */
  readonly now: number
}

export type NewKeyKind = 'rsa4096' | 'ed25519'

/** Ten times the longest that anybody should choose: dates stay dates. */
const expiresAfterDaysMax = 36_500

/**
 * Makes a key to sign repositories with: one primary key that signs, no subkeys, so that clients of any age find their way.
 *
 * @throws SigningError BAD_KEY where user id or time cannot be
 */
export async function makeKey(options: NewKeyOptions): Promise<NewKey> {
  const { userId, kind = 'rsa4096', expiresAfterDays, passphrase, now } = options
  const { name, email } = parseUserId(userId)
  if (expiresAfterDays !== undefined && !(expiresAfterDays >= 1 && expiresAfterDays <= expiresAfterDaysMax)) {
    throw new SigningError('BAD_KEY', `a key lasts from 1 to ${expiresAfterDaysMax} days, not ${expiresAfterDays}`)
  }
  const made = await generateKey({
    ...(kind === 'rsa4096' ? { type: 'rsa', rsaBits: 4096 } : { type: 'ecc', curve: 'ed25519Legacy' }),
    userIDs: [{ name, ...(email === undefined ? {} : { email }) }],
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(expiresAfterDays === undefined ? {} : { keyExpirationTime: Math.round(expiresAfterDays * 86_400) }),
    subkeys: [],
    date: new Date(now),
    format: 'armored',
  })
  return new NewKey(made, now)
}

/** A key that was made. The private part is not shown by any way of printing it. */
export class NewKey {
  /** Armored, for clients. */
  readonly publicKey: string
  /** Armored: published, it tells everybody that the key is not to be believed any more. To be kept where the key is not. */
  readonly revocationCertificate: string
  readonly describe: SignerDescription
  readonly #privateKey: string

  constructor(made: { privateKey: string; publicKey: string; revocationCertificate: string }, now: number) {
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

function parseUserId(text: string): { readonly name: string; readonly email: string | undefined } {
  const { name, email } =
    /^(?<name>[^<>\p{C}]*[^<>\p{C}\s])\s*(?:<(?<email>[^<>\s\p{C}]+@[^<>\s\p{C}]+)>)?$/u.exec(text)?.groups ?? {}
  if (name === undefined || name.length > userIdCharactersMax) {
    const message = `"${text.replaceAll(/\p{C}/gu, '?').slice(0, 80)}" is no user id; write it as: My packages <packages@example.com>`
    throw new SigningError('BAD_KEY', message)
  }
  return { name, email }
}

const userIdCharactersMax = 200
