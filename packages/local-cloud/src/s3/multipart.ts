import type { Response } from '../http.ts'
import type { XmlNode } from '../xml.ts'
import type { Bucket } from './bucket.ts'
import {
  checksumElement,
  checksumHeader,
  declaredChecksum,
  multipartChecksumType,
  parseChecksumAlgorithm,
} from './checksums.ts'
import { formatCopy, openCopySource, read } from './copy-object.ts'
import { S3Error } from './error.ts'
import type { MultipartUpload, UploadedPart } from './multipart-uploads.ts'
import { readObjectMetadata } from './object-metadata.ts'
import { parseRange } from './range.ts'
import type { S3Call } from './s3-call.ts'
import { digestInto, type ReceivedBody, receiveBlob } from './upload-body.ts'
import { xmlResponse } from './xml-response.ts'

/** Source: AWS, "Amazon S3 multipart upload limits". */
const partNumberMax = 10_000

/** CreateMultipartUpload */
export async function createMultipartUpload(call: S3Call): Promise<Response> {
  const { bucket, key } = call
  const name = call.header('x-amz-checksum-algorithm')
  const algorithm = name === undefined ? undefined : parseChecksumAlgorithm(name)
  const type = algorithm && multipartChecksumType(algorithm, call.header('x-amz-checksum-type'))
  const upload = await bucket.uploads.create({
    key,
    initiated: call.store.clock.now(),
    ...readObjectMetadata(call),
    ...(algorithm && type && { checksum: { algorithm, type } }),
  })
  return xmlResponse(
    [
      'InitiateMultipartUploadResult',
      [
        ['Bucket', call.bucketName],
        ['Key', key],
        ['UploadId', upload.id],
      ],
    ],
    { ...(algorithm && type && { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': type }) },
  )
}

/** UploadPart */
export async function uploadPart(call: S3Call): Promise<Response> {
  const { bucket } = call
  const { upload, number } = partOf(call)
  const received = await receiveBlob(call, bucket.blobs, upload.checksum?.algorithm)
  const part = await addPart(call, bucket, upload, number, received)
  return {
    status: 200,
    headers: {
      etag: part.etag,
      ...(part.checksum && { [checksumHeader(part.checksum.algorithm)]: part.checksum.value }),
    },
  }
}

/** UploadPartCopy */
export async function uploadPartCopy(call: S3Call): Promise<Response> {
  const { bucket } = call
  const { upload, number } = partOf(call)
  const source = await openCopySource(call)
  try {
    const range = copyRange(call, source.record.size)
    const algorithm = upload.checksum?.algorithm ?? 'CRC64NVME'
    const copied = await digestInto(bucket.blobs, read(source.file, range), algorithm)
    const part = await addPart(call, bucket, upload, number, copied)
    return xmlResponse(['CopyPartResult', formatCopy(part)])
  } finally {
    await source.file.close()
  }
}

/** AbortMultipartUpload */
export async function abortMultipartUpload(call: S3Call): Promise<Response> {
  const { bucket } = call
  await removeUpload(bucket, uploadOf(call))
  return { status: 204, headers: {} }
}

/** @throws S3Error NoSuchUpload */
export function uploadOf(call: S3Call): MultipartUpload {
  const id = call.query('uploadId') ?? ''
  const upload = call.bucket.uploads.find(id, call.key)
  if (upload === undefined) throw new S3Error('NoSuchUpload', undefined, [['UploadId', id]])
  return upload
}

function partOf(call: S3Call): { upload: MultipartUpload; number: number } {
  const number = Number(call.query('partNumber'))
  if (!Number.isInteger(number) || number < 1 || number > partNumberMax) {
    throw new S3Error('InvalidArgument', `Part number must be an integer between 1 and ${partNumberMax}, inclusive`, [
      ['ArgumentName', 'partNumber'],
      ['ArgumentValue', call.query('partNumber')],
    ])
  }
  const upload = uploadOf(call)
  const declared = declaredChecksum((name) => call.header(name))
  if (upload.checksum && declared && declared.algorithm !== upload.checksum.algorithm) {
    throw new S3Error(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${upload.checksum.algorithm.toLowerCase()}, actual checksum Type: ${declared.algorithm.toLowerCase()}`,
    )
  }
  return { upload, number }
}

async function addPart(
  call: S3Call,
  bucket: Bucket,
  upload: MultipartUpload,
  number: number,
  { blob, size, md5, checksum }: ReceivedBody,
): Promise<UploadedPart> {
  const part = { number, blob, size, etag: `"${md5}"`, lastModified: call.store.clock.now(), checksum }
  const outcome = await bucket.uploads.addPart(upload, part)
  if (outcome.kind === 'gone') {
    await bucket.blobs.remove(blob)
    throw new S3Error('NoSuchUpload', undefined, [['UploadId', upload.id]])
  }
  if (outcome.replaced) await bucket.blobs.remove(outcome.replaced.blob)
  return part
}

/** `bytes=FIRST-LAST`, both given, both inside. Source: AWS, UploadPartCopy, x-amz-copy-source-range. */
function copyRange(call: S3Call, size: number) {
  const header = call.header('x-amz-copy-source-range')
  if (header === undefined) return { start: 0, end: size - 1 }
  const range = /^bytes=\d+-\d+$/.test(header) ? parseRange(header, size) : undefined
  if (range === undefined || range === 'unsatisfiable' || Number(header.split('-')[1]) >= size) {
    throw new S3Error('InvalidArgument', 'The x-amz-copy-source-range value must be of the form bytes=first-last', [
      ['ArgumentName', 'x-amz-copy-source-range'],
      ['ArgumentValue', header],
    ])
  }
  return range
}

/** Ends an upload: its parts are gone. */
export async function removeUpload(bucket: Bucket, upload: MultipartUpload): Promise<void> {
  if (!(await bucket.uploads.remove(upload))) return
  for (const part of upload.parts.values()) await bucket.blobs.remove(part.blob)
}

export function formatPart(part: UploadedPart): XmlNode[] {
  return [
    ['PartNumber', part.number],
    ['ETag', part.etag],
    ['Size', part.size],
    ...(part.checksum ? [[checksumElement(part.checksum.algorithm), part.checksum.value] as const] : []),
  ]
}
