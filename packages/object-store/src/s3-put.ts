import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { readBody } from './body.ts'
import { type ETag, type PutBody, type PutCondition, type PutOptions, type PutOutcome, StoreError } from './port.ts'
import { abortable, pauseBeforeRetry, type S3Connection } from './s3-connection.ts'
import { readFault, requireBucket, type S3Fault, s3Error } from './s3-fault.ts'
import { formatETag, readETag } from './s3-head.ts'
import { bodySize, verifiedSource } from './verified-source.ts'

/** AWS, "Amazon S3 multipart upload limits": what one PUT may carry. */
export const putBytesMax = 5 * 1024 ** 3

/**
 * One PUT, with its digest in plain headers and its length known, so that nothing is chunked.
 *
 * A torn connection leaves open whether the write took effect. It is tried again; if it had, a conditional write now finds
 * itself and answers `conflict`.
 */
export async function putObject(
  connection: S3Connection,
  key: string,
  body: PutBody,
  condition: PutCondition,
  options: PutOptions,
): Promise<PutOutcome> {
  const { store, learned, maxAttempts } = connection
  const { signal } = options
  if (bodySize(body) > putBytesMax) {
    const size = `${bodySize(body)} bytes are more than the ${putBytesMax} (5 GiB) of one upload`
    throw new StoreError('FAILED', `${store}: cannot store ${key}: ${size}`, { store, key })
  }
  const content = await prepare(connection, key, body, options)
  let withChecksum = !learned.refusesChecksums
  for (let attempt = 1; ; attempt++) {
    const answer = await send(connection, { key, content, condition, withChecksum, options })
    if (answer.kind === 'stored') {
      if (!withChecksum) learned.refusesChecksums = true
      learned.bucketExists = true
      return answer
    }
    const { fault } = answer
    if (fault.status === 404) await requireBucket(connection, fault, signal)
    if (condition.if !== 'always' && isRefusedWrite(fault, condition)) return { kind: 'conflict' }
    if (withChecksum && content.sha256 !== undefined && isRefusedHeader(fault)) {
      withChecksum = false
      continue
    }
    if (attempt >= maxAttempts || !isWorthAnotherTry(fault, content, condition)) {
      throw writeError(connection, fault, condition, key)
    }
    await pauseBeforeRetry(attempt, signal)
  }
}

/** What is sent: bytes at hand, or a source that is opened for each try. */
interface Content {
  readonly bytes: Uint8Array | undefined
  readonly source: PutBody
  readonly size: number
  /** Hex. */
  readonly sha256: string | undefined
}

async function prepare(
  { store }: S3Connection,
  key: string,
  body: PutBody,
  { sha256, signal }: PutOptions,
): Promise<Content> {
  const size = bodySize(body)
  if (!(body instanceof Uint8Array) && size > 0) return { bytes: undefined, source: body, size, sha256 }
  const bytes = await readBody(verifiedSource(body, { sha256, signal, subject: { store, key } }), size)
  return { bytes, source: bytes, size, sha256: sha256 ?? createHash('sha256').update(bytes).digest('hex') }
}

interface Upload {
  readonly key: string
  readonly content: Content
  readonly condition: PutCondition
  readonly withChecksum: boolean
  readonly options: PutOptions
}

async function send(
  connection: S3Connection,
  { key, content, condition, withChecksum, options }: Upload,
): Promise<{ kind: 'stored'; etag: ETag } | { kind: 'fault'; fault: S3Fault }> {
  const { sdk, client, bucket, store } = connection
  const { signal } = options
  const { bytes, source, size, sha256 } = content
  // The SDK does not notice that a source fails: it would wait for the rest.
  const failed = new AbortController()
  const either = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal])
  const checks = { sha256, signal: either, onProgress: options.onProgress, subject: { store, key } }
  // One chunk ahead: Node would take sixteen, of whatever size the source makes them.
  const payload = bytes ?? Readable.from(verifiedSource(source, checks), { highWaterMark: 1 })
  if (payload instanceof Readable) payload.once('error', (error) => failed.abort(error))
  const command = new sdk.PutObjectCommand({
    Bucket: bucket,
    Key: key,
    Body: payload,
    ContentLength: size,
    ...(options.contentType !== undefined && { ContentType: options.contentType }),
    ...(options.cacheControl !== undefined && { CacheControl: options.cacheControl }),
    ...(condition.if === 'absent' && { IfNoneMatch: '*' }),
    ...(condition.if === 'unchanged' && { IfMatch: formatETag(connection, condition.etag) }),
    ...(withChecksum && sha256 !== undefined && { ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64') }),
  })
  command.middlewareStack.add(
    (next) => (args) => {
      // Signed, so that servers verify the bytes even if they know nothing of checksums. Without a digest the length has to do.
      setHeader(args.request, 'x-amz-content-sha256', sha256 ?? 'UNSIGNED-PAYLOAD')
      return next(args)
    },
    { step: 'build', name: 'contentDigest' },
  )
  try {
    const output = await client.send(command, abortable(either))
    if (bytes !== undefined) options.onProgress?.(size)
    return { kind: 'stored', etag: readETag(connection, key, output.ETag) }
  } catch (thrown) {
    signal?.throwIfAborted()
    if (failed.signal.aborted) throw failed.signal.reason
    if (thrown instanceof StoreError) throw thrown
    return { kind: 'fault', fault: readFault(thrown) }
  } finally {
    if (payload instanceof Readable) payload.destroy()
  }
}

function setHeader(request: unknown, name: string, value: string): void {
  if (typeof request !== 'object' || request === null || !('headers' in request)) return
  if (typeof request.headers === 'object' && request.headers !== null) Reflect.set(request.headers, name, value)
}

/** AWS, "How to prevent object overwrites with conditional writes": 412, 409, and 404 where `If-Match` finds nothing. */
function isRefusedWrite({ status }: S3Fault, condition: PutCondition): boolean {
  return status === 412 || status === 409 || (status === 404 && condition.if === 'unchanged')
}

/** The server does not know a header: that of the checksum, or that of the condition. */
function isRefusedHeader({ status, code }: S3Fault): boolean {
  return status === 501 || (status === 400 && ['NotImplemented', 'InvalidArgument', 'InvalidRequest'].includes(code))
}

function isWorthAnotherTry(fault: S3Fault, { bytes }: Content, condition: PutCondition): boolean {
  // Another write of the same key is under way, and nobody asked who wins.
  if (fault.status === 409 && condition.if === 'always') return true
  // What the SDK could rewind it has tried often enough already.
  return bytes === undefined && fault.transient
}

function writeError(connection: S3Connection, fault: S3Fault, condition: PutCondition, key: string): StoreError {
  if (condition.if !== 'always' && isRefusedHeader(fault)) {
    const { store } = connection
    const header = condition.if === 'absent' ? 'If-None-Match' : 'If-Match'
    const advice = 'use one that can, or make sure that there is a single writer and write without conditions'
    const message = `${store}: cannot store ${key}: this server does not do conditional writes (${header}: ${fault.message}); ${advice}`
    return new StoreError('UNSUPPORTED', message, { store, key }, { cause: fault.cause })
  }
  return s3Error(connection, fault.status === 409 ? { ...fault, transient: true } : fault, 'cannot store', key)
}
