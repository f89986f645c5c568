import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkRead } from '../src/s3/conditions.ts'
import { parseRange } from '../src/s3/range.ts'
import { cloudForTests, failure } from './cloud.ts'

const under = cloudForTests()
const Bucket = 'conditions'

beforeAll(async () => {
  await under().s3.send(new CreateBucketCommand({ Bucket }))
})

async function put(Key: string, Body: string, condition: { IfMatch?: string; IfNoneMatch?: string } = {}) {
  return await under().s3.send(new PutObjectCommand({ Bucket, Key, Body, ...condition }))
}

async function text(Key: string): Promise<string | undefined> {
  const { Body } = await under().s3.send(new GetObjectCommand({ Bucket, Key }))
  return await Body?.transformToString()
}

describe('a conditional write', () => {
  it('with If-None-Match creates and never replaces', async () => {
    await put('new', 'first', { IfNoneMatch: '*' })
    expect(await failure(put('new', 'second', { IfNoneMatch: '*' }))).toEqual({
      name: 'PreconditionFailed',
      status: 412,
    })
    expect(await text('new')).toBe('first')
  })

  it('with If-Match replaces only what is unchanged', async () => {
    const { ETag = '' } = await put('swap', 'one')
    await put('swap', 'two', { IfMatch: ETag })
    expect(await failure(put('swap', 'three', { IfMatch: ETag }))).toEqual({ name: 'PreconditionFailed', status: 412 })
    expect(await text('swap')).toBe('two')
  })

  it('with If-Match of a key that is not there is 404 NoSuchKey', async () => {
    expect(await failure(put('absent', 'x', { IfMatch: '"0"' }))).toEqual({ name: 'NoSuchKey', status: 404 })
  })

  it('takes no ETag in If-None-Match', async () => {
    expect(await failure(put('new', 'x', { IfNoneMatch: '"0"' }))).toEqual({ name: 'NotImplemented', status: 501 })
  })

  it('of ten at once for a new key lets one through', async () => {
    const attempts = Array.from({ length: 10 }, (_, index) => put('race', `writer ${index}`, { IfNoneMatch: '*' }))
    const outcomes = await Promise.allSettled(attempts)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('loses no update: 5 writers × 10 increments make 50', async () => {
    await put('counter', '0')
    const increment = async (): Promise<void> => {
      for (;;) {
        const { Body, ETag = '' } = await under().s3.send(new GetObjectCommand({ Bucket, Key: 'counter' }))
        const next = String(Number(await Body?.transformToString()) + 1)
        const outcome = await put('counter', next, { IfMatch: ETag }).catch((error: Error) => error)
        if (!(outcome instanceof Error)) return
        expect(outcome.name).toBe('PreconditionFailed')
      }
    }
    const writer = async () => {
      for (let count = 0; count < 10; count++) await increment()
    }
    await Promise.all(Array.from({ length: 5 }, writer))
    expect(await text('counter')).toBe('50')
  })

  it('holds for a copy and for the end of a multipart upload', async () => {
    const { s3 } = under()
    await put('source', 'source')
    await put('target', 'target')
    const copy = new CopyObjectCommand({ Bucket, Key: 'target', CopySource: `${Bucket}/source`, IfNoneMatch: '*' })
    expect(await failure(s3.send(copy))).toEqual({ name: 'PreconditionFailed', status: 412 })
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'target' }))
    const part = await s3.send(new UploadPartCommand({ Bucket, Key: 'target', UploadId, PartNumber: 1, Body: 'p' }))
    const Parts = [{ PartNumber: 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 }]
    const complete = { Bucket, Key: 'target', UploadId, MultipartUpload: { Parts } }
    const refused = s3.send(new CompleteMultipartUploadCommand({ ...complete, IfNoneMatch: '*' }))
    expect(await failure(refused)).toEqual({ name: 'PreconditionFailed', status: 412 })
    expect(await text('target')).toBe('target')
    const { ETag } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'target' }))
    await s3.send(new CompleteMultipartUploadCommand({ ...complete, IfMatch: ETag }))
    expect(await text('target')).toBe('p')
  })
})

describe('a conditional delete', () => {
  it('removes only what is unchanged', async () => {
    const { s3 } = under()
    const { ETag } = await put('remove', 'x')
    const remove = (IfMatch: string | undefined) => s3.send(new DeleteObjectCommand({ Bucket, Key: 'remove', IfMatch }))
    expect(await failure(remove('"other"'))).toEqual({ name: 'PreconditionFailed', status: 412 })
    await remove(ETag)
    expect(await failure(remove('*'))).toEqual({ name: 'NoSuchKey', status: 404 })
  })
})

describe('a conditional copy source', () => {
  it.each([
    [{ CopySourceIfMatch: '"other"' }],
    [{ CopySourceIfModifiedSince: new Date('2100-01-01') }],
    [{ CopySourceIfUnmodifiedSince: new Date('2000-01-01') }],
  ])('that does not hold is 412: %o', async (condition) => {
    await put('from', 'x')
    const copy = new CopyObjectCommand({ Bucket, Key: 'to', CopySource: `${Bucket}/from`, ...condition })
    expect(await failure(under().s3.send(copy))).toEqual({ name: 'PreconditionFailed', status: 412 })
  })
})

describe('a conditional read', () => {
  it('answers 304 for what the caller has, and 412 for what is no longer there', async () => {
    const { s3 } = under()
    const { ETag } = await put('read', 'x')
    const get = (options: object) => s3.send(new GetObjectCommand({ Bucket, Key: 'read', ...options }))
    expect(await failure(get({ IfNoneMatch: ETag }))).toMatchObject({ status: 304 })
    expect(await failure(get({ IfMatch: '"other"' }))).toMatchObject({ status: 412 })
    expect(await failure(get({ IfModifiedSince: new Date('2100-01-01') }))).toMatchObject({ status: 304 })
    expect((await get({ IfMatch: ETag, IfUnmodifiedSince: new Date('2000-01-01') })).ETag).toBe(ETag)
  })

  const past = 'Sat, 01 Jan 2000 00:00:00 GMT'
  const present = 'Sat, 01 Jan 2022 00:00:00 GMT'
  const future = 'Fri, 01 Jan 2100 00:00:00 GMT'
  const object = { etag: '"a"', lastModified: Date.parse(present) + 999 }
  const none = { ifMatch: undefined, ifNoneMatch: undefined, ifModifiedSince: undefined, ifUnmodifiedSince: undefined }
  it.each([
    [{}, 'proceed'],
    [{ ifMatch: '"a"' }, 'proceed'],
    [{ ifMatch: 'a' }, 'proceed'],
    [{ ifMatch: '"b", "a"' }, 'proceed'],
    [{ ifMatch: '"b"' }, { failed: 'If-Match' }],
    [{ ifMatch: '"a"', ifUnmodifiedSince: past }, 'proceed'],
    [{ ifUnmodifiedSince: past }, { failed: 'If-Unmodified-Since' }],
    [{ ifUnmodifiedSince: present }, 'proceed'],
    [{ ifNoneMatch: '"a"' }, 'not modified'],
    [{ ifNoneMatch: 'W/"a"' }, 'not modified'],
    [{ ifNoneMatch: '"b"', ifModifiedSince: future }, 'proceed'],
    [{ ifModifiedSince: present }, 'not modified'],
    [{ ifModifiedSince: past }, 'proceed'],
    [{ ifModifiedSince: 'yesterday' }, 'proceed'],
  ])('of %o: %o', (conditions, verdict) => {
    expect(checkRead({ ...none, ...conditions }, object)).toEqual(verdict)
  })
})

describe('a range', () => {
  it('is never outside the object', () => {
    const bound = fc.oneof(fc.constant(''), fc.nat(30).map(String))
    fc.assert(
      fc.property(bound, bound, fc.nat(20), (first, last, size) => {
        const range = parseRange(`bytes=${first}-${last}`, size)
        if (range === undefined || range === 'unsatisfiable') return
        expect(range.start).toBeGreaterThanOrEqual(0)
        expect(range.end).toBeGreaterThanOrEqual(range.start)
        expect(range.end).toBeLessThan(size)
      }),
    )
  })

  it.each(['bytes=-', 'bytes=4-2', 'bytes=0-1,3-4', 'lines=0-1', 'bytes=a-b', ''])(
    'that is none is ignored: %s',
    (header) => {
      expect(parseRange(header, 10)).toBeUndefined()
    },
  )
})
