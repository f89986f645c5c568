import type { FileHandle } from 'node:fs/promises'
import type { Response } from '../http.ts'
import { parseCopySource } from './addressing.ts'
import { type ChecksumAlgorithm, checksumElement, parseChecksumAlgorithm } from './checksums.ts'
import { assertCopySource } from './conditions.ts'
import { assertVersion } from './delete-objects.ts'
import { S3Error } from './error.ts'
import { readObjectMetadata } from './object-metadata.ts'
import type { ObjectRecord } from './object-record.ts'
import { storeObject, writeConditions } from './put-object.ts'
import type { ByteRange } from './range.ts'
import type { S3Call } from './s3-call.ts'
import { digestInto } from './upload-body.ts'
import { formatIsoDate, xmlResponse } from './xml-response.ts'

/** Source: AWS, CopyObject: larger ones are copied in parts. */
const copyBytesMax = 5 * 2 ** 30

/** CopyObject: what is copied is one version of the source, and a plain object even where the source came in parts. */
export async function copyObject(call: S3Call): Promise<Response> {
  const { bucket, key } = call
  const asked = call.header('x-amz-checksum-algorithm')
  const askedAlgorithm = asked === undefined ? undefined : parseChecksumAlgorithm(asked)
  const replacesMetadata = metadataDirective(call) === 'REPLACE'
  const conditions = writeConditions(call)
  const source = await openCopySource(call)
  try {
    const { record } = source
    if (record.size > copyBytesMax) {
      throw new S3Error(
        'InvalidRequest',
        `The specified copy source is larger than the maximum allowable size for a copy source: ${copyBytesMax}`,
      )
    }
    if (source.bucketName === call.bucketName && record.key === key && !replacesMetadata) {
      throw new S3Error(
        'InvalidRequest',
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
      )
    }
    const metadata = replacesMetadata ? readObjectMetadata(call) : record
    const whole = { start: 0, end: record.size - 1 }
    const copied = await digestInto(bucket.blobs, read(source.file, whole), askedAlgorithm ?? record.checksum.algorithm)
    const copy: ObjectRecord = {
      key,
      blob: copied.blob,
      size: copied.size,
      etag: `"${copied.md5}"`,
      lastModified: call.store.clock.now(),
      headers: metadata.headers,
      userMetadata: metadata.userMetadata,
      checksum: { type: 'FULL_OBJECT', ...copied.checksum },
    }
    await storeObject(call, bucket, copy, conditions, 'ObjectCreated:Copy')
    return xmlResponse(['CopyObjectResult', formatCopy(copy, 'FULL_OBJECT')])
  } finally {
    await source.file.close()
  }
}

/** What CopyObject and UploadPartCopy answer. */
export function formatCopy(
  copy: {
    readonly etag: string
    readonly lastModified: number
    readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined
  },
  checksumType?: string,
) {
  return [
    ['LastModified', formatIsoDate(copy.lastModified)],
    ['ETag', copy.etag],
    ...(copy.checksum ? [[checksumElement(copy.checksum.algorithm), copy.checksum.value] as const] : []),
    ['ChecksumType', checksumType],
  ] as const
}

/**
 * The source that x-amz-copy-source names, its conditions checked, open.
 * @throws S3Error InvalidArgument, NoSuchBucket, NoSuchKey, PreconditionFailed
 */
export async function openCopySource(
  call: S3Call,
): Promise<{ bucketName: string; record: ObjectRecord; file: FileHandle }> {
  const header = call.header('x-amz-copy-source') ?? ''
  const source = parseCopySource(header, { plusIsSpace: call.plusIsSpace })
  if (source === undefined) {
    throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey', [
      ['ArgumentName', 'x-amz-copy-source'],
      ['ArgumentValue', header],
    ])
  }
  assertVersion(source.versionId)
  const opened = await call.store.bucket(source.bucket).open(source.key)
  if (opened === undefined) throw new S3Error('NoSuchKey', undefined, [['Key', source.key]])
  try {
    assertCopySource(
      {
        ifMatch: call.header('x-amz-copy-source-if-match'),
        ifNoneMatch: call.header('x-amz-copy-source-if-none-match'),
        ifModifiedSince: call.header('x-amz-copy-source-if-modified-since'),
        ifUnmodifiedSince: call.header('x-amz-copy-source-if-unmodified-since'),
      },
      opened.record,
    )
  } catch (cause) {
    await opened.file.close()
    throw cause
  }
  return { bucketName: source.bucket, ...opened }
}

/** Leaves the file open; an object without bytes has no range. */
export async function* read(file: FileHandle, range: ByteRange): AsyncGenerator<Uint8Array> {
  const chunkBytes = 256 * 1024
  for (let position = range.start; position <= range.end; ) {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, range.end - position + 1))
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position)
    if (bytesRead === 0) throw new Error(`an object's file ends at byte ${position}, before its size`)
    position += bytesRead
    yield chunk.subarray(0, bytesRead)
  }
}

function metadataDirective(call: S3Call): 'COPY' | 'REPLACE' {
  const directive = call.header('x-amz-metadata-directive') ?? 'COPY'
  if (directive === 'COPY' || directive === 'REPLACE') return directive
  throw new S3Error('InvalidArgument', 'Unknown metadata directive.', [['ArgumentName', 'x-amz-metadata-directive']])
}
