import type { Response } from '../http.ts'
import type { XmlNode } from '../xml.ts'
import { encodingOf, pageSize } from './list-objects.ts'
import { formatPart, uploadOf } from './multipart.ts'
import type { S3Call } from './s3-call.ts'
import { compareUtf8 } from './sorted-keys.ts'
import { formatIsoDate, xmlResponse } from './xml-response.ts'

const nobody: XmlNode[] = [
  ['ID', 'local-cloud'],
  ['DisplayName', 'local-cloud'],
]

/** ListParts */
export async function listParts(call: S3Call): Promise<Response> {
  const upload = uploadOf(call)
  const max = pageSize(call, 'max-parts')
  const marker = Number(call.query('part-number-marker') ?? 0)
  const all = [...upload.parts.values()].filter((part) => part.number > marker).sort((a, b) => a.number - b.number)
  const page = all.slice(0, max)
  return xmlResponse([
    'ListPartsResult',
    [
      ['Bucket', call.bucketName],
      ['Key', upload.key],
      ['UploadId', upload.id],
      ['Initiator', nobody],
      ['Owner', nobody],
      ['StorageClass', 'STANDARD'],
      ['PartNumberMarker', marker],
      ['NextPartNumberMarker', page.at(-1)?.number ?? 0],
      ['MaxParts', max],
      ['IsTruncated', page.length < all.length],
      ['ChecksumAlgorithm', upload.checksum?.algorithm],
      ['ChecksumType', upload.checksum?.type],
      ...page.map(
        (part): XmlNode => ['Part', [['LastModified', formatIsoDate(part.lastModified)], ...formatPart(part)]],
      ),
    ],
  ])
}

/** ListMultipartUploads: by key, then by age. A delimiter is not known here. */
export async function listMultipartUploads(call: S3Call): Promise<Response> {
  const { encode, encodingType } = encodingOf(call)
  const prefix = call.query('prefix') ?? ''
  const max = pageSize(call, 'max-uploads')
  const keyMarker = call.query('key-marker') ?? ''
  const idMarker = call.query('upload-id-marker') ?? ''
  const all = call.bucket.uploads
    .list()
    .filter(({ key }) => key.startsWith(prefix))
    .sort((a, b) => compareUtf8(a.key, b.key) || a.initiated - b.initiated || compareUtf8(a.id, b.id))
  const marked = all.findIndex(({ key, id }) => key === keyMarker && id === idMarker)
  const rest = marked >= 0 ? all.slice(marked + 1) : all.filter(({ key }) => compareUtf8(key, keyMarker) > 0)
  const page = rest.slice(0, max)
  const isTruncated = page.length < rest.length
  return xmlResponse([
    'ListMultipartUploadsResult',
    [
      ['Bucket', call.bucketName],
      ['KeyMarker', encode(keyMarker)],
      ['UploadIdMarker', idMarker],
      ['NextKeyMarker', isTruncated ? encode(page.at(-1)?.key ?? '') : undefined],
      ['NextUploadIdMarker', isTruncated ? page.at(-1)?.id : undefined],
      ['Prefix', encode(prefix)],
      ['EncodingType', encodingType],
      ['MaxUploads', max],
      ['IsTruncated', isTruncated],
      ...page.map(
        (upload): XmlNode => [
          'Upload',
          [
            ['Key', encode(upload.key)],
            ['UploadId', upload.id],
            ['Initiator', nobody],
            ['Owner', nobody],
            ['StorageClass', 'STANDARD'],
            ['Initiated', formatIsoDate(upload.initiated)],
            ['ChecksumAlgorithm', upload.checksum?.algorithm],
            ['ChecksumType', upload.checksum?.type],
          ],
        ],
      ),
    ],
  ])
}
