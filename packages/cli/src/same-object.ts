import { createHash } from 'node:crypto'
import type { ObjectHead, ObjectStore } from '@repokeeper/object-store'

/** Whether an object has these bytes. Asks the store for the digest; where it has none, reads them. `changed`: it was replaced meanwhile. */
export async function isSameObject(
  store: ObjectStore,
  there: ObjectHead,
  wanted: { readonly size: number; readonly sha256: string },
  signal: AbortSignal,
): Promise<boolean | 'changed'> {
  if (there.sha256 !== undefined) return there.sha256 === wanted.sha256
  if (there.size !== wanted.size) return false
  const got = await store.get(there.key, { ifMatch: there.etag, signal })
  if (got.kind !== 'found') return 'changed'
  const hash = createHash('sha256')
  for await (const chunk of got.body) hash.update(chunk)
  return hash.digest('hex') === wanted.sha256
}
