/**
 * What a site asks of the place where it lies: the record of former versions, whether a file is ours, whether it holds these bytes.
 */
import { createHash } from 'node:crypto'
import { type ETag, type ListedObject, type ObjectStore, readBody } from '@repokeeper/object-store'
import { generatorMark } from '@repokeeper/site'
import { type RepositoryContext, withSignal } from './context.ts'
import { RepositoryError } from './repository-error.ts'
import { parseSiteRecord, recordBytesMax, recordPath, type SiteRecord } from './site-record.ts'

/** A directory of a store. */
export interface SitePlace {
  readonly store: ObjectStore
  /** Empty, or ends in a slash. */
  readonly prefix: string
}

export interface StoredRecord {
  readonly record: SiteRecord
  readonly etag: ETag
  readonly digest: string
}

/** `undefined` where it was deleted a moment ago. */
export async function readRecord(
  { store, prefix }: SitePlace,
  context: RepositoryContext,
): Promise<StoredRecord | undefined> {
  const key = `${prefix}${recordPath}`
  const got = await store.get(key, withSignal(context))
  if (got.kind !== 'found') return undefined
  const bytes = await readBody(got.body, recordBytesMax).catch((cause: unknown) => {
    throw cause instanceof RangeError ? brokenSite(`${store.name}/${key}`, cause) : cause
  })
  try {
    const { record, open } = parseSiteRecord(bytes)
    return { record, etag: got.head.etag, digest: digestOf(open) }
  } catch (cause) {
    throw brokenSite(`${store.name}/${key}`, cause)
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

/** The mark stands in the head, at its beginning. */
const headBytes = 4_096

export function notASite({ store, prefix }: SitePlace, path: string): RepositoryError {
  const where = `${store.name}/${prefix}`
  const message = `${where} holds a file ${path} that repokeeper did not write: choose another directory, or remove that file`
  return new RepositoryError('NOT_A_SITE', message, where)
}

export async function isOurs(
  store: ObjectStore,
  { key }: Pick<ListedObject, 'key'>,
  context: RepositoryContext,
): Promise<boolean> {
  const got = await store.get(key, { range: { start: 0, end: headBytes }, ...withSignal(context) })
  if (got.kind !== 'found') return true
  return Buffer.from(await readBody(got.body, headBytes)).includes(generatorMark)
}
