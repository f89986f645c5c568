import type { CopyOptions, CopyOutcome, CopySource, PutCondition } from './port.ts'
import { holds } from './put-condition.ts'
import { abortable, type S3Connection } from './s3-connection.ts'
import { readFault, requireBucket, type S3Fault, s3Error } from './s3-fault.ts'
import { formatETag, headObject, readETag } from './s3-head.ts'
import { putBytesMax } from './s3-put.ts'

export interface S3CopySource extends CopySource {
  readonly bucket: string
}

/**
 * CopyObject: no byte comes by here. As with deletions (s3-delete.ts) there is a look before the condition: Amazon compares it itself, many
 * other servers ignore it on a copy, and for those the look leaves a moment in place of an open door.
 *
 * @returns `cannot` where the server does not copy this by itself: whoever can read and write it can
 */
export async function copyObject(
  connection: S3Connection,
  source: S3CopySource,
  key: string,
  condition: PutCondition,
  options: CopyOptions,
): Promise<CopyOutcome | { readonly kind: 'cannot' }> {
  const { signal } = options
  // AWS, CopyObject: what is larger is copied in parts, which would leave it without a digest of the whole.
  if (source.size > putBytesMax) return { kind: 'cannot' }
  if (condition.if !== 'always') {
    const current = await headObject(connection, key, signal)
    if (!holds(condition, current?.etag)) return { kind: 'conflict' }
  }
  for (const withChecksum of [true, false]) {
    const answer = await send(connection, source, key, condition, withChecksum, options)
    if (answer.kind === 'stored') return answer
    const { fault } = answer
    // The server does not know a header: that of the checksum, or one of the conditions.
    if (fault.status === 501 || fault.status === 400) continue
    if (fault.status === 409 && condition.if !== 'always') return { kind: 'conflict' }
    if (fault.status !== 404 && fault.status !== 412) throw s3Error(connection, fault, 'cannot store', key)
    const there = await source.store.head(source.key, signal === undefined ? {} : { signal })
    if (there?.etag !== source.etag) return { kind: 'changed' }
    if (fault.status === 404) await requireBucket(connection, fault, signal)
    if (condition.if !== 'always') return { kind: 'conflict' }
    throw s3Error(connection, fault, 'cannot store', key)
  }
  return { kind: 'cannot' }
}

async function send(
  connection: S3Connection,
  source: S3CopySource,
  key: string,
  condition: PutCondition,
  withChecksum: boolean,
  { contentType, signal }: CopyOptions,
): Promise<Extract<CopyOutcome, { kind: 'stored' }> | { readonly kind: 'fault'; readonly fault: S3Fault }> {
  const { sdk, client, bucket } = connection
  const command = new sdk.CopyObjectCommand({
    Bucket: bucket,
    Key: key,
    CopySource: `${source.bucket}/${source.key.split('/').map(encodeURIComponent).join('/')}`,
    CopySourceIfMatch: formatETag(connection, source.etag),
    ...(contentType !== undefined && { ContentType: contentType, MetadataDirective: 'REPLACE' as const }),
    ...(condition.if === 'absent' && { IfNoneMatch: '*' }),
    ...(condition.if === 'unchanged' && { IfMatch: formatETag(connection, condition.etag) }),
    ...(withChecksum && { ChecksumAlgorithm: 'SHA256' as const }),
  })
  try {
    const { CopyObjectResult } = await client.send(command, abortable(signal))
    return { kind: 'stored', etag: readETag(connection, key, CopyObjectResult?.ETag) }
  } catch (thrown) {
    return { kind: 'fault', fault: readFault(thrown, signal) }
  }
}
