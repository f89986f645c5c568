import type { Response } from '../http.ts'
import type { XmlNode } from '../xml.ts'
import type { Bucket } from './bucket.ts'
import { S3Error } from './error.ts'
import { listKeys } from './listing.ts'
import { encodeNotificationKey } from './notification-message.ts'
import type { S3Call } from './s3-call.ts'
import { formatIsoDate, xmlResponse } from './xml-response.ts'

/** Source: AWS, ListObjectsV2: a page never has more. */
const pageMax = 1000

/** ListObjectsV2 */
export async function listObjectsV2(call: S3Call): Promise<Response> {
  const { bucket } = call
  const { prefix, delimiter, max, encode, encodingType } = listingParameters(call)
  const startAfter = call.query('start-after')
  const token = call.query('continuation-token')
  const from = token === undefined ? { after: startAfter ?? '', isPrefix: false } : parseToken(token)
  const page = listKeys(bucket.keys, { prefix, delimiter, max, after: from.after, afterPrefix: from.isPrefix })
  const withOwner = call.query('fetch-owner') === 'true'
  return xmlResponse([
    'ListBucketResult',
    [
      ['Name', call.bucketName],
      ['Prefix', encode(prefix)],
      ['Delimiter', delimiter === '' ? undefined : encode(delimiter)],
      ['StartAfter', startAfter === undefined ? undefined : encode(startAfter)],
      ['ContinuationToken', token],
      ['NextContinuationToken', page.next && formatToken(page.next)],
      ['KeyCount', page.keys.length + page.commonPrefixes.length],
      ['MaxKeys', max],
      ['EncodingType', encodingType],
      ['IsTruncated', page.next !== undefined],
      ...formatContents(bucket, page.keys, encode, withOwner),
      ...formatPrefixes(page.commonPrefixes, encode),
    ],
  ])
}

/** ListObjects, the first version: there is NextMarker only where there is a delimiter. */
export async function listObjectsV1(call: S3Call): Promise<Response> {
  const { bucket } = call
  const { prefix, delimiter, max, encode, encodingType } = listingParameters(call)
  const marker = call.query('marker') ?? ''
  const afterPrefix = delimiter !== '' && marker.startsWith(prefix) && marker.endsWith(delimiter)
  const page = listKeys(bucket.keys, { prefix, delimiter, max, after: marker, afterPrefix })
  return xmlResponse([
    'ListBucketResult',
    [
      ['Name', call.bucketName],
      ['Prefix', encode(prefix)],
      ['Marker', encode(marker)],
      ['NextMarker', page.next === undefined || delimiter === '' ? undefined : encode(page.next.after)],
      ['MaxKeys', max],
      ['Delimiter', delimiter === '' ? undefined : encode(delimiter)],
      ['EncodingType', encodingType],
      ['IsTruncated', page.next !== undefined],
      ...formatContents(bucket, page.keys, encode, true),
      ...formatPrefixes(page.commonPrefixes, encode),
    ],
  ])
}

/** A whole number of a query, not above 1,000. @throws S3Error InvalidArgument */
export function pageSize(call: S3Call, name: string): number {
  const text = call.query(name)
  if (text === undefined || text === '') return pageMax
  if (!/^\d{1,10}$/.test(text) || Number(text) > 2 ** 31 - 1) {
    throw new S3Error('InvalidArgument', `Provided ${name} not an integer or within integer range`, [
      ['ArgumentName', name],
      ['ArgumentValue', text],
    ])
  }
  return Math.min(pageMax, Number(text))
}

/** @throws S3Error InvalidArgument */
export function encodingOf(call: S3Call): { encodingType: string | undefined; encode: (text: string) => string } {
  const encodingType = call.query('encoding-type')
  if (encodingType === undefined) return { encodingType, encode: (text) => text }
  if (encodingType !== 'url') {
    throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request', [
      ['ArgumentName', 'encoding-type'],
      ['ArgumentValue', encodingType],
    ])
  }
  return { encodingType, encode: encodeNotificationKey }
}

function listingParameters(call: S3Call) {
  return {
    prefix: call.query('prefix') ?? '',
    delimiter: call.query('delimiter') ?? '',
    max: pageSize(call, 'max-keys'),
    ...encodingOf(call),
  }
}

function formatContents(
  bucket: Bucket,
  keys: readonly string[],
  encode: (text: string) => string,
  withOwner: boolean,
): XmlNode[] {
  return keys.flatMap((key): XmlNode[] => {
    const record = bucket.find(key)
    if (record === undefined) return []
    return [
      [
        'Contents',
        [
          ['Key', encode(key)],
          ['LastModified', formatIsoDate(record.lastModified)],
          ['ETag', record.etag],
          ['ChecksumAlgorithm', record.checksum.algorithm],
          ['ChecksumType', record.checksum.type],
          ['Size', record.size],
          ['StorageClass', 'STANDARD'],
          [
            'Owner',
            withOwner
              ? [
                  ['ID', 'local-cloud'],
                  ['DisplayName', 'local-cloud'],
                ]
              : undefined,
          ],
        ],
      ],
    ]
  })
}

function formatPrefixes(prefixes: readonly string[], encode: (text: string) => string): XmlNode[] {
  return prefixes.map((prefix) => ['CommonPrefixes', [['Prefix', encode(prefix)]]])
}

/** Opaque to clients. */
function formatToken(next: { after: string; isPrefix: boolean }): string {
  return Buffer.from(`${next.isPrefix ? 'p' : 'k'}${next.after}`).toString('base64')
}

function parseToken(token: string): { after: string; isPrefix: boolean } {
  const text = Buffer.from(token, 'base64').toString()
  if (!/^[pk]/.test(text)) {
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', [
      ['ArgumentName', 'continuation-token'],
    ])
  }
  return { after: text.slice(1), isPrefix: text.startsWith('p') }
}
