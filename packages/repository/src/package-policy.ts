/**
 * Which packages may enter the metadata: any, or only those that are signed. Whose signatures count is for the verifier to know; here is
 * what it is asked, and what follows of its answer.
 *
 * A package is verified when its header is read to make entries of it. What is listed with the very bytes that the bucket holds is not looked
 * at again: what an older policy let in stays until an audit of signatures takes it out. So two workers of which one has the keyring of
 * yesterday do not undo each other's work, and a keyring that lacks a key by mistake empties no repository.
 */
import type { RpmPackage } from '@repokeeper/rpm-parser'

export type PackagePolicy =
  | { readonly kind: 'any' }
  /** Only what the verifier calls signed. */
  | { readonly kind: 'signed'; readonly verifier: PackageVerifier }

/** Knows whose signatures count. Keys, and the time that they end at, are its own affair. */
export interface PackageVerifier {
  /**
   * The header is verified at once.
   *
   * @param rpm what stands in the first bytes
   * @param firstBytes the file from its first byte to the end of its main header
   */
  begin(rpm: RpmPackage, firstBytes: Uint8Array): PackageCheck
}

/** A package on the way to a verdict. Holds no more of its payload than digests. */
export interface PackageCheck {
  /** Without the payload it can't be accepted, and with it perhaps. */
  readonly payloadNeeded: boolean
  /** The next bytes behind the main header. */
  update(bytes: Uint8Array): void
  /** What is to be said without the payload. */
  headerVerdict(): PolicyVerdict
  /** To be called once, when all of the payload was handed over. */
  wholeVerdict(): PolicyVerdict
}

export type PolicyVerdict =
  | { readonly kind: 'signed'; readonly by: PackageSigner }
  | {
      readonly kind: 'refused'
      readonly code: PolicyRefusalCode
      /** For people: why, with the id of the key that has to do with it. */
      readonly reason: string
      readonly signatures: readonly Pick<PackageSigner, 'keyId'>[]
    }

/** Of the signature by which a package is accepted. */
export interface PackageSigner {
  /** 16 hexadecimal digits. */
  readonly keyId?: string
  readonly userId?: string
}

export type PolicyRefusalCode = keyof typeof remedies

/** A package that is not let in. */
export interface PolicyRefusal {
  readonly code: PolicyRefusalCode
  /** For people: why, and what to do. */
  readonly reason: string
  /** Of all keys that are said to have signed it, each once. */
  readonly keyIds: readonly string[]
}

export const anyPackage: PackagePolicy = { kind: 'any' }

export function verifierOf(policy: PackagePolicy): PackageVerifier | undefined {
  return policy.kind === 'signed' ? policy.verifier : undefined
}

export function refusalOf({ code, reason, signatures }: Extract<PolicyVerdict, { kind: 'refused' }>): PolicyRefusal {
  const keyIds = new Set(signatures.flatMap(({ keyId }) => keyId ?? []))
  return { code, reason: `${reason}; ${remedies[code]}`, keyIds: [...keyIds] }
}

const fetchAnew = 'it was damaged, or changed after it was signed: upload it again from where it was built'

const remedies = {
  UNREADABLE: 'build it anew',
  BAD_DIGEST: fetchAnew,
  BAD_SIGNATURE: fetchAnew,
  UNSIGNED: 'sign it (rpmsign --addsign) and upload it again',
  UNKNOWN_KEY: 'add that key to the keyring if it is to be believed, or sign the package with one that is in it',
  KEY_EXPIRED: 'sign it with a key that holds, or prolong that one and put its new copy into the keyring',
  KEY_REVOKED: 'sign it with another key and upload it again',
  WEAK_SIGNATURE: 'sign it anew (RSA or Ed25519, SHA-256); for packages of old times there is --accept-weak-signatures',
  UNSUPPORTED_SIGNATURE: 'sign it with an RSA or Ed25519 key that may sign, and upload it again',
  PAYLOAD_NOT_SIGNED: 'sign header and payload (rpmsign --rpmv3 --addsign) and upload it again',
  PAYLOAD_NEEDED: 'read all of it',
} as const
