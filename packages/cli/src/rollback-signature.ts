/**
 * What clients that check signatures would say of an older generation: it may have been signed with a key that is no longer the repository's,
 * or with none.
 */
import {
  generationLocation,
  type ListedGeneration,
  readPublicKey,
  readSignature,
  readStoredRepomd,
} from '@repokeeper/repository'
import { isGoodDetached, type Keyring, readKeyring, verifyDetached } from '@repokeeper/signing'
import type { OpenRepository } from './open-repository.ts'
import { enumerate } from './text-layout.ts'

/** `will be signed`: a key was given, and it is not signed with that. */
export type SignatureOutlook =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'will be signed' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unchecked'; readonly reason: string }

/** @throws StoreError, and what the signer throws */
export async function signatureOutlook(
  { location, ...repository }: OpenRepository,
  { id, snapshots }: Pick<ListedGeneration, 'id' | 'snapshots'>,
): Promise<SignatureOutlook> {
  const context = repository.context()
  const signer = context.signing.kind === 'signed' ? context.signing.signer : undefined
  // Where nothing is signed today nobody checks.
  const isSigned = (await readSignature(location, context)) !== undefined
  if (!isSigned && signer === undefined) return accepted
  const own = generationLocation(location, id)
  const repomd = (await readStoredRepomd(own, context))?.bytes
  // That it is broken is said by who is about to use it.
  if (repomd === undefined) return accepted
  const there = (await readSignature(own, context))?.bytes
  const isRight = there !== undefined && (await signer?.verify(repomd, there)) === true
  if (!isSigned) return isRight ? accepted : { kind: 'will be signed' }
  const key = await readPublicKey(location, context)
  if (key === undefined) {
    return { kind: 'unchecked', reason: 'repodata/repomd.xml.key is not there, so its signature could not be checked' }
  }
  const keyring = readKeyring([{ name: 'repodata/repomd.xml.key', bytes: key }], Date.now())
  const ofThere = there === undefined ? 'it is not signed, and what is published is' : faultIn(repomd, there, keyring)
  if (ofThere === undefined) return accepted
  if (signer === undefined) return { kind: 'refused', reason: ofThere }
  const ofGiven = faultIn(repomd, await signer.sign(repomd), keyring)
  if (ofGiven !== undefined) return { kind: 'refused', reason: `the key that was given does not help: ${ofGiven}` }
  if (there !== undefined && snapshots.length > 0) {
    const reason = `${ofThere}; it is not signed anew because of ${enumerate(snapshots, 3)}, a snapshot whose clients know the key that it was signed with`
    return { kind: 'refused', reason }
  }
  return { kind: 'will be signed' }
}

/** Why clients that have these keys would refuse it; `undefined`: they would not. */
function faultIn(repomd: Uint8Array, signature: Uint8Array, keyring: Keyring): string | undefined {
  const findings = verifyDetached(repomd, signature, { keyring, now: Date.now() })
  if (isGoodDetached(findings)) return undefined
  const said = findings.map(({ keyId, sentence }) => (keyId === undefined ? sentence : `${sentence} (key ${keyId})`))
  return `its signature is not of a key in repodata/repomd.xml.key: ${said.join('; ')}`
}

const accepted: SignatureOutlook = { kind: 'accepted' }
