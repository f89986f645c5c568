/**
 * A package that was looked at, into the store: under the conditions of the request.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import type { ETag, ObjectHead, ObjectStore, PutCondition } from '@repokeeper/object-store'
import { isAny, matchesStrongly } from './conditions.ts'
import { contentType } from './content-type.ts'
import type { Draft } from './receive-draft.ts'

export type Stored =
  /** `same`: the very same bytes were there already. */
  | { readonly kind: 'created' | 'replaced' | 'same'; readonly etag: ETag }
  /** Another file of this name is there. */
  | { readonly kind: 'taken' }
  /** What the request named as a condition does not hold. */
  | { readonly kind: 'changed' }
  /** Others write the same name again and again. */
  | { readonly kind: 'contended' }

export interface StoreDraftOptions {
  readonly headers: IncomingHttpHeaders
  /** Another file of this name may be replaced though no condition was named. */
  readonly replaces: boolean
  readonly signal: AbortSignal
}

/** Others may write the same name meanwhile, each time. */
const looksMax = 5
const readBytes = 2 ** 18

/** @throws StoreError */
export async function storeDraft(
  store: ObjectStore,
  key: string,
  draft: Draft,
  { headers, replaces, signal }: StoreDraftOptions,
): Promise<Stored> {
  const ifMatch = headers['if-match']
  const ifNoneMatch = headers['if-none-match']
  for (let look = 1; look <= looksMax; look += 1) {
    const there = await store.head(key, { signal })
    if (ifMatch !== undefined && (there === undefined || !matchesStrongly(ifMatch, there))) return { kind: 'changed' }
    if (ifNoneMatch !== undefined && isAny(ifNoneMatch) && there !== undefined) return { kind: 'changed' }
    if (there !== undefined && ifMatch === undefined) {
      const same = await isSame(store, there, draft, signal)
      if (same === 'changed') continue
      if (same) return { kind: 'same', etag: there.etag }
      if (!replaces) return { kind: 'taken' }
    }
    const condition: PutCondition = there === undefined ? { if: 'absent' } : { if: 'unchanged', etag: there.etag }
    const { size, sha256, path } = draft
    const body = { size, path, open: () => createReadStream(path, { highWaterMark: readBytes }) }
    const put = await store.put(key, body, condition, { sha256, contentType: contentType(key), signal })
    if (put.kind === 'stored') return { kind: there === undefined ? 'created' : 'replaced', etag: put.etag }
  }
  return { kind: 'contended' }
}

/** Whether the bytes are the same. Asks the store for the digest; where it has none, reads them. */
async function isSame(
  store: Pick<ObjectStore, 'get'>,
  there: ObjectHead,
  { size, sha256 }: Draft,
  signal: AbortSignal,
): Promise<boolean | 'changed'> {
  if (there.sha256 !== undefined) return there.sha256 === sha256
  if (there.size !== size) return false
  const got = await store.get(there.key, { ifMatch: there.etag, signal })
  if (got.kind !== 'found') return 'changed'
  const hash = createHash('sha256')
  for await (const chunk of got.body) hash.update(chunk)
  return hash.digest('hex') === sha256
}
