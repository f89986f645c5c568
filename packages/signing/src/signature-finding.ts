import { hashAlgorithms, publicKeyAlgorithmName } from './algorithms.ts'
import type { CertifiedKey } from './certificate.ts'
import { judgeSignature, type SignaturePolicy, type SignatureStatus, unknownKey } from './judge-signature.ts'
import type { FoundSignature } from './package-signatures.ts'
import { type CheckOutcome, SignatureCheck } from './signature-check.ts'
import type { OpenPgpSignature } from './signature-packet.ts'

export interface SignatureFinding {
  /** rpm's name of its tag. */
  readonly tag: FoundSignature['tag']
  readonly covers: FoundSignature['covers']
  readonly status: SignatureStatus
  /** For people: what is with it, without a subject. */
  readonly sentence: string
  /** 16 hexadecimal digits, as the signature says it. */
  readonly keyId?: string
  /** Of its key, and of the primary key of that, where the keyring has it. */
  readonly fingerprint?: string
  readonly primaryFingerprint?: string
  readonly userId?: string
  /** `RSA 4096/SHA256` */
  readonly algorithm?: string
  /** Seconds since 1970, as the signature says it. */
  readonly created?: number
}

/** A signature of a package on the way to a verdict. */
export class FindingInProgress {
  readonly found: FoundSignature
  readonly #policy: SignaturePolicy
  readonly #check: SignatureCheck<CertifiedKey> | undefined
  /** Whether to read the payload for it makes sense. */
  readonly hasKey: boolean

  constructor(found: FoundSignature, policy: SignaturePolicy) {
    const { content } = found
    const issuer = content.kind === 'read' ? content.signature.issuer : undefined
    const keys = issuer === undefined ? [] : policy.keyring.find(issuer)
    this.found = found
    this.#policy = policy
    this.#check = content.kind === 'read' ? new SignatureCheck(content.signature, keys) : undefined
    this.hasKey = keys.length > 0
  }

  update(bytes: Uint8Array): void {
    this.#check?.update(bytes)
  }

  /** What is to be said without the payload. */
  unchecked(): SignatureFinding {
    const { content } = this.found
    if (content.kind !== 'read') return this.settle()
    const [status, sentence] = this.hasKey
      ? (['unchecked', 'not verified: the payload was not read'] as const)
      : (['unknown-key', unknownKey] as const)
    return { ...this.#description(content.signature), status, sentence }
  }

  /** To be called once, behind the last of the bytes. */
  settle(): SignatureFinding {
    const { content, tag, covers } = this.found
    if (content.kind !== 'read') {
      const status = content.kind === 'malformed' ? 'bad' : 'unsupported'
      return { tag, covers, status, sentence: `it cannot be read: ${content.reason}` }
    }
    const { signature } = content
    const outcome: CheckOutcome<CertifiedKey> = this.#check?.settle() ?? { kind: 'no-key' }
    const key = outcome.kind === 'good' ? outcome.key : undefined
    return { ...this.#description(signature, key), ...judgeSignature(signature, outcome, this.#policy) }
  }

  #description(signature: OpenPgpSignature, key?: CertifiedKey): Omit<SignatureFinding, 'status' | 'sentence'> {
    const { tag, covers } = this.found
    const { publicKeyAlgorithm, hashAlgorithm, created, issuer } = signature
    const hash = hashAlgorithms.get(hashAlgorithm)?.name ?? `hash ${hashAlgorithm}`
    return {
      ...{ tag, covers, created, algorithm: `${key?.kind ?? publicKeyAlgorithmName(publicKeyAlgorithm)}/${hash}` },
      ...(issuer === undefined ? {} : { keyId: issuer }),
      ...(key && { fingerprint: key.fingerprint, primaryFingerprint: key.primaryFingerprint, userId: key.userId }),
    }
  }
}
