import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { bareETag, parseETag } from './etag.ts'
import { type ETag, type ObjectHead, StoreError } from './port.ts'
import { abortable, type S3Connection } from './s3-connection.ts'
import { readFault, requireBucket, type S3Fault, s3Error } from './s3-fault.ts'

/** HEAD with the stored checksum, which S3 only gives to who asks for it. */
export async function headObject(
  connection: S3Connection,
  key: string,
  signal?: AbortSignal,
): Promise<ObjectHead | undefined> {
  const { learned } = connection
  let answer = await tryHead(connection, key, !learned.refusesChecksumMode, signal)
  if (answer.kind === 'fault' && !learned.refusesChecksumMode && mayBeOfTheChecksum(answer.fault)) {
    // 403: the checksum of an encrypted object needs kms:Decrypt, the rest of its head does not. 400, 501: unknown header.
    const plain = await tryHead(connection, key, false, signal)
    if (plain.kind !== 'fault' && answer.fault.status !== 403) learned.refusesChecksumMode = true
    answer = plain
  }
  if (answer.kind === 'head') {
    learned.bucketExists = true
    return answer.head
  }
  if (answer.fault.status === 404) {
    await requireBucket(connection, answer.fault, signal)
    return undefined
  }
  throw s3Error(connection, answer.fault, 'cannot read the head of', key)
}

/** What the headers of GET and HEAD have in common. */
export function readHead(
  connection: S3Connection,
  key: string,
  output: { ETag?: string | undefined; LastModified?: Date | undefined },
  size: number,
): ObjectHead {
  return {
    key,
    etag: readETag(connection, key, output.ETag),
    size,
    lastModified: output.LastModified ?? connection.clock(),
  }
}

/** The ETag of an answer's headers, and how this server spells them. */
export function readETag(connection: S3Connection, key: string, text: string | undefined): ETag {
  if (!text) throw misanswered(connection, key, 'no ETag, without which versions cannot be told apart')
  connection.learned.bareETags = !text.includes('"')
  return parseETag(text)
}

/** An ETag as this server will recognise it in a condition. */
export function formatETag(connection: S3Connection, etag: ETag): string {
  return connection.learned.bareETags ? bareETag(etag) : etag
}

/** For servers, or what stands in front of them, that do not speak S3. */
export function misanswered(connection: S3Connection, key: string | undefined, lacking: string): StoreError {
  const { store } = connection
  const of = key === undefined ? '' : ` about ${key}`
  return new StoreError('FAILED', `${store}: the server's answer${of} gives ${lacking}; is this an S3 endpoint?`, {
    store,
    key,
  })
}

async function tryHead(
  connection: S3Connection,
  key: string,
  withChecksum: boolean,
  signal: AbortSignal | undefined,
): Promise<{ kind: 'head'; head: ObjectHead } | { kind: 'fault'; fault: S3Fault }> {
  const { sdk, client, bucket } = connection
  let output: HeadObjectCommandOutput
  try {
    output = await client.send(
      new sdk.HeadObjectCommand({ Bucket: bucket, Key: key, ...(withChecksum && { ChecksumMode: 'ENABLED' }) }),
      abortable(signal),
    )
  } catch (thrown) {
    return { kind: 'fault', fault: readFault(thrown, signal) }
  }
  if (output.ContentLength === undefined) throw misanswered(connection, key, 'no Content-Length')
  const sha256 = wholeSha256(output)
  const head = readHead(connection, key, output, output.ContentLength)
  return { kind: 'head', head: { ...head, ...(sha256 !== undefined && { sha256 }) } }
}

function mayBeOfTheChecksum({ status }: S3Fault): boolean {
  return status === 403 || status === 400 || status === 501
}

/**
 * AWS, "Checking object integrity": a COMPOSITE checksum is one of the parts' checksums and ends in `-N`; only FULL_OBJECT is
 * of the bytes. Servers older than the header say neither, so the form of the value decides.
 */
function wholeSha256(output: HeadObjectCommandOutput): string | undefined {
  const { ChecksumSHA256: value, ChecksumType: type } = output
  if (value === undefined || (type !== undefined && type !== 'FULL_OBJECT')) return undefined
  return /^[A-Za-z0-9+/]{43}=$/.test(value) ? Buffer.from(value, 'base64').toString('hex') : undefined
}
