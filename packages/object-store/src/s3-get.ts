import { Readable } from 'node:stream'
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { releasingBody } from './body.ts'
import { type GetOptions, type GetOutcome, type ObjectHead, StoreError } from './port.ts'
import { type ByteRange, checkRange, clampRange } from './range.ts'
import { abortable, pauseBeforeRetry, type S3Connection } from './s3-connection.ts'
import { readFault, requireBucket, s3Error } from './s3-fault.ts'
import { formatETag, headObject, misanswered, readHead } from './s3-head.ts'

/**
 * GET. A body whose connection is torn, or falls silent, is taken up again where it stopped, of the same version only.
 */
export async function getObject(connection: S3Connection, key: string, options: GetOptions): Promise<GetOutcome> {
  const { range, signal } = options
  if (range !== undefined) checkRange(range)
  // HTTP has no way to ask for no bytes.
  if (range !== undefined && range.start === range.end) return (await getNothing(connection, key, options)) ?? never()
  for (let attempt = 1; attempt <= 3; attempt++) {
    const opened = await open(connection, key, options)
    if (opened.kind === 'beyond') {
      const outcome = await getNothing(connection, key, options)
      if (outcome !== undefined) return outcome
      // It has grown since it was too short.
      continue
    }
    if (opened.kind !== 'open') return opened
    if (opened.wanted.start === opened.wanted.end) {
      // Not waited for: a server that has nothing to send may have announced something (s3rver does).
      opened.stream.destroy()
      return { kind: 'found', head: opened.head, body: nothing() }
    }
    const gone = new AbortController()
    const current = { stream: opened.stream }
    const bytes = resumingBytes(connection, opened, current, gone.signal, signal)
    const body = releasingBody(bytes, () => {
      gone.abort()
      current.stream.destroy()
    })
    return { kind: 'found', head: opened.head, body }
  }
  const subject = { store: connection.store, key }
  throw new StoreError(
    'UNAVAILABLE',
    `${connection.store}: ${key} changes faster than it can be read; try again`,
    subject,
  )
}

interface Opened {
  readonly kind: 'open'
  readonly head: ObjectHead
  readonly stream: Readable
  /** What was asked for, cut to the object. */
  readonly wanted: ByteRange
  /** Where in the object the stream starts: a server may ignore ranges. */
  readonly streamStart: number
}

type OpenOutcome = Opened | Exclude<GetOutcome, { kind: 'found' }> | { kind: 'beyond' }

async function open(connection: S3Connection, key: string, options: GetOptions): Promise<OpenOutcome> {
  const { range, ifMatch, ifNoneMatch, signal } = options
  const { sdk, client, bucket, learned } = connection
  let output: GetObjectCommandOutput
  try {
    output = await client.send(
      new sdk.GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ...(range !== undefined && { Range: `bytes=${range.start}-${range.end - 1}` }),
        ...(ifMatch !== undefined && { IfMatch: formatETag(connection, ifMatch) }),
        ...(ifNoneMatch !== undefined && { IfNoneMatch: formatETag(connection, ifNoneMatch) }),
      }),
      abortable(signal),
    )
  } catch (thrown) {
    const fault = readFault(thrown, signal)
    if (fault.status === 412) return { kind: 'changed' }
    if (fault.status === 304) return { kind: 'unchanged' }
    if (fault.status === 416) return { kind: 'beyond' }
    if (fault.status !== 404) throw s3Error(connection, fault, 'cannot read', key)
    await requireBucket(connection, fault, signal)
    return { kind: 'absent' }
  }
  learned.bucketExists = true
  const stream = output.Body
  if (!(stream instanceof Readable)) throw misanswered(connection, key, 'no body')
  try {
    const part = readPart(connection, key, output, range)
    const head = readHead(connection, key, output, part.size)
    // For servers that ignore the conditions.
    const refused =
      ifMatch !== undefined && ifMatch !== head.etag ? 'changed' : head.etag === ifNoneMatch ? 'unchanged' : undefined
    const wanted = clampRange(range, part.size)
    if (refused === undefined && wanted.start < part.start) throw misanswered(connection, key, 'another range')
    if (refused === undefined) return { kind: 'open', head, stream, wanted, streamStart: part.start }
    stream.destroy()
    return { kind: refused }
  } catch (error) {
    stream.destroy()
    throw error
  }
}

/** Which bytes of the object an answer holds: a 206 says so, a 200 holds all. */
function readPart(
  connection: S3Connection,
  key: string,
  { ContentRange, ContentLength }: GetObjectCommandOutput,
  range: ByteRange | undefined,
): { start: number; size: number } {
  if (range === undefined || ContentRange === undefined) {
    if (ContentLength === undefined) throw misanswered(connection, key, 'no Content-Length')
    return { start: 0, size: ContentLength }
  }
  const [, start, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange) ?? []
  if (start === undefined || size === undefined) throw misanswered(connection, key, `the range "${ContentRange}"`)
  return { start: Number(start), size: Number(size) }
}

/** An empty range of an object, or one behind its end; `undefined` where it is not behind the end any more. */
async function getNothing(
  connection: S3Connection,
  key: string,
  { range, ifMatch, ifNoneMatch, signal }: GetOptions,
): Promise<GetOutcome | undefined> {
  const head = await headObject(connection, key, signal)
  if (head === undefined) return { kind: 'absent' }
  if (ifMatch !== undefined && head.etag !== ifMatch) return { kind: 'changed' }
  if (head.etag === ifNoneMatch) return { kind: 'unchanged' }
  const { start, end } = clampRange(range, head.size)
  return start === end ? { kind: 'found', head, body: nothing() } : undefined
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Bytes after which the server gets its full number of tries again: so even one that tears every connection ends. */
const progressBytes = 1 << 20

async function* resumingBytes(
  connection: S3Connection,
  first: Opened,
  current: { stream: Readable },
  gone: AbortSignal,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { key, etag } = first.head
  const { end } = first.wanted
  const either = signal === undefined ? gone : AbortSignal.any([signal, gone])
  let position = first.wanted.start
  let streamStart = first.streamStart
  let failures = 0
  let failedAt = position
  for (;;) {
    let cause: unknown
    try {
      for await (const chunk of cut(current.stream, position - streamStart, end - position)) {
        signal?.throwIfAborted()
        position += chunk.length
        yield chunk
      }
      if (position === end) return
    } catch (error) {
      signal?.throwIfAborted()
      if (gone.aborted) return
      cause = error
    }
    failures = position - failedAt >= progressBytes ? 1 : failures + 1
    failedAt = position
    if (failures >= connection.maxAttempts) throw torn(connection, key, position, cause)
    await pauseBeforeRetry(failures, either)
    const opened = await open(connection, key, { range: { start: position, end }, ifMatch: etag, signal: either })
    if (opened.kind !== 'open') throw changedUnderway(connection, key)
    current.stream = opened.stream
    streamStart = opened.streamStart
    if (gone.aborted) opened.stream.destroy()
  }
}

/** `length` bytes of a stream after the first `skip`; the rest is not waited for. */
async function* cut(stream: Readable, skip: number, length: number): AsyncGenerator<Uint8Array> {
  let toSkip = skip
  let left = length
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a stream of bytes gave something else')
    const from = Math.min(toSkip, chunk.length)
    toSkip -= from
    const bytes = chunk.subarray(from, from + left)
    left -= bytes.length
    if (bytes.length > 0) yield bytes
    // Only where there is more than was asked for: the end of a complete answer gives the connection back.
    if (from + bytes.length < chunk.length) return
  }
}

function torn({ store }: S3Connection, key: string, position: number, cause: unknown): StoreError {
  const message = `${store}: cannot read ${key}: the connection broke again and again, the last time at byte ${position}`
  return new StoreError('UNAVAILABLE', message, { store, key }, { cause })
}

function changedUnderway({ store }: S3Connection, key: string): StoreError {
  const message = `${store}: cannot read ${key}: the connection broke, and the object was replaced or deleted meanwhile; try again`
  return new StoreError('UNAVAILABLE', message, { store, key })
}

function never(): never {
  throw new Error('an empty range is never inside an object')
}
