import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  ChecksumAlgorithm,
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ChecksumAlgorithm as Algorithm, createDigester } from '../src/s3/checksums.ts'
import { decodeAwsChunked } from '../src/s3/chunked-body.ts'
import { S3Error } from '../src/s3/error.ts'
import { cloudForTests, failure } from './cloud.ts'

const under = cloudForTests()
const Bucket = 'checksums'
const bytes = Buffer.from('The quick brown fox jumps over the lazy dog')
const hex = (algorithm: Algorithm, data: Uint8Array) => {
  const digester = createDigester(algorithm)
  digester.update(data)
  return digester.digest().toString('hex')
}

beforeAll(async () => {
  await under().s3.send(new CreateBucketCommand({ Bucket }))
})

describe('a checksum', () => {
  // "123456789" is the check value of the CRC catalogue.
  it.each([
    ['CRC32', 'cbf43926'],
    ['CRC32C', 'e3069283'],
    ['CRC64NVME', 'ae8b14860a799888'],
    ['SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
  ] as const)('%s of 123456789 is %s', (algorithm, expected) => {
    expect(hex(algorithm, Buffer.from('123456789'))).toBe(expected)
  })

  it.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA256'] as const)(
    '%s does not depend on how the bytes are cut',
    (algorithm) => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (pieces) => {
          const digester = createDigester(algorithm)
          for (const piece of pieces) digester.update(piece)
          expect(digester.digest().toString('hex')).toBe(hex(algorithm, Buffer.concat(pieces)))
        }),
        { numRuns: 50 },
      )
    },
  )
})

describe('an upload', () => {
  const algorithms = [
    ChecksumAlgorithm.CRC32,
    ChecksumAlgorithm.CRC32C,
    ChecksumAlgorithm.SHA1,
    ChecksumAlgorithm.SHA256,
  ]
  it.each(algorithms)('with %s in a header is verified and vouched for', async (algorithm) => {
    const { s3 } = under()
    await s3.send(new PutObjectCommand({ Bucket, Key: algorithm, Body: bytes, ChecksumAlgorithm: algorithm }))
    // The client verifies the answer's checksum over the bytes.
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: algorithm, ChecksumMode: 'ENABLED' }))
    expect(await got.Body?.transformToString()).toBe(bytes.toString())
    expect(got).toHaveProperty(`Checksum${algorithm}`, Buffer.from(hex(algorithm, bytes), 'hex').toString('base64'))
  })

  it.each(algorithms)('with %s in a trailer is verified and vouched for', async (algorithm) => {
    const { s3 } = under()
    const Body = Readable.from([bytes.subarray(0, 10), bytes.subarray(10)])
    const ContentLength = bytes.length
    await s3.send(new PutObjectCommand({ Bucket, Key: 'trailer', Body, ContentLength, ChecksumAlgorithm: algorithm }))
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'trailer', ChecksumMode: 'ENABLED' }))
    expect(head).toHaveProperty(`Checksum${algorithm}`, Buffer.from(hex(algorithm, bytes), 'hex').toString('base64'))
    expect(head.ContentEncoding).toBeUndefined()
  })

  it('without any gets the CRC-64 that S3 makes itself', async () => {
    await raw('plain', bytes, {})
    const head = await under().s3.send(new HeadObjectCommand({ Bucket, Key: 'plain', ChecksumMode: 'ENABLED' }))
    expect(head.ChecksumCRC64NVME).toBe(Buffer.from(hex('CRC64NVME', bytes), 'hex').toString('base64'))
  })

  const other = Buffer.from('other bytes')
  const base64 = (algorithm: string) => createHash(algorithm).update(other).digest('base64')
  it.each([
    ['BadDigest', { 'x-amz-checksum-sha256': base64('sha256') }],
    ['BadDigest', { 'x-amz-checksum-crc32': 'AAAAAA==' }],
    ['BadDigest', { 'content-md5': base64('md5') }],
    ['InvalidDigest', { 'content-md5': 'no digest' }],
    ['InvalidRequest', { 'x-amz-checksum-sha256': 'AAAA' }],
    ['InvalidRequest', { 'x-amz-checksum-sha256': base64('sha256'), 'x-amz-checksum-sha1': base64('sha1') }],
    ['InvalidRequest', { 'x-amz-sdk-checksum-algorithm': 'SHA256' }],
    ['XAmzContentSHA256Mismatch', { 'x-amz-content-sha256': createHash('sha256').update(other).digest('hex') }],
  ])('is refused with %s for %o, and leaves nothing', async (code, headers) => {
    expect(await raw('refused', bytes, headers)).toEqual([400, expect.stringContaining(`<Code>${code}</Code>`)])
    const head = under().s3.send(new HeadObjectCommand({ Bucket, Key: 'refused' }))
    expect(await failure(head)).toMatchObject({ status: 404 })
  })
})

describe('an aws-chunked body', () => {
  const signature = 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'
  const sha256 = createHash('sha256').update(bytes).digest('base64')

  it('with signed chunks and a signed trailer is taken apart', async () => {
    const framed = [
      `a;chunk-signature=${signature}\r\n${bytes.subarray(0, 10)}\r\n`,
      `21;chunk-signature=${signature}\r\n${bytes.subarray(10)}\r\n`,
      `0;chunk-signature=${signature}\r\nx-amz-checksum-sha256:${sha256}\r\nx-amz-trailer-signature:${signature}\r\n\r\n`,
    ].join('')
    const headers = {
      'content-encoding': 'aws-chunked,gzip',
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': String(bytes.length),
      'x-amz-trailer': 'x-amz-checksum-sha256',
    }
    expect(await raw('signed', Buffer.from(framed), headers)).toEqual([200, ''])
    const head = await under().s3.send(new HeadObjectCommand({ Bucket, Key: 'signed', ChecksumMode: 'ENABLED' }))
    expect(head).toMatchObject({ ContentLength: bytes.length, ChecksumSHA256: sha256, ContentEncoding: 'gzip' })
    const wrong = framed.replace(sha256, createHash('sha256').digest('base64'))
    expect(await raw('wrong', Buffer.from(wrong), headers)).toEqual([400, expect.stringContaining('BadDigest')])
  })

  const frame = (pieces: readonly Uint8Array[]) =>
    Buffer.concat([
      ...pieces
        .filter(({ length }) => length > 0)
        .flatMap((piece) => [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]),
      Buffer.from('0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n'),
    ])
  async function* cut(data: Uint8Array, size: number) {
    for (let start = 0; start < data.length; start += size) yield data.subarray(start, start + size)
  }

  it('is the same however it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 })),
        fc.integer({ min: 1, max: 30 }),
        async (pieces, size) => {
          const trailers: string[] = []
          const decoded = await Readable.from(
            decodeAwsChunked(cut(frame(pieces), size), (name, value) => trailers.push(`${name}=${value}`)),
            { objectMode: true },
          ).toArray()
          expect(Buffer.concat(decoded)).toEqual(Buffer.concat(pieces))
          expect(trailers).toEqual(['x-amz-checksum-crc32=AAAAAA=='])
        },
      ),
    )
  })

  it('that is cut off, or changed, is refused or the same bytes, and never hangs', async () => {
    const framed = frame([bytes, bytes])
    await fc.assert(
      fc.asyncProperty(fc.nat(framed.length - 1), fc.option(fc.nat(255)), async (at, byte) => {
        const broken = byte === null ? framed.subarray(0, at) : Buffer.from(framed).fill(byte, at, at + 1)
        try {
          await Readable.from(
            decodeAwsChunked(cut(broken, 7), () => {}),
            { objectMode: true },
          ).toArray()
        } catch (error) {
          expect(error).toBeInstanceOf(S3Error)
        }
      }),
    )
  })
})

async function raw(key: string, body: Uint8Array, headers: Record<string, string>): Promise<[number, string]> {
  const url = `${under().cloud.endpoint}/${Bucket}/${key}`
  const response = await fetch(url, {
    method: 'PUT',
    body: Buffer.from(body),
    headers: { authorization: 'Basic YTpi', ...headers },
  })
  return [response.status, await response.text()]
}
