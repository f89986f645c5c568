import type { SignatureStatus } from './judge-signature.ts'
import type { DigestFinding } from './package-digests.ts'
import type { SignatureFinding } from './signature-finding.ts'

/** Plain data, to be printed, logged and kept. */
export type PackageVerdict = {
  readonly signatures: readonly SignatureFinding[]
  readonly digests: readonly DigestFinding[]
} & (
  | {
      readonly kind: 'signed'
      /** The signature by which it is accepted. */
      readonly by: SignatureFinding
      /** For people: `signed by A B <a@example.com> (RSA 4096/SHA256, key 0123456789abcdef)`. */
      readonly sentence: string
    }
  | {
      readonly kind: 'refused'
      readonly code: RefusalCode
      /** For people: with the key id, where a key has to do with it. */
      readonly reason: string
    }
)

export type RefusalCode =
  /** No RPM package, or one that rpm refuses. */
  | 'UNREADABLE'
  | 'BAD_DIGEST'
  | 'BAD_SIGNATURE'
  /** It has no signature at all. */
  | 'UNSIGNED'
  | 'UNKNOWN_KEY'
  | 'KEY_EXPIRED'
  | 'KEY_REVOKED'
  | 'WEAK_SIGNATURE'
  | 'UNSUPPORTED_SIGNATURE'
  /** The signed header says nothing of the payload, and no other signature does. */
  | 'PAYLOAD_NOT_SIGNED'
  /** Its payload has to be read before anything can be said. */
  | 'PAYLOAD_NEEDED'

export interface Findings {
  readonly signatures: readonly SignatureFinding[]
  readonly digests: readonly DigestFinding[]
  readonly hasPayloadDigest: boolean
}

/**
 * Accepts a package where
 *
 * - at least one signature by a key of the keyring holds, that was neither expired nor revoked when it was made,
 * - what it signs is all of the package: header and payload, or the header with a digest of the payload in it, and
 * - no signature and no digest that was looked at is bad.
 *
 * That is what rpm asks for at `_pkgverify_level signature` (lib/rpmvs.cc `rpmvsVerify`), partly signed packages refused with it, but:
 *
 * - **Expired and revoked keys** count as rpm 4.18 and later have it with Sequoia (`pgp_verify_signature`): what was signed before a key
 *   expired, was retired or replaced, stays signed; after a revocation for theft, or without a reason, nothing does. The parser within
 *   rpm, which RHEL 8, RHEL 9 and Debian 12 use, looks at neither.
 * - **Weak** signatures (SHA-1, MD5, RIPEMD-160; RSA and DSA keys below 2048 bits) do not count unless `acceptWeak` says so. Sequoia's own
 *   policy takes no DSA at all; rpm's parser takes everything.
 * - **Every signature is looked at**, where rpm 6 passes over those for older rpm once it has read a v6 one, so a bad one beside it is
 *   found. One by a key that nobody knows, or of a kind that nobody reads, does no harm beside a good one; `rpmkeys -K` of rpm 6 would count
 *   it as a failure.
 * - **ECDSA** counts as with Sequoia; rpm's parser calls it bad.
 */
export function decide({ signatures, digests, hasPayloadDigest }: Findings): PackageVerdict {
  const refuse = (code: RefusalCode, reason: string): PackageVerdict => {
    return { kind: 'refused', code, reason, signatures, digests }
  }
  const badDigest = digests.find(({ status }) => status === 'bad')
  if (badDigest !== undefined) {
    const { covers, algorithm, sentence } = badDigest
    return refuse('BAD_DIGEST', `the ${algorithm} digest of its ${covers} is wrong: ${sentence}`)
  }
  const bad = signatures.find(({ status }) => status === 'bad')
  if (bad !== undefined) return refuse('BAD_SIGNATURE', describe(bad))

  const good = signatures.filter(({ status }) => status === 'ok')
  const by = good.find(({ covers }) => covers !== 'header' || hasPayloadDigest)
  if (by !== undefined) {
    const { userId, algorithm, keyId } = by
    return { kind: 'signed', by, sentence: `signed by ${userId} (${algorithm}, key ${keyId})`, signatures, digests }
  }
  if (signatures.length === 0) return refuse('UNSIGNED', 'it is not signed')
  if (signatures.some(({ status }) => status === 'unchecked')) {
    return refuse('PAYLOAD_NEEDED', 'its signature is over the payload, which was not read')
  }
  const [partial] = good
  if (partial !== undefined) {
    const reason = `key ${partial.keyId} has signed its header, in which nothing stands of its payload`
    return refuse('PAYLOAD_NOT_SIGNED', reason)
  }
  for (const [status, code] of refusals) {
    const found = signatures.find((signature) => signature.status === status)
    if (found !== undefined) return refuse(code, describe(found))
  }
  throw new Error('a signature has a status that nobody thought of')
}

/** What is most worth telling first. */
const refusals: readonly (readonly [SignatureStatus, RefusalCode])[] = [
  ['key-revoked', 'KEY_REVOKED'],
  ['key-expired', 'KEY_EXPIRED'],
  ['weak', 'WEAK_SIGNATURE'],
  ['unknown-key', 'UNKNOWN_KEY'],
  ['unsupported', 'UNSUPPORTED_SIGNATURE'],
]

function describe({ covers, algorithm, keyId, userId, sentence }: SignatureFinding): string {
  const whose = [algorithm, keyId && `key ${keyId}`, userId && `of ${userId}`].filter(Boolean).join(', ')
  return `the signature of its ${covers}${whose === '' ? '' : ` (${whose})`} does not count: ${sentence}`
}
