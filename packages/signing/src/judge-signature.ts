import { hashAlgorithms } from './algorithms.ts'
import type { CertifiedKey } from './certificate.ts'
import { dayOf, type Keyring } from './keyring.ts'
import type { CheckOutcome } from './signature-check.ts'
import { type OpenPgpSignature, SignatureType } from './signature-packet.ts'

export type SignatureStatus =
  /** By a key of the keyring that could be believed when it was made. */
  | 'ok'
  /** Right, but with a digest or a key of a kind that others can forge. */
  | 'weak'
  /** Not of this package, not of its key, or none that can be read. */
  | 'bad'
  | 'unknown-key'
  /** Made after its key had expired. */
  | 'key-expired'
  | 'key-revoked'
  /** Of a kind that is not verified here, or by a key that may not sign. */
  | 'unsupported'
  /** Over the payload, which was not read; a key of the keyring could tell. */
  | 'unchecked'

export interface SignaturePolicy {
  readonly keyring: Keyring
  /** Milliseconds, as Date.now() has them. */
  readonly now: number
  /** Believe SHA-1, MD5, and RSA and DSA below 2048 bits, too: for packages of times that knew nothing better. Default: false. */
  readonly acceptWeak?: boolean
}

export const unknownKey = 'its key is not in the keyring'

/** Clocks of those who sign may go ahead by this much; rpm-sequoia allows the same (`pgp_verify_signature`). */
const clockSkewSeconds = 5 * 60

export interface Judgement {
  readonly status: SignatureStatus
  /** For people: what is with it, without a subject. */
  readonly sentence: string
}

/**
 * What a signature is worth: whether the numbers are right is one question, whether its key could be believed when it was made another.
 * Times are as the signature says them, which is all there is.
 */
export function judgeSignature(
  signature: OpenPgpSignature,
  outcome: CheckOutcome<CertifiedKey>,
  policy: SignaturePolicy,
): Judgement {
  const { type, created, expires, hashAlgorithm } = signature
  const nowSeconds = policy.now / 1000
  if (type !== SignatureType.binary)
    return { status: 'bad', sentence: `it is of type ${type}, which is none of a file` }
  switch (outcome.kind) {
    case 'bad':
    case 'unsupported':
      return { status: outcome.kind, sentence: outcome.reason }
    case 'no-key':
      return { status: 'unknown-key', sentence: unknownKey }
    case 'good':
      break
    default:
      throw outcome satisfies never
  }
  const { key } = outcome
  if (created > nowSeconds + clockSkewSeconds) return { status: 'bad', sentence: `it says it is of ${dayOf(created)}` }
  if (expires !== undefined && expires <= nowSeconds) {
    return { status: 'bad', sentence: `it says of itself that it held until ${dayOf(expires)}` }
  }
  if (created < key.created) return { status: 'bad', sentence: 'it says it is older than its key' }
  if (key.unusable !== undefined) return { status: 'unsupported', sentence: `of its key: ${key.unusable}` }
  if (key.revocation !== undefined && created >= key.revocation.since) {
    return { status: 'key-revoked', sentence: `its key is revoked: ${key.revocation.reason}` }
  }
  if (key.expires !== undefined && created >= key.expires) {
    return { status: 'key-expired', sentence: `its key had expired on ${dayOf(key.expires)}, before it was made` }
  }
  const hash = hashAlgorithms.get(hashAlgorithm)
  const weakness = hash?.isBroken ? `signatures with ${hash.name} can be forged` : key.weakness
  if (weakness !== undefined && !policy.acceptWeak) return { status: 'weak', sentence: weakness }
  return { status: 'ok', sentence: `signed by ${key.userId} on ${dayOf(created)}` }
}
