import { createHash } from 'node:crypto'
import type { Response } from '../http.ts'
import { childrenOf, textOf, type XmlElement } from '../xml.ts'
import type { Bucket } from './bucket.ts'
import { type Checksum, checksumAlgorithms, checksumElement, checksumHeader, compositeChecksum } from './checksums.ts'
import { assertWrite } from './conditions.ts'
import { read } from './copy-object.ts'
import { S3Error } from './error.ts'
import { removeUpload, uploadOf } from './multipart.ts'
import type { MultipartUpload, UploadedPart } from './multipart-uploads.ts'
import { storeObject, writeConditions } from './put-object.ts'
import type { S3Call } from './s3-call.ts'
import { digestInto, receiveXml } from './upload-body.ts'
import { xmlResponse } from './xml-response.ts'

/** CompleteMultipartUpload: the parts that are named become one object, the others go. */
export async function completeMultipartUpload(call: S3Call): Promise<Response> {
  const { bucket, key } = call
  const upload = uploadOf(call)
  const conditions = writeConditions(call)
  const root = await receiveXml(call)
  const parts = selectParts(upload, root)
  assertSizes(call, parts)
  assertWrite(conditions, bucket.find(key), key)

  const type = upload.checksum?.type ?? 'FULL_OBJECT'
  const algorithm = upload.checksum?.algorithm ?? 'CRC64NVME'
  const joined = await digestInto(bucket.blobs, join(bucket, parts), algorithm)
  const checksum: Checksum =
    type === 'FULL_OBJECT'
      ? { type, ...joined.checksum }
      : {
          type,
          algorithm,
          value: compositeChecksum(
            algorithm,
            parts.map((part) => part.checksum?.value ?? ''),
          ),
        }
  try {
    assertWholeChecksum(call, checksum)
    if (!bucket.uploads.find(upload.id, key)) throw new S3Error('NoSuchUpload', undefined, [['UploadId', upload.id]])
  } catch (cause) {
    await bucket.blobs.remove(joined.blob)
    throw cause
  }
  const md5s = createHash('md5')
  for (const part of parts) md5s.update(Buffer.from(part.etag.replaceAll('"', ''), 'hex'))
  const etag = `"${md5s.digest('hex')}-${parts.length}"`
  await storeObject(
    call,
    bucket,
    {
      key,
      blob: joined.blob,
      size: joined.size,
      etag,
      lastModified: call.store.clock.now(),
      headers: upload.headers,
      userMetadata: upload.userMetadata,
      checksum,
      partSizes: parts.map((part) => part.size),
    },
    conditions,
    'ObjectCreated:CompleteMultipartUpload',
  )
  await removeUpload(bucket, upload)
  return xmlResponse([
    'CompleteMultipartUploadResult',
    [
      ['Location', `http://${call.header('host') ?? 'localhost'}${call.request.rawPath}`],
      ['Bucket', call.bucketName],
      ['Key', key],
      ['ETag', etag],
      [checksumElement(checksum.algorithm), checksum.value],
      ['ChecksumType', checksum.type],
    ],
  ])
}

// <CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"…"</ETag><ChecksumSHA256>…</ChecksumSHA256></Part>…
function selectParts(upload: MultipartUpload, root: XmlElement): UploadedPart[] {
  const elements = childrenOf(root, 'Part')
  if (root.name !== 'CompleteMultipartUpload' || elements.length === 0) throw new S3Error('MalformedXML')
  let last = 0
  return elements.map((element) => {
    const number = Number(textOf(element, 'PartNumber'))
    if (!(number > last)) throw new S3Error('InvalidPartOrder', undefined, [['UploadId', upload.id]])
    last = number
    const part = upload.parts.get(number)
    const etag = textOf(element, 'ETag')?.trim().replaceAll('"', '')
    const says = checksumAlgorithms.flatMap((algorithm) => {
      const value = textOf(element, checksumElement(algorithm))
      return value === undefined ? [] : [{ algorithm, value }]
    })
    const wrong = says.some(
      ({ algorithm, value }) => part?.checksum?.algorithm === algorithm && part.checksum.value !== value,
    )
    if (part === undefined || etag !== part.etag.replaceAll('"', '') || wrong) {
      throw new S3Error('InvalidPart', undefined, [
        ['UploadId', upload.id],
        ['PartNumber', number],
        ['ETag', etag],
      ])
    }
    // Source: AWS, CompleteMultipartUpload: a composite checksum is made of what the client says of each part.
    if (upload.checksum?.type === 'COMPOSITE' && says.length === 0) {
      const algorithm = upload.checksum.algorithm.toLowerCase()
      throw new S3Error(
        'InvalidRequest',
        `The upload was created using a ${algorithm} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
      )
    }
    return part
  })
}

function assertSizes(call: S3Call, parts: readonly UploadedPart[]): void {
  const small = parts.slice(0, -1).find((part) => part.size < call.store.partBytesMin)
  if (small !== undefined) {
    throw new S3Error('EntityTooSmall', undefined, [
      ['ProposedSize', small.size],
      ['MinSizeAllowed', call.store.partBytesMin],
      ['PartNumber', small.number],
      ['ETag', small.etag],
    ])
  }
  const announced = call.header('x-amz-mp-object-size')
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  if (announced !== undefined && Number(announced) !== size) {
    throw new S3Error(
      'InvalidRequest',
      `The provided x-amz-mp-object-size header value ${announced} does not match what was computed: ${size}`,
    )
  }
}

function assertWholeChecksum(call: S3Call, checksum: Checksum): void {
  const expected = call.header(checksumHeader(checksum.algorithm))
  // Of a composite one, clients send the digest with or without the number of parts.
  if (expected === undefined || expected === checksum.value || expected === checksum.value.replace(/-\d+$/, '')) return
  throw new S3Error('BadDigest', `The ${checksum.algorithm} you specified did not match the calculated checksum.`)
}

async function* join(bucket: Bucket, parts: readonly UploadedPart[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    const file = await bucket.blobs.open(part.blob)
    if (file === undefined) throw new S3Error('NoSuchUpload')
    try {
      yield* read(file, { start: 0, end: part.size - 1 })
    } finally {
      await file.close()
    }
  }
}
