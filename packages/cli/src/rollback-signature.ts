/**
 * What clients that check signatures would say of an older generation: it may have been signed with a key that is no longer the repository's,
 * or with none.
 */
import {
  type GenerationId,
  generationLocation,
  judgeSignature,
  readPublicKey,
  readSignature,
  readStoredRepomd,
} from '@repokeeper/repository'
import { isGoodDetached, readKeyring, verifyDetached } from '@repokeeper/signing'
import type { OpenRepository } from './open-repository.ts'

/** `will be signed`: a key was given, and it is not signed with that. */
export type SignatureOutlook =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'will be signed' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unchecked'; readonly reason: string }

/** @throws StoreError */
export async function signatureOutlook(
  { location, ...repository }: OpenRepository,
  id: GenerationId,
): Promise<SignatureOutlook> {
  const context = repository.context()
  // Where nothing is signed today nobody checks.
  if (context.signing.kind !== 'signed' && (await readSignature(location, context)) === undefined) return accepted
  const own = generationLocation(location, id)
  const repomd = (await readStoredRepomd(own, context))?.bytes
  // That it is broken is said by who is about to use it.
  if (repomd === undefined) return accepted
  if (context.signing.kind === 'signed') {
    const isRight = (await judgeSignature(own, repomd, context)) === 'right'
    return isRight ? accepted : { kind: 'will be signed' }
  }
  const signature = await readSignature(own, context)
  if (signature === undefined) return { kind: 'refused', reason: 'it is not signed, and what is published is' }
  const key = await readPublicKey(location, context)
  if (key === undefined) {
    return { kind: 'unchecked', reason: 'repodata/repomd.xml.key is not there, so its signature could not be checked' }
  }
  const now = Date.now()
  const keyring = readKeyring([{ name: 'repodata/repomd.xml.key', bytes: key }], now)
  const findings = verifyDetached(repomd, signature.bytes, { keyring, now })
  if (isGoodDetached(findings)) return accepted
  const said = findings.map(({ keyId, sentence }) => (keyId === undefined ? sentence : `${sentence} (key ${keyId})`))
  return { kind: 'refused', reason: `its signature is not of the key that the repository has now: ${said.join('; ')}` }
}

const accepted: SignatureOutlook = { kind: 'accepted' }
