import { parsePackage, RpmError, type RpmPackage } from '@repokeeper/rpm-parser'
import type { SignaturePolicy } from './judge-signature.ts'
import { DigestCheck, type DigestFinding, findDigests, hasPayloadDigest } from './package-digests.ts'
import { findSignatures } from './package-signatures.ts'
import { decide, type PackageVerdict } from './package-verdict.ts'
import { FindingInProgress, type SignatureFinding } from './signature-finding.ts'

/**
 * Verifies the signatures and digests of a package. What the verdict follows, and where it is stricter than rpm, `decide` says.
 *
 * @param firstBytes the file from its first byte to the end of the main header at least, as `parsePackage` wants it; what is
 *   behind is ignored
 * @param payload all bytes behind the main header, in pieces; it is read to its end. Without it what is over the payload is `unchecked`
 * @returns always a verdict, whatever the bytes are. What `payload` throws is thrown on
 */
export async function verifyPackage(
  firstBytes: Uint8Array,
  payload: AsyncIterable<Uint8Array> | undefined,
  policy: SignaturePolicy,
): Promise<PackageVerdict> {
  const verification = openVerification(firstBytes, policy)
  if (!(verification instanceof PackageVerification)) return verification
  if (payload === undefined) return verification.headerVerdict()
  for await (const piece of payload) verification.update(piece)
  return verification.wholeVerdict()
}

/**
 * Begins to verify a package whose payload is streamed anyway, or may be where `payloadNeeded` says so.
 *
 * @param rpm what `parsePackage` made of the same bytes, where that is at hand
 * @returns the verdict at once where the bytes are no readable package
 */
export function openVerification(
  firstBytes: Uint8Array,
  policy: SignaturePolicy,
  rpm?: RpmPackage,
): PackageVerification | PackageVerdict {
  try {
    const read = rpm ?? parsePackage(firstBytes)
    const { start, end } = read.headerRange
    return new PackageVerification(read, firstBytes.subarray(start, end), policy)
  } catch (error) {
    if (!(error instanceof RpmError)) throw error
    return { kind: 'refused', code: 'UNREADABLE', reason: error.message, signatures: [], digests: [] }
  }
}

/**
 * The header is verified when it is made; the payload as its bytes come. In constant memory: a hash for each digest and signature over the
 * payload, of which a package has seven at most.
 */
export class PackageVerification {
  readonly #rpm: RpmPackage
  readonly #headerSignatures: readonly SignatureFinding[]
  readonly #headerDigests: readonly DigestFinding[]
  readonly #payloadSignatures: readonly FindingInProgress[]
  readonly #payloadDigests: readonly DigestCheck[]

  constructor(rpm: RpmPackage, headerBytes: Uint8Array, policy: SignaturePolicy) {
    const signatures = findSignatures(rpm.signature).map((found) => new FindingInProgress(found, policy))
    const digests = findDigests(rpm.signature, rpm.header).map((found) => new DigestCheck(found))
    const overHeader = [...signatures, ...digests.filter(({ covers }) => covers !== 'payload')]
    for (const one of overHeader) one.update(headerBytes)
    this.#rpm = rpm
    this.#headerSignatures = signatures.filter(({ found }) => found.covers === 'header').map((one) => one.settle())
    this.#headerDigests = digests.filter(({ covers }) => covers === 'header').map((one) => one.settle())
    this.#payloadSignatures = signatures.filter(({ found }) => found.covers !== 'header')
    this.#payloadDigests = digests.filter(({ covers }) => covers !== 'header')
  }

  /**
   * Whether the package may be accepted, but only after its payload was read: a signature over header and payload is all that a key of the
   * keyring has signed, or all that covers the payload.
   */
  get payloadNeeded(): boolean {
    const verdict = this.headerVerdict()
    return verdict.kind === 'refused' && verdict.code === 'PAYLOAD_NEEDED'
  }

  /** The next bytes behind the main header. */
  update(bytes: Uint8Array): void {
    for (const one of [...this.#payloadSignatures, ...this.#payloadDigests]) one.update(bytes)
  }

  /** What is to be said of the header alone. */
  headerVerdict(): PackageVerdict {
    return this.#decide(
      this.#payloadSignatures.map((one) => one.unchecked()),
      this.#payloadDigests.map((one) => one.unchecked()),
    )
  }

  /** To be called once, when `update` was given the payload to its end. */
  wholeVerdict(): PackageVerdict {
    return this.#decide(
      this.#payloadSignatures.map((one) => one.settle()),
      this.#payloadDigests.map((one) => one.settle()),
    )
  }

  #decide(payloadSignatures: readonly SignatureFinding[], payloadDigests: readonly DigestFinding[]): PackageVerdict {
    return decide({
      signatures: [...this.#headerSignatures, ...payloadSignatures],
      digests: [...this.#headerDigests, ...payloadDigests],
      hasPayloadDigest: hasPayloadDigest(this.#rpm.header),
    })
  }
}
