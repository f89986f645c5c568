/**
 * The digest of an object's bytes, whatever the store says of it.
 */
import { createHash } from 'node:crypto'
import type { ObjectHead } from '@repokeeper/object-store'
import type { ChecksumType } from '@repokeeper/repodata'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { nodeAlgorithm } from './document-cache.ts'

/** Hexadecimal; `undefined` where another object stands there by now, or none. @throws StoreError */
export async function digestOf(
  { store }: Pick<RepositoryLocation, 'store'>,
  { key, etag }: Pick<ObjectHead, 'key' | 'etag'>,
  type: ChecksumType,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<string | undefined> {
  const got = await store.get(key, { ifMatch: etag, ...withSignal(context) })
  if (got.kind !== 'found') return undefined
  const hash = createHash(nodeAlgorithm(type))
  for await (const chunk of got.body) hash.update(chunk)
  return hash.digest('hex')
}
