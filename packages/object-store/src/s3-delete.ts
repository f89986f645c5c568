import type { DeleteOptions } from './port.ts'
import { abortable, pauseBeforeRetry, type S3Connection } from './s3-connection.ts'
import { readFault, requireBucket, s3Error } from './s3-fault.ts'
import { formatETag, headObject } from './s3-head.ts'

/**
 * DELETE. With `ifMatch` after a look: Amazon compares `If-Match` itself, many other servers ignore it on DELETE, and for those
 * the look leaves a moment in place of an open door. A server that refuses the header is `UNSUPPORTED`.
 */
export async function deleteObject(
  connection: S3Connection,
  key: string,
  { ifMatch, signal }: DeleteOptions,
): Promise<{ readonly kind: 'deleted' } | { readonly kind: 'conflict' }> {
  const { sdk, client, bucket, maxAttempts } = connection
  for (let attempt = 1; ; attempt++) {
    if (ifMatch !== undefined) {
      const current = await headObject(connection, key, signal)
      if (current === undefined) return { kind: 'deleted' }
      if (current.etag !== ifMatch) return { kind: 'conflict' }
    }
    try {
      await client.send(
        new sdk.DeleteObjectCommand({
          Bucket: bucket,
          Key: key,
          ...(ifMatch !== undefined && { IfMatch: formatETag(connection, ifMatch) }),
        }),
        abortable(signal),
      )
      return { kind: 'deleted' }
    } catch (thrown) {
      const fault = readFault(thrown, signal)
      if (fault.status === 404) {
        await requireBucket(connection, fault, signal)
        return { kind: 'deleted' }
      }
      // 412: it changed since the look, so the next look tells which. 409: another write of it is under way.
      const unsettled = fault.status === 409 || (fault.status === 412 && ifMatch !== undefined)
      if (!unsettled) throw s3Error(connection, fault, 'cannot delete', key)
      if (attempt >= maxAttempts) {
        if (ifMatch !== undefined) return { kind: 'conflict' }
        throw s3Error(connection, { ...fault, transient: true }, 'cannot delete', key)
      }
    }
    await pauseBeforeRetry(attempt, signal)
  }
}
