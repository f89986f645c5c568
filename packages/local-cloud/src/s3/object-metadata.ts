import { S3Error } from './error.ts'
import { keptHeaders } from './object-record.ts'
import type { S3Call } from './s3-call.ts'

/** What a client says of an object beside its bytes. */
export interface ObjectMetadata {
  readonly headers: Record<string, string>
  readonly userMetadata: Record<string, string>
}

/** Source: AWS, "Working with object metadata": names and values together, in bytes. */
const userMetadataBytesMax = 2 * 1024

/**
 * @throws S3Error MetadataTooLarge; NotImplemented for a header whose effect local-cloud does not have: what a client asks
 *   for and doesn't get must never look like success.
 */
export function readObjectMetadata(call: S3Call): ObjectMetadata {
  assertHeadersAreSupported(call)
  const headers: Record<string, string> = {}
  for (const name of keptHeaders) {
    const value = call.header(name)
    if (value !== undefined) headers[name] = value
  }
  // aws-chunked is of the transfer; S3 keeps what remains of the encoding.
  const encoding = headers['content-encoding']
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== 'aws-chunked')
  delete headers['content-encoding']
  if (encoding !== undefined && encoding.length > 0) headers['content-encoding'] = encoding.join(',')

  const userMetadata = call.headersAfter('x-amz-meta-')
  const size = Object.entries(userMetadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (size > userMetadataBytesMax) {
    throw new S3Error('MetadataTooLarge', undefined, [
      ['Size', size],
      ['MaxSizeAllowed', userMetadataBytesMax],
    ])
  }
  return { headers: { 'content-type': 'binary/octet-stream', ...headers }, userMetadata }
}

function assertHeadersAreSupported(call: S3Call): void {
  const acl = call.header('x-amz-acl')
  // Buckets have had no ACLs since April 2023, unless their owner asks for them.
  if (acl !== undefined && acl !== 'private' && acl !== 'bucket-owner-full-control') {
    throw new S3Error('AccessControlListNotSupported')
  }
  const refused = [
    'x-amz-tagging',
    'x-amz-website-redirect-location',
    'x-amz-object-lock-mode',
    'x-amz-object-lock-legal-hold',
    'x-amz-server-side-encryption-customer-algorithm',
    'x-amz-write-offset-bytes',
    'x-amz-grant-read',
    'x-amz-grant-full-control',
  ]
  const plain: Readonly<Record<string, string>> = {
    'x-amz-storage-class': 'STANDARD',
    'x-amz-server-side-encryption': 'AES256',
  }
  const header =
    refused.find((name) => call.header(name) !== undefined) ??
    Object.entries(plain).find(([name, value]) => (call.header(name) ?? value) !== value)?.[0]
  if (header !== undefined) throw new S3Error('NotImplemented', undefined, [['Header', header]])
}
