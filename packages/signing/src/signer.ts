import type { CertifiedKey } from './certificate.ts'

/** Signs documents of a repository, by a key at hand or by a program. Nothing in it shows a private key, however it is printed. */
export interface Signer {
  /** Armored, with its subkeys: what clients import. */
  readonly publicKey: string
  readonly describe: SignerDescription
  /**
   * @returns an armored detached signature of exactly these bytes, a version 4 packet, as gpg --detach-sign --armor writes it
   * @throws SigningError where it cannot be made, or is none that clients would take
   */
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/** For logs and people. */
export interface SignerDescription {
  /** Of the primary key: what one compares on the phone. */
  readonly fingerprint: string
  /** Of the key or subkey that signs; of a program that has several to choose from, the one that gpg would take. */
  readonly keyId: string
  readonly kind: string
  readonly userId: string
  /** Seconds since 1970; absent: never. */
  readonly expires?: number
}

export function describeKey({ primaryFingerprint, keyId, kind, userId, expires }: CertifiedKey): SignerDescription {
  return { fingerprint: primaryFingerprint, keyId, kind, userId, ...(expires === undefined ? {} : { expires }) }
}
