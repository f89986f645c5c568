import { createHash, type Hash } from 'node:crypto'
import { readAll } from '../http.ts'
import { MalformedXml, parseXml, type XmlElement } from '../xml.ts'
import type { Blobs } from './blobs.ts'
import {
  type ChecksumAlgorithm,
  checksumAlgorithms,
  checksumHeader,
  createDigester,
  type Digester,
  declaredChecksum,
  isDigest,
  parseChecksumAlgorithm,
} from './checksums.ts'
import { decodeAwsChunked } from './chunked-body.ts'
import { S3Error } from './error.ts'
import type { S3Call } from './s3-call.ts'

/** A body that arrived whole and is what its headers and trailers say. */
export interface ReceivedBody {
  readonly blob: string
  /** Bytes, without any framing. */
  readonly size: number
  /** Hex. */
  readonly md5: string
  /** The one that the client sent, or the one that was asked for. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string }
}

/** DeleteObjects of 1,000 keys of 1,024 bytes, each byte escaped, or 10,000 parts with their checksums. */
const xmlBytesMax = 8 * 2 ** 20

/**
 * Streams an object's or a part's bytes to disk and verifies every digest that came with them.
 * @param algorithm of the checksum, where the client sends none; S3's own default is CRC64NVME
 * @throws S3Error for a body that is not what it should be; nothing is left on disk then.
 */
export async function receiveBlob(
  call: S3Call,
  blobs: Blobs,
  algorithm: ChecksumAlgorithm = 'CRC64NVME',
): Promise<ReceivedBody> {
  const body = verifiedBody(call, algorithm)
  const written = await blobs.write(body.chunks)
  try {
    return { ...written, ...body.verify() }
  } catch (cause) {
    await blobs.remove(written.blob)
    throw cause
  }
}

/** @throws S3Error MalformedXML, or as `receiveBlob` */
export async function receiveXml(call: S3Call): Promise<XmlElement> {
  const text = await receiveText(call)
  try {
    return parseXml(text)
  } catch (cause) {
    if (cause instanceof MalformedXml) throw new S3Error('MalformedXML')
    throw cause
  }
}

/** Whether there is a body at all: several requests may come without their document. */
export function hasBody(call: S3Call): boolean {
  return call.header('transfer-encoding') !== undefined || Number(call.header('content-length') ?? 0) > 0
}

/** @throws S3Error as `receiveBlob`; BodyTooLarge */
export async function receiveText(call: S3Call): Promise<string> {
  const body = verifiedBody(call, undefined)
  const bytes = await readAll(body.chunks, xmlBytesMax)
  body.verify()
  return bytes.toString('utf8')
}

/** Digests bytes that come from elsewhere than a request, as CopyObject's do. */
export async function digestInto(
  blobs: Blobs,
  source: AsyncIterable<Uint8Array>,
  algorithm: ChecksumAlgorithm,
): Promise<ReceivedBody> {
  const md5 = createHash('md5')
  const digester = createDigester(algorithm)
  const written = await blobs.write(tee(source, [md5, digester]))
  return {
    ...written,
    md5: md5.digest('hex'),
    checksum: { algorithm, value: digester.digest().toString('base64') },
  }
}

function verifiedBody(call: S3Call, defaultAlgorithm: ChecksumAlgorithm | undefined) {
  const contentSha256 = call.header('x-amz-content-sha256')
  const framed =
    contentSha256?.startsWith('STREAMING-') === true ||
    /(^|,)\s*aws-chunked/i.test(call.header('content-encoding') ?? '')
  const expectedSize = decodedLength(call, framed)
  const expectedMd5 = contentMd5(call)
  const declared = declaredChecksum((name) => call.header(name))
  const trailing = trailingAlgorithm(call)
  assertChecksumComes(call, declared !== undefined || trailing !== undefined)
  const algorithm = declared?.algorithm ?? trailing ?? defaultAlgorithm

  const md5 = createHash('md5')
  const digester = algorithm && createDigester(algorithm)
  const sha256 = contentSha256 !== undefined && /^[0-9a-f]{64}$/.test(contentSha256) ? createHash('sha256') : undefined
  const trailers = new Map<string, string>()
  let size = 0

  async function* chunks(): AsyncGenerator<Uint8Array> {
    const source = framed
      ? decodeAwsChunked(call.request.body, (name, value) => trailers.set(name, value))
      : call.request.body
    const digesters = [md5, digester, sha256].filter((one): one is Hash | Digester => one !== undefined)
    for await (const chunk of tee(source, digesters)) {
      size += chunk.length
      yield chunk
    }
  }

  function verify(): Pick<ReceivedBody, 'md5' | 'checksum'> {
    if (size !== expectedSize) {
      throw new S3Error('IncompleteBody', `The body has ${size} bytes, but ${expectedSize} were announced.`)
    }
    const md5Hex = md5.digest('hex')
    if (expectedMd5 !== undefined && expectedMd5 !== md5Hex) {
      throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.', [
        ['ExpectedDigest', expectedMd5],
        ['CalculatedDigest', md5Hex],
      ])
    }
    if (sha256 !== undefined) {
      const calculated = sha256.digest('hex')
      if (calculated !== contentSha256) {
        throw new S3Error('XAmzContentSHA256Mismatch', undefined, [
          ['ClientComputedContentSHA256', contentSha256],
          ['S3ComputedContentSHA256', calculated],
        ])
      }
    }
    const value = digester?.digest().toString('base64') ?? ''
    const expected = declared?.value ?? (trailing && trailers.get(checksumHeader(trailing)))
    if (trailing !== undefined && (expected === undefined || !isDigest(trailing, expected))) {
      throw new S3Error('InvalidRequest', `The trailing ${checksumHeader(trailing)} header is missing or invalid.`)
    }
    if (expected !== undefined && expected !== value) {
      throw new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`)
    }
    return { md5: md5Hex, checksum: { algorithm: algorithm ?? 'CRC64NVME', value } }
  }

  return { chunks: chunks(), verify }
}

/** @throws S3Error MissingContentLength */
function decodedLength(call: S3Call, framed: boolean): number {
  const length = call.header(framed ? 'x-amz-decoded-content-length' : 'content-length')
  // A body of unknown length is refused, as S3 does; a request without a body need not say so.
  if (length === undefined && call.header('transfer-encoding') === undefined && !framed) return 0
  if (length === undefined || !/^\d{1,15}$/.test(length)) throw new S3Error('MissingContentLength')
  return Number(length)
}

/** In hex. @throws S3Error InvalidDigest */
function contentMd5(call: S3Call): string | undefined {
  const value = call.header('content-md5')
  if (value === undefined) return undefined
  if (!isDigest('MD5', value)) throw new S3Error('InvalidDigest', undefined, [['Content-MD5', value]])
  return Buffer.from(value, 'base64').toString('hex')
}

function trailingAlgorithm(call: S3Call): ChecksumAlgorithm | undefined {
  const names = (call.header('x-amz-trailer') ?? '').split(',').map((name) => name.trim().toLowerCase())
  return checksumAlgorithms.find((algorithm) => names.includes(checksumHeader(algorithm)))
}

/** A client that says it sends a checksum and doesn't is told so. Source: AWS, PutObject, x-amz-sdk-checksum-algorithm. */
function assertChecksumComes(call: S3Call, comes: boolean): void {
  const announced = call.header('x-amz-sdk-checksum-algorithm')
  if (announced === undefined || comes) return
  parseChecksumAlgorithm(announced)
  throw new S3Error(
    'InvalidRequest',
    'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
  )
}

async function* tee(
  source: AsyncIterable<Uint8Array>,
  digesters: readonly (Hash | Digester)[],
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    for (const digester of digesters) digester.update(chunk)
    yield chunk
  }
}
