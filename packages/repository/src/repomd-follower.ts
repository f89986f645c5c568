/**
 * What follows repomd.xml: an object that says something of exactly its bytes, as its signature does, and the mirrorlist.
 *
 * Two objects cannot change in one step. So a follower is made before repomd.xml is swapped, and written right after it, itself by
 * compare-and-swap: on what was there while repomd.xml was still the one before. Then none of an older generation can come after one of a
 * newer: who writes repomd.xml last also has the last word on what follows it. Who dies between the two leaves a stale one; whoever handles
 * his messages, or looks again in his stead (pledge.ts), or audits, finds that and mends it.
 */
import { type ETag, readBody } from '@repokeeper/object-store'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { RepositoryError } from './repository-error.ts'
import { repomdKey } from './roots.ts'
import { readStoredRepomd } from './snapshot.ts'

export interface Follower {
  readonly key: string
  /** For messages, as in `its signature`. */
  readonly name: string
  readonly contentType: string
  readonly bytesMax: number
  /** What it has to be beside these bytes of repomd.xml, in place of what is there. */
  make(repomd: Uint8Array, there: Uint8Array | undefined): Promise<Uint8Array>
  /** Whether what is there may stay beside them. Never throws for what others have written. */
  fits(repomd: Uint8Array, there: Uint8Array | undefined): Promise<boolean>
}

/** What was done beforehand, so that little is left to do after the swap. */
export interface PreparedFollower {
  readonly follower: Follower
  readonly repomd: Uint8Array
  readonly bytes: Uint8Array
  /** What was there; `undefined`: nothing. */
  readonly replaces: ETag | undefined
  /** What was there may stay beside any repomd.xml: it is looked at again before it is replaced. */
  readonly mayStay: boolean
}

/** An object of a few bytes as it is there. */
export interface StoredSmall {
  readonly etag: ETag
  /** Empty where they are more than such an object has. */
  readonly bytes: Uint8Array
}

/** Others may write it at the same moment, each of them once for each swap. */
const attemptsMax = 20

/**
 * To be called when repomd.xml is swapped.
 *
 * @param etag of the repomd.xml that is followed
 * @throws StoreError, RepositoryError `CONTENTION`: then it is left to whoever looks next
 */
export async function placeFollower(
  location: RepositoryLocation,
  etag: ETag,
  { follower, repomd, bytes, replaces: before, mayStay }: PreparedFollower,
  context: RepositoryContext,
): Promise<void> {
  let replaces = before
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const looksFirst = mayStay && attempt === 0
    if (!looksFirst && (await putFollower(location, follower, bytes, replaces, context))) return
    // In this order: one that comes after this reading is not replaced, for it may be of a newer repomd.xml.
    const there = await readFollower(location, follower, context)
    if (await follower.fits(repomd, there?.bytes)) return
    const now = await location.store.head(repomdKey(location.root), withSignal(context))
    if (now?.etag !== etag) return
    replaces = there?.etag
  }
  throw contention(location, follower)
}

export type Kept =
  /** There is no repomd.xml that could be followed. */
  | { readonly kind: 'nothing to follow' }
  | { readonly kind: 'right'; readonly repomd: Uint8Array }
  /** It is right now. @property had what was there before; `undefined`: nothing */
  | { readonly kind: 'mended'; readonly repomd: Uint8Array; readonly had: Uint8Array | undefined }

/**
 * Sees to it that what is there is of what is published now, whoever published it.
 *
 * @throws StoreError, RepositoryError `CONTENTION`, and what `make` throws
 */
export async function keepFollower(
  location: RepositoryLocation,
  follower: Follower,
  context: RepositoryContext,
): Promise<Kept> {
  let had: Uint8Array | undefined
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    // In this order, as in `placeFollower`.
    const there = await readFollower(location, follower, context)
    const stored = await readStoredRepomd(location, context)
    if (stored?.bytes === undefined) return { kind: 'nothing to follow' }
    const repomd = stored.bytes
    if (await follower.fits(repomd, there?.bytes)) {
      return attempt === 0 ? { kind: 'right', repomd } : { kind: 'mended', repomd, had }
    }
    had = there?.bytes
    const bytes = await follower.make(repomd, there?.bytes)
    if (await putFollower(location, follower, bytes, there?.etag, context)) return { kind: 'mended', repomd, had }
  }
  throw contention(location, follower)
}

/** What is there, whatever it is worth. @throws StoreError */
export function readFollower(
  { store }: RepositoryLocation,
  { key, bytesMax }: Pick<Follower, 'key' | 'bytesMax'>,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<StoredSmall | undefined> {
  return readSmall(store, key, bytesMax, context)
}

/** @returns whether it was stored, and no other had been written meanwhile */
export async function putFollower(
  { store }: RepositoryLocation,
  { key, contentType }: Pick<Follower, 'key' | 'contentType'>,
  bytes: Uint8Array,
  replaces: ETag | undefined,
  context: Pick<RepositoryContext, 'singleWriter' | 'signal'>,
): Promise<boolean> {
  const condition = replaces === undefined ? { if: 'absent' as const } : { if: 'unchanged' as const, etag: replaces }
  const outcome = await store.put(
    key,
    bytes,
    context.singleWriter ? { if: 'always' } : condition,
    fromNoCache(contentType, context),
  )
  return outcome.kind === 'stored'
}

/** @throws StoreError */
export async function readSmall(
  store: RepositoryLocation['store'],
  key: string,
  bytesMax: number,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<StoredSmall | undefined> {
  const got = await store.get(key, withSignal(context))
  if (got.kind !== 'found') return undefined
  const bytes = await readBody(got.body, bytesMax).catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error
    return Buffer.alloc(0)
  })
  return { etag: got.head.etag, bytes }
}

/** Like repomd.xml itself, what changes with it comes from no cache. */
export function fromNoCache(contentType: string, context: Pick<RepositoryContext, 'signal'>) {
  return { contentType, cacheControl: 'no-cache', ...withSignal(context) }
}

function contention(location: RepositoryLocation, { name }: Follower): RepositoryError {
  const repository = describeLocation(location)
  const message = `${repository}: its ${name} was written by others ${attemptsMax} times in a row; it is looked at again later`
  return new RepositoryError('CONTENTION', message, repository)
}
