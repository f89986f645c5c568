import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  AbortMultipartUploadCommand,
  type ChecksumAlgorithm,
  type ChecksumType,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, it } from 'vitest'
import { cloudForTests, failure } from './cloud.ts'

const under = cloudForTests()
const Bucket = 'multipart'
const parts = ['first part, ', 'second part, ', 'last'].map((text) => Buffer.from(text))
const whole = Buffer.concat(parts)
const digest = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest()

beforeAll(async () => {
  await under().s3.send(new CreateBucketCommand({ Bucket }))
})

async function upload(
  Key: string,
  options: { ChecksumAlgorithm?: ChecksumAlgorithm; ChecksumType?: ChecksumType } = {},
) {
  const { s3 } = under()
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...options }))
  const { ChecksumAlgorithm } = options
  const completed: CompletedPart[] = []
  for (const [index, Body] of parts.entries()) {
    const PartNumber = index + 1
    const part = await s3.send(
      new UploadPartCommand({
        Bucket,
        Key,
        UploadId,
        PartNumber,
        Body,
        ...(ChecksumAlgorithm && { ChecksumAlgorithm }),
      }),
    )
    const { ETag, ChecksumCRC32, ChecksumSHA256 } = part
    completed.push({ PartNumber, ETag, ChecksumCRC32, ChecksumSHA256 })
  }
  return { UploadId, completed }
}

async function complete(Key: string, UploadId: string | undefined, Parts: CompletedPart[]) {
  return await under().s3.send(
    new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
  )
}

describe('a multipart upload', () => {
  it('becomes one object whose ETag is the MD5 of the parts’ MD5s and their number', async () => {
    const { s3 } = under()
    const { UploadId, completed } = await upload('object')
    const { ETag } = await complete('object', UploadId, completed)
    const md5s = Buffer.concat(parts.map((part) => digest('md5', part)))
    expect(ETag).toBe(`"${digest('md5', md5s).toString('hex')}-3"`)
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'object' }))
    expect(await got.Body?.transformToString()).toBe(whole.toString())
    const second = await s3.send(new GetObjectCommand({ Bucket, Key: 'object', PartNumber: 2 }))
    expect([second.PartsCount, second.ContentRange]).toEqual([3, 'bytes 12-24/29'])
    expect(await second.Body?.transformToString()).toBe('second part, ')
  })

  it('with SHA-256 has a composite checksum', async () => {
    const { UploadId, completed } = await upload('composite', { ChecksumAlgorithm: 'SHA256' })
    const of = Buffer.concat(parts.map((part) => digest('sha256', part)))
    const expected = `${digest('sha256', of).toString('base64')}-3`
    expect(await complete('composite', UploadId, completed)).toMatchObject({
      ChecksumSHA256: expected,
      ChecksumType: 'COMPOSITE',
    })
    const head = await under().s3.send(new HeadObjectCommand({ Bucket, Key: 'composite', ChecksumMode: 'ENABLED' }))
    expect(head).toMatchObject({ ChecksumSHA256: expected, ChecksumType: 'COMPOSITE' })
  })

  it('with a CRC may have one of the whole object', async () => {
    const { UploadId, completed } = await upload('full', { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' })
    const expected = Buffer.alloc(4)
    expected.writeUInt32BE(crc32(whole))
    expect(await complete('full', UploadId, completed)).toMatchObject({
      ChecksumCRC32: expected.toString('base64'),
      ChecksumType: 'FULL_OBJECT',
    })
  })

  it('cannot have a SHA-256 of the whole object', async () => {
    const options = { ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' } as const
    expect(await failure(upload('impossible', options))).toMatchObject({ name: 'InvalidRequest' })
  })

  it('becomes a plain object with one checksum when it is copied', async () => {
    const { s3 } = under()
    const { UploadId, completed } = await upload('to-copy', { ChecksumAlgorithm: 'SHA256' })
    await complete('to-copy', UploadId, completed)
    const copy = await s3.send(new CopyObjectCommand({ Bucket, Key: 'copied', CopySource: `${Bucket}/to-copy` }))
    expect(copy.CopyObjectResult).toMatchObject({
      ETag: `"${digest('md5', whole).toString('hex')}"`,
      ChecksumSHA256: digest('sha256', whole).toString('base64'),
      ChecksumType: 'FULL_OBJECT',
    })
  })

  it('takes parts from another object', async () => {
    const { s3 } = under()
    const Key = 'from-copy'
    await s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: '0123456789' }))
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
    const copy = { Bucket, Key, UploadId, CopySource: `${Bucket}/source` }
    const one = await s3.send(new UploadPartCopyCommand({ ...copy, PartNumber: 1, CopySourceRange: 'bytes=2-4' }))
    const two = await s3.send(new UploadPartCopyCommand({ ...copy, PartNumber: 2 }))
    const beyond = s3.send(new UploadPartCopyCommand({ ...copy, PartNumber: 3, CopySourceRange: 'bytes=5-10' }))
    expect(await failure(beyond)).toMatchObject({ name: 'InvalidArgument' })
    const Parts = [one, two].map(({ CopyPartResult }, index) => ({ PartNumber: index + 1, ...CopyPartResult }))
    await complete(Key, UploadId, Parts)
    const got = await s3.send(new GetObjectCommand({ Bucket, Key }))
    expect(await got.Body?.transformToString()).toBe('2340123456789')
  })

  it('is listed with its parts until it is aborted', async () => {
    const { s3 } = under()
    const Key = 'aborted & gone'
    const { UploadId } = await upload(Key)
    const listed = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'aborted' }))
    expect(listed.Uploads?.map((each) => [each.Key, each.UploadId])).toEqual([[Key, UploadId]])
    const firstPage = await s3.send(new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 2 }))
    expect(firstPage.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
      [1, 12],
      [2, 13],
    ])
    const PartNumberMarker = firstPage.NextPartNumberMarker
    const rest = await s3.send(new ListPartsCommand({ Bucket, Key, UploadId, PartNumberMarker }))
    expect([rest.IsTruncated, rest.Parts?.length]).toEqual([false, 1])
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
    expect(await failure(s3.send(new ListPartsCommand({ Bucket, Key, UploadId })))).toMatchObject({
      name: 'NoSuchUpload',
    })
    expect(await failure(s3.send(new HeadObjectCommand({ Bucket, Key })))).toMatchObject({ status: 404 })
  })

  it('is refused where the list of parts is wrong', async () => {
    const { UploadId, completed } = await upload('wrong')
    const [first = {}, second = {}] = completed
    expect(await failure(complete('wrong', UploadId, [second, first]))).toMatchObject({ name: 'InvalidPartOrder' })
    const otherEtag = [{ ...first, ETag: '"0"' }]
    expect(await failure(complete('wrong', UploadId, otherEtag))).toMatchObject({ name: 'InvalidPart' })
    const unknown = [{ ...first, PartNumber: 9 }]
    expect(await failure(complete('wrong', UploadId, unknown))).toMatchObject({ name: 'InvalidPart' })
    await complete('wrong', UploadId, completed)
    expect(await failure(complete('wrong', UploadId, completed))).toMatchObject({ name: 'NoSuchUpload' })
  })
})
