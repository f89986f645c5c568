import type { _Object, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { parseETag } from './etag.ts'
import { compareKeys, keyProblem } from './key.ts'
import { type ListedObject, type ListOptions, StoreError } from './port.ts'
import { abortable, type S3Connection } from './s3-connection.ts'
import { readFault, s3Error } from './s3-fault.ts'
import { misanswered } from './s3-head.ts'

/**
 * How many objects are held back to put them in order, where order is not promised. A bucket with more of them is only listed
 * if it comes in order; some tens of megabytes.
 */
export const heldMax = 50_000

/**
 * ListObjectsV2, page by page, keys URL-encoded so that control characters survive XML.
 *
 * Amazon promises byte order for general purpose buckets, and is read page by page. Other servers keep it or do not (of two
 * that were tried one walks a file tree, the other sorts by language), and their idea of "after" is their own: from those the
 * listing is held back, sorted, and cut to `startAfter` here. Only a listing that is too long for that and comes out
 * of order is refused. Keys that no store of ours takes (`/x`, `a/../b`) are passed over.
 */
export async function* listObjects(
  connection: S3Connection,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<ListedObject> {
  const { startAfter, signal } = options
  const objects = readObjects(connection, prefix, options)
  const first = await objects.next()
  if (first.done) return
  const held = [first.value]
  if (!promisesOrder(connection)) {
    for (let next = await objects.next(); !next.done; next = await objects.next()) {
      held.push(next.value)
      if (held.length >= heldMax) break
    }
    if (held.length < heldMax) held.sort((a, b) => compareKeys(a.key, b.key))
  }
  let last = startAfter
  for await (const object of chain(held, objects)) {
    const { key } = object
    if (startAfter !== undefined && compareKeys(key, startAfter) <= 0) continue
    if (last !== undefined && compareKeys(key, last) <= 0) throw outOfOrder(connection, last, key)
    last = key
    if (!key.startsWith(prefix) || keyProblem(key) !== undefined) continue
    signal?.throwIfAborted()
    yield object
  }
}

/** AWS, "Listing objects": directory buckets, whose names end so, list in no order. Known once the first page came. */
export function promisesOrder({ bucket, learned }: S3Connection): boolean {
  return !learned.isForeign && !bucket.endsWith('--x-s3')
}

async function* chain(held: ListedObject[], rest: AsyncIterable<ListedObject>): AsyncGenerator<ListedObject> {
  yield* held
  yield* rest
}

async function* readObjects(
  connection: S3Connection,
  prefix: string,
  { startAfter, signal }: ListOptions,
): AsyncGenerator<ListedObject> {
  let token: string | undefined
  for (;;) {
    const page = await readPage(connection, { prefix, startAfter, token, signal })
    const items = page.Contents ?? []
    for (const item of items) yield readItem(connection, readKey(connection, item.Key, page.EncodingType), item)
    if (page.IsTruncated !== true) return
    const next = page.NextContinuationToken
    // Without another one the listing would never end.
    if (next === undefined || next === token) {
      throw misanswered(connection, undefined, 'a listing that is cut off without saying how it goes on')
    }
    token = next
  }
}

export interface Page {
  readonly prefix: string
  /** Keys that have it after the prefix are rolled up. */
  readonly delimiter?: '/'
  readonly startAfter: string | undefined
  readonly token: string | undefined
  readonly signal: AbortSignal | undefined
}

export async function readPage(
  connection: S3Connection,
  { prefix, delimiter, startAfter, token, signal }: Page,
): Promise<ListObjectsV2CommandOutput> {
  const { sdk, client, bucket } = connection
  signal?.throwIfAborted()
  let page: ListObjectsV2CommandOutput
  try {
    page = await client.send(
      new sdk.ListObjectsV2Command({
        Bucket: bucket,
        EncodingType: 'url',
        ...(prefix !== '' && { Prefix: prefix }),
        ...(delimiter !== undefined && { Delimiter: delimiter }),
        ...(startAfter && promisesOrder(connection) && { StartAfter: startAfter }),
        ...(token !== undefined && { ContinuationToken: token }),
      }),
      abortable(signal),
    )
  } catch (thrown) {
    const fault = readFault(thrown, signal)
    throw s3Error(connection, fault.status === 404 ? { ...fault, code: 'NoSuchBucket' } : fault, 'cannot list', prefix)
  }
  // Whatever a web server answers with 200 must not pass for an empty bucket.
  if (page.Name === undefined && page.IsTruncated === undefined && page.KeyCount === undefined) {
    throw misanswered(connection, undefined, 'no ListBucketResult')
  }
  connection.learned.bucketExists = true
  return page
}

export function readKey(connection: S3Connection, text: string | undefined, encoding: string | undefined): string {
  if (text === undefined) throw misanswered(connection, undefined, 'a listed object without a key')
  // Some servers ignore encoding-type, and do not claim it then.
  if (encoding !== 'url') return text
  try {
    // As in a form, a space is a plus: AWS, MinIO.
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw misanswered(connection, undefined, `the key ${JSON.stringify(text)}, which is not URL-encoded UTF-8`)
  }
}

export function readItem(connection: S3Connection, key: string, { ETag, Size, LastModified }: _Object): ListedObject {
  if (!ETag) throw misanswered(connection, key, 'no ETag')
  if (Size === undefined) throw misanswered(connection, key, 'no size')
  return { key, etag: parseETag(ETag), size: Size, lastModified: LastModified ?? connection.clock() }
}

function outOfOrder({ store }: S3Connection, first: string, second: string): StoreError {
  const shown = `${JSON.stringify(second)} after ${JSON.stringify(first)}`
  return new StoreError(
    'UNSUPPORTED',
    `${store}: this server lists more than ${heldMax} keys, out of byte order (${shown}); use a server that lists in order, as S3 does`,
    { store },
  )
}
