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

/** @throws StoreError, and what the signer throws */
export async function signatureOutlook(
  { location, ...repository }: OpenRepository,
  id: GenerationId,
): Promise<SignatureOutlook> {
  const context = repository.context()
  const { signing } = context
  // Where nothing is signed today nobody checks.
  if ((await readSignature(location, context)) === undefined) {
    return signing.kind === 'signed' ? { kind: 'will be signed' } : accepted
  }
  const own = generationLocation(location, id)
  const repomd = (await readStoredRepomd(own, context))?.bytes
  // That it is broken is said by who is about to use it.
  if (repomd === undefined) return accepted
  const there = (await readSignature(own, context))?.bytes
  const isWanted = signing.kind === 'signed' && (await judgeSignature(own, repomd, context)) !== 'right'
  const signature = isWanted ? await signing.signer.sign(repomd) : there
  if (signature === undefined) return { kind: 'refused', reason: 'it is not signed, and what is published is' }
  const key = await readPublicKey(location, context)
  if (key === undefined) {
    return { kind: 'unchecked', reason: 'repodata/repomd.xml.key is not there, so its signature could not be checked' }
  }
  const now = Date.now()
  const keyring = readKeyring([{ name: 'repodata/repomd.xml.key', bytes: key }], now)
  const findings = verifyDetached(repomd, signature, { keyring, now })
  if (isGoodDetached(findings)) return isWanted ? { kind: 'will be signed' } : accepted
  const said = findings.map(({ keyId, sentence }) => (keyId === undefined ? sentence : `${sentence} (key ${keyId})`))
  const whose = isWanted ? 'the key that was given is' : 'its signature is'
  return { kind: 'refused', reason: `${whose} not of those in repodata/repomd.xml.key: ${said.join('; ')}` }
}

const accepted: SignatureOutlook = { kind: 'accepted' }
