import { createHash } from 'node:crypto'
import type { RepositoryLocation } from '@repokeeper/repository'

/** The SHA-256 of an object, as the store vouches for it or as its bytes are; `undefined` where there is none. @throws StoreError */
export async function digestThere({ store, root }: RepositoryLocation, path: string): Promise<string | undefined> {
  const head = await store.head(`${root}${path}`)
  if (head === undefined || head.sha256 !== undefined) return head?.sha256
  const got = await store.get(head.key)
  if (got.kind !== 'found') return undefined
  const hash = createHash('sha256')
  for await (const chunk of got.body) hash.update(chunk)
  return hash.digest('hex')
}
