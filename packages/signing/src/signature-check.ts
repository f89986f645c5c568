import { createHash, createVerify, type Hash, type Verify, verify } from 'node:crypto'
import { hashAlgorithms, PublicKeyAlgorithm, publicKeyAlgorithmName } from './algorithms.ts'
import { type PublicKey, signatureOf } from './public-key.ts'
import type { OpenPgpSignature } from './signature-packet.ts'

export type CheckOutcome<Key> =
  | { readonly kind: 'good'; readonly key: Key }
  /** Not of these bytes, or not of this key. */
  | { readonly kind: 'bad'; readonly reason: string }
  /** It may be of these bytes; none of the given keys can tell. */
  | { readonly kind: 'no-key' }
  | { readonly kind: 'unsupported'; readonly reason: string }

/**
 * Verifies one signature over bytes that come in pieces, in constant memory. What the signature says of itself (its time, its type)
 * and what becomes of the key meanwhile is for others to judge.
 */
export class SignatureCheck<Key extends PublicKey> {
  readonly #signature: OpenPgpSignature
  readonly #hash: Hash | undefined
  readonly #candidates: readonly { readonly key: Key; readonly verify: Verify | undefined }[]

  /** @param keys those that the signature may be of: more than one where key ids collide */
  constructor(signature: OpenPgpSignature, keys: readonly Key[]) {
    this.#signature = signature
    const digest = hashAlgorithms.get(signature.hashAlgorithm)?.digest
    this.#hash = digest === undefined ? undefined : createHash(digest)
    this.#candidates = keys
      .filter((key) => digest !== undefined && isOfKind(signature, key))
      .map((key) => ({
        key,
        verify: key.verifier?.signsDigest || digest === undefined ? undefined : createVerify(digest),
      }))
    this.update(signature.salt)
  }

  update(bytes: Uint8Array): void {
    this.#hash?.update(bytes)
    for (const { verify } of this.#candidates) verify?.update(bytes)
  }

  /** To be called once, behind the last of the bytes. */
  settle(): CheckOutcome<Key> {
    const { trailer, digestStart, numbers, hashAlgorithm, publicKeyAlgorithm } = this.#signature
    if (this.#hash === undefined) {
      return { kind: 'unsupported', reason: `its digest is of algorithm ${hashAlgorithm}, which is not known here` }
    }
    this.update(trailer)
    const digest = this.#hash.digest()
    // As rpm does (rpmio/rpmpgp_internal.c `pgpVerifySignature`): so that damage shows where the key is unknown.
    if (!digest.subarray(0, 2).equals(digestStart)) return { kind: 'bad', reason: 'it is not of these bytes' }
    if (numbers.length === 0) {
      const reason = `${publicKeyAlgorithmName(publicKeyAlgorithm)} is not verified here`
      return { kind: 'unsupported', reason }
    }
    if (this.#candidates.length === 0) return { kind: 'no-key' }
    const good = this.#candidates.find(({ key, verify }) => isSignedBy(numbers, key, digest, verify))
    return good === undefined ? { kind: 'bad', reason: 'it is not of this key' } : { kind: 'good', key: good.key }
  }
}

/** Verifies a signature over bytes that are at hand. */
export function isGoodSignature(signature: OpenPgpSignature, key: PublicKey, ...parts: readonly Uint8Array[]): boolean {
  const check = new SignatureCheck(signature, [key])
  for (const part of parts) check.update(part)
  return check.settle().kind === 'good'
}

/** A key can have made only signatures of its own algorithm; rpm calls another one's unknown, too (`findbySig`). */
function isOfKind({ version, publicKeyAlgorithm }: OpenPgpSignature, key: PublicKey): boolean {
  const { algorithm, verifier } = key
  // RFC 9580 5.2.3: keys of version 6 make signatures of version 6, and no others do.
  if ((version === 6) !== (key.version === 6)) return false
  const isRsa = (number: number) => number === PublicKeyAlgorithm.rsa || number === PublicKeyAlgorithm.rsaSignOnly
  const isSame = publicKeyAlgorithm === algorithm || (isRsa(publicKeyAlgorithm) && isRsa(algorithm))
  return isSame && verifier !== undefined
}

function isSignedBy(
  numbers: readonly Uint8Array[],
  { verifier }: PublicKey,
  digest: Uint8Array,
  verifying: Verify | undefined,
): boolean {
  const signature = verifier && signatureOf(numbers, verifier)
  if (verifier === undefined || signature === undefined) return false
  try {
    return verifying === undefined
      ? verify(null, digest, verifier.key, signature)
      : verifying.verify({ key: verifier.key, dsaEncoding: 'ieee-p1363' }, signature)
  } catch {
    // OpenSSL throws at numbers that no signature can have, and at digests that are too long for an RSA key.
    return false
  }
}
