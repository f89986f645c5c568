/**
 * What a site asks of the place where it lies: what is there, the record of former versions, whether a file is ours, whether it holds these bytes.
 */
import { createHash } from 'node:crypto'
import { type ListedObject, type ObjectHead, type ObjectStore, readBody, StoreError } from '@repokeeper/object-store'
import { isMarked, isSitePath, markBytesMax } from '@repokeeper/site'
import { type RepositoryContext, withSignal } from './context.ts'
import { RepositoryError } from './repository-error.ts'
import { type ParsedRecord, parseSiteRecord, recordPath } from './site-record.ts'

/** A directory of a store. */
export interface SitePlace {
  readonly store: ObjectStore
  /** Empty, or ends in a slash. */
  readonly prefix: string
}

/** What was found at a place, before anything was read of the metadata. */
export interface FoundSite {
  readonly place: SitePlace
  /** The record, unread. */
  readonly record: ObjectHead | undefined
  /** What may be files of the site, by path. */
  readonly there: ReadonlyMap<string, ListedObject>
}

/**
 * The record before the listing: what another has written and the listing does not tell of is told by no record that is older. So whoever goes on
 * from this record finds it changed when he comes to write it.
 */
export async function findSite(place: SitePlace, context: RepositoryContext): Promise<FoundSite> {
  const { store, prefix } = place
  const record = await store.head(`${prefix}${recordPath}`, withSignal(context))
  const there = new Map<string, ListedObject>()
  for await (const object of store.list(prefix, withSignal(context))) {
    const path = object.key.slice(prefix.length)
    if (isSitePath(path)) there.set(path, object)
  }
  return { place, record, there }
}

/**
 * The record that was found.
 * @param packages how many are listed: it says how long a record may be
 * @returns `undefined` where there was none; `'changed'` where there is another one now, or none
 */
export async function readRecord(
  { place: { store }, record: head }: FoundSite,
  packages: number,
  context: RepositoryContext,
): Promise<ParsedRecord | 'changed' | undefined> {
  if (head === undefined) return undefined
  const { key, etag } = head
  const got = await store.get(key, { ifMatch: etag, ...withSignal(context) })
  if (got.kind !== 'found') return 'changed'
  const where = `${store.name}/${key}`
  try {
    const parsed = await parseSiteRecord(got.body, packages)
    if (parsed.digest === undefined) {
      const message = `${where} is longer than the record of a site of ${packages} packages can be: what was said of the site is kept, and all else is made anew`
      context.onEvent({ kind: 'warning', repository: where, subject: 'site', message })
    }
    return parsed
  } catch (cause) {
    if (cause instanceof StoreError || context.signal?.aborted === true) throw cause
    throw brokenSite(where, cause)
  }
}

/** It is not passed over: with it the settings would be lost, and a `.repo` file would say that no signature is to be checked. */
function brokenSite(where: string, cause?: unknown): RepositoryError {
  const message =
    `${where} is no record of a site that this version can read; delete it, and say once what the site is to say: ` +
    '"repokeeper site" with --title, --base-url and --gpg-key'
  return new RepositoryError('BROKEN_SITE', message, where, { cause })
}

/**
 * Whether an object has these bytes: by its ETag, which is the MD5 in most stores, else by the SHA-256 that the store vouches for,
 * else by reading it.
 */
export async function holds(
  store: ObjectStore,
  { key, etag, size }: Pick<ListedObject, 'key' | 'etag' | 'size'>,
  bytes: Uint8Array,
  context: RepositoryContext,
): Promise<boolean> {
  if (size !== bytes.length) return false
  if (etag === `"${createHash('md5').update(bytes).digest('hex')}"`) return true
  const head = await store.head(key, withSignal(context))
  if (head === undefined || head.etag !== etag) return false
  if (head.sha256 !== undefined) return head.sha256 === digestOf(bytes)
  const got = await store.get(key, { ifMatch: etag, ...withSignal(context) })
  return got.kind === 'found' && Buffer.compare(await readBody(got.body, bytes.length), bytes) === 0
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export function notASite({ store, prefix }: SitePlace, path: string): RepositoryError {
  const where = `${store.name}/${prefix}`
  const message =
    `${where}${path} stands in the place of a file of the site, and "repokeeper site" did not write it: choose another directory ` +
    '(--to or --output), or move that file away'
  return new RepositoryError('NOT_A_SITE', message, where)
}

/** Whether a file bears our mark, or is gone by now, or another one: then who writes or deletes what was found notices that. */
export async function isOurs(
  { store, prefix }: SitePlace,
  { key, etag }: Pick<ListedObject, 'key' | 'etag'>,
  context: RepositoryContext,
): Promise<boolean> {
  const got = await store.get(key, { range: { start: 0, end: markBytesMax }, ifMatch: etag, ...withSignal(context) })
  if (got.kind !== 'found') return true
  const beginning = Buffer.from(await readBody(got.body, markBytesMax)).toString()
  return isMarked(key.slice(prefix.length), beginning)
}
