import type { Response } from '../http.ts'
import type { Bucket } from './bucket.ts'
import { checksumHeader } from './checksums.ts'
import { assertWrite, type WriteConditions } from './conditions.ts'
import { S3Error } from './error.ts'
import type { ObjectEvent } from './notification-configuration.ts'
import { readObjectMetadata } from './object-metadata.ts'
import type { ObjectRecord } from './object-record.ts'
import type { S3Call } from './s3-call.ts'
import { receiveBlob } from './upload-body.ts'

/** Source: AWS, "Uploading objects": a single PUT. */
const putBytesMax = 5 * 2 ** 30

/** PutObject */
export async function putObject(call: S3Call): Promise<Response> {
  const { bucket, key } = call
  const metadata = readObjectMetadata(call)
  const conditions = writeConditions(call)
  // A condition that fails already must not cost the upload; what counts is the check at the end.
  assertWrite(conditions, bucket.find(key), key)
  assertPutSize(call)
  const received = await receiveBlob(call, bucket.blobs)
  const record: ObjectRecord = {
    key,
    blob: received.blob,
    size: received.size,
    etag: `"${received.md5}"`,
    lastModified: call.store.clock.now(),
    ...metadata,
    checksum: { type: 'FULL_OBJECT', ...received.checksum },
  }
  await storeObject(call, bucket, record, conditions, 'ObjectCreated:Put')
  const { algorithm, value } = record.checksum
  return {
    status: 200,
    headers: { etag: record.etag, [checksumHeader(algorithm)]: value, 'x-amz-checksum-type': 'FULL_OBJECT' },
  }
}

/** The condition of a write, unless the store is to ignore it. */
export function writeConditions(call: S3Call): WriteConditions {
  if (call.circumstances.ignoreConditions) return { ifMatch: undefined, ifNoneMatch: undefined }
  return { ifMatch: call.header('if-match'), ifNoneMatch: call.header('if-none-match') }
}

/**
 * The moment of every write: conditions are checked, the object is there, its notification is sent.
 * @throws S3Error PreconditionFailed, NoSuchKey; the blob is gone then.
 */
export async function storeObject(
  call: S3Call,
  bucket: Bucket,
  record: ObjectRecord,
  conditions: WriteConditions,
  event: ObjectEvent,
): Promise<void> {
  try {
    call.store.bucket(bucket.configuration.name) // it may have been deleted while the bytes came in
    await bucket.put(
      record,
      (current) => assertWrite(conditions, current, record.key),
      () => call.store.notify(bucket, event, record, call.cause),
    )
  } catch (cause) {
    await bucket.blobs.remove(record.blob)
    throw cause
  }
}

function assertPutSize(call: S3Call): void {
  const size = Number(call.header('x-amz-decoded-content-length') ?? call.header('content-length') ?? 0)
  if (size > putBytesMax) {
    throw new S3Error('EntityTooLarge', undefined, [
      ['ProposedSize', size],
      ['MaxSizeAllowed', putBytesMax],
    ])
  }
}
