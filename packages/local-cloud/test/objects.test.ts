import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, it } from 'vitest'
import { cloudForTests, failure, virtualHostClient } from './cloud.ts'

const under = cloudForTests()
const Bucket = 'packages'
const hello = Buffer.from('hello, world')
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64')
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex')

beforeAll(async () => {
  await under().s3.send(new CreateBucketCommand({ Bucket }))
})

async function text(Key: string, options: object = {}): Promise<string | undefined> {
  const { Body } = await under().s3.send(new GetObjectCommand({ Bucket, Key, ...options }))
  return await Body?.transformToString()
}

describe('buckets', () => {
  it('are created with their region, listed, located and deleted', async () => {
    const { s3 } = under()
    await s3.send(
      new CreateBucketCommand({
        Bucket: 'far-away',
        CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
      }),
    )
    const listed = await s3.send(new ListBucketsCommand({}))
    expect(listed.Buckets?.map(({ Name }) => Name)).toContain('far-away')
    expect((await s3.send(new GetBucketLocationCommand({ Bucket: 'far-away' }))).LocationConstraint).toBe(
      'eu-central-1',
    )
    expect((await s3.send(new HeadBucketCommand({ Bucket: 'far-away' }))).BucketRegion).toBe('eu-central-1')
    await s3.send(new DeleteBucketCommand({ Bucket: 'far-away' }))
    expect(await failure(s3.send(new HeadBucketCommand({ Bucket: 'far-away' })))).toEqual({
      name: 'NotFound',
      status: 404,
    })
  })

  it('in us-east-1 may be created again, elsewhere not', async () => {
    const { s3 } = under()
    const elsewhere = new CreateBucketCommand({
      Bucket: 'elsewhere',
      CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
    })
    await s3.send(elsewhere)
    expect(await failure(s3.send(elsewhere))).toEqual({ name: 'BucketAlreadyOwnedByYou', status: 409 })
    await s3.send(new CreateBucketCommand({ Bucket }))
  })

  it('with objects in them are not deleted', async () => {
    const { s3 } = under()
    await s3.send(new PutObjectCommand({ Bucket, Key: 'stays', Body: 'x' }))
    expect(await failure(s3.send(new DeleteBucketCommand({ Bucket })))).toEqual({ name: 'BucketNotEmpty', status: 409 })
  })

  it.each(['Upper', 'a', 'under_score', '192.168.0.1', 'two..dots', '-dash'])('may not be named %s', async (name) => {
    expect(await failure(under().s3.send(new CreateBucketCommand({ Bucket: name })))).toMatchObject({ status: 400 })
  })

  it('keep a policy and a public access block', async () => {
    const { s3 } = under()
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [] })
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    expect((await s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy)
    const block = {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: false,
      RestrictPublicBuckets: false,
    }
    await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: block }))
    expect((await s3.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration).toEqual(block)
  })

  it('refuse what local-cloud does not have, with 501', async () => {
    const { s3 } = under()
    expect((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBeUndefined()
    const versioning = new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } })
    expect(await failure(s3.send(versioning))).toEqual({ name: 'NotImplemented', status: 501 })
    expect(await failure(s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'stays' })))).toMatchObject({ status: 501 })
    const tagged = new PutObjectCommand({ Bucket, Key: 'tagged', Body: '', Tagging: 'a=b' })
    expect(await failure(s3.send(tagged))).toMatchObject({ name: 'NotImplemented' })
  })
})

describe('an object', () => {
  it('is given back with all that was said of it', async () => {
    const { s3, cloud } = under()
    const put = await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'a/b.rpm',
        Body: hello,
        ContentType: 'application/x-rpm',
        CacheControl: 'max-age=60',
        Metadata: { origin: 'ci' },
        ChecksumSHA256: sha256(hello),
      }),
    )
    expect(put).toMatchObject({ ETag: `"${md5(hello)}"`, ChecksumSHA256: sha256(hello), ChecksumType: 'FULL_OBJECT' })
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'a/b.rpm' }))
    expect(await got.Body?.transformToString()).toBe('hello, world')
    expect(got).toMatchObject({
      ContentLength: hello.length,
      ContentType: 'application/x-rpm',
      CacheControl: 'max-age=60',
      Metadata: { origin: 'ci' },
      ETag: put.ETag,
    })
    expect(got.LastModified?.getMilliseconds()).toBe(0)
    expect(Math.abs((got.LastModified?.getTime() ?? 0) - cloud.clock.now())).toBeLessThan(60_000)
  })

  it('tells its checksum only to who asks for it', async () => {
    const { s3 } = under()
    await s3.send(new PutObjectCommand({ Bucket, Key: 'sum', Body: hello, ChecksumSHA256: sha256(hello) }))
    const asked = await s3.send(new HeadObjectCommand({ Bucket, Key: 'sum', ChecksumMode: 'ENABLED' }))
    expect(asked).toMatchObject({ ChecksumSHA256: sha256(hello), ChecksumType: 'FULL_OBJECT' })
    const plain = await fetch(`${under().cloud.endpoint}/${Bucket}/sum`, { method: 'HEAD' })
    expect([...plain.headers.keys()].filter((name) => name.startsWith('x-amz-checksum'))).toEqual([])
  })

  it.each([
    ['bytes=0-4', 'hello', 'bytes 0-4/12'],
    ['bytes=7-', 'world', 'bytes 7-11/12'],
    ['bytes=-3', 'rld', 'bytes 9-11/12'],
    ['bytes=-100', 'hello, world', 'bytes 0-11/12'],
    ['bytes=5-100', ', world', 'bytes 5-11/12'],
  ])('is read in part: %s', async (Range, expected, contentRange) => {
    const { s3 } = under()
    await s3.send(new PutObjectCommand({ Bucket, Key: 'range', Body: hello }))
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'range', Range }))
    expect(got.$metadata.httpStatusCode).toBe(206)
    expect(got.ContentRange).toBe(contentRange)
    expect(await got.Body?.transformToString()).toBe(expected)
  })

  it.each(['bytes=12-', 'bytes=-0'])('has no range %s', async (Range) => {
    const { s3 } = under()
    await s3.send(new PutObjectCommand({ Bucket, Key: 'range', Body: hello }))
    expect(await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'range', Range })))).toEqual({
      name: 'InvalidRange',
      status: 416,
    })
  })

  it('may be empty', async () => {
    const { s3 } = under()
    await s3.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: '' }))
    expect(await text('empty')).toBe('')
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'empty' }))).ContentLength).toBe(0)
  })

  it('is deleted, again and again; of several each has its own result', async () => {
    const { s3 } = under()
    for (const Key of ['x', 'y']) await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'x' }))
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'x' }))
    const deleted = await s3.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: { Objects: [{ Key: 'x' }, { Key: 'y', ETag: '"other"' }, { Key: 'stays', VersionId: 'v' }] },
      }),
    )
    expect(deleted.Deleted).toEqual([{ Key: 'x' }])
    expect(deleted.Errors?.map(({ Key, Code }) => [Key, Code])).toEqual([
      ['y', 'PreconditionFailed'],
      ['stays', 'NotImplemented'],
    ])
    expect(await failure(s3.send(new GetObjectCommand({ Bucket, Key: 'x' })))).toEqual({
      name: 'NoSuchKey',
      status: 404,
    })
  })

  it('is copied with its metadata, and its SHA-256 where that is asked for', async () => {
    const { s3 } = under()
    await s3.send(new PutObjectCommand({ Bucket, Key: 'from +%ü', Body: hello, Metadata: { a: 'b' } }))
    const copied = await s3.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'to',
        CopySource: encodeURIComponent(`${Bucket}/from +%ü`),
        ChecksumAlgorithm: 'SHA256',
      }),
    )
    expect(copied.CopyObjectResult).toMatchObject({ ETag: `"${md5(hello)}"`, ChecksumSHA256: sha256(hello) })
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'to', ChecksumMode: 'ENABLED' }))
    expect(head).toMatchObject({ Metadata: { a: 'b' }, ChecksumSHA256: sha256(hello) })
  })

  it('is copied onto itself only to change its metadata', async () => {
    const { s3 } = under()
    await s3.send(new PutObjectCommand({ Bucket, Key: 'self', Body: hello }))
    const copy = { Bucket, Key: 'self', CopySource: `${Bucket}/self` }
    expect(await failure(s3.send(new CopyObjectCommand(copy)))).toMatchObject({ name: 'InvalidRequest' })
    await s3.send(new CopyObjectCommand({ ...copy, MetadataDirective: 'REPLACE', Metadata: { new: 'yes' } }))
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'self' }))).Metadata).toEqual({ new: 'yes' })
  })

  it('of 4 MB comes and goes as a stream', async () => {
    const { s3 } = under()
    const chunk = Buffer.alloc(1 << 20, 'abcdefg')
    const whole = Buffer.concat(Array.from({ length: 4 }, () => chunk))
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'large',
        Body: Readable.from(Array.from({ length: 4 }, () => chunk)),
        ContentLength: whole.length,
      }),
    )
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'large' }))
    const bytes = await got.Body?.transformToByteArray()
    expect(bytes && md5(bytes)).toBe(md5(whole))
  })
})

describe('an upload that breaks off', () => {
  it('leaves nothing', async () => {
    const { cloud, directory } = under()
    const blobs = () => readdir(join(directory, 'buckets', Bucket, 'blobs'))
    const before = await blobs()
    const upload = request(`${cloud.endpoint}/${Bucket}/broken`, {
      method: 'PUT',
      headers: { authorization: 'Basic YTpi', 'content-length': 100_000 },
    })
    upload.on('error', () => {})
    await new Promise((resolve) => upload.write('only a part', resolve))
    while ((await blobs()).length === before.length) await text('stays').catch(() => {})
    upload.destroy()
    const call = await cloud.calls.waitFor(({ key }) => key === 'broken')
    expect(call).toMatchObject({ status: 0, bytesIn: 11 })
    expect(await blobs()).toEqual(before)
  })
})

describe('a key', () => {
  const nasty = [
    'with space.rpm',
    'plus+plus.rpm',
    'percent%41.rpm',
    'ünïcödé-日本-🎉.rpm',
    'double//slash',
    '../../up',
    'a/./b/..',
    'directory/',
    '//',
    'ampersand&<>"\'.rpm',
    'question?hash#.rpm',
    `${'k'.repeat(1020)}.rpm`,
    'con\u0001trol',
  ]
  it.each(nasty)('%s is stored, read, and deleted', async (Key) => {
    const { s3 } = under()
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
    expect(await text(Key)).toBe(Key)
    await s3.send(new DeleteObjectCommand({ Bucket, Key }))
    expect(await failure(s3.send(new HeadObjectCommand({ Bucket, Key })))).toMatchObject({ status: 404 })
  })

  it('of 1,025 bytes is too long', async () => {
    const put = new PutObjectCommand({ Bucket, Key: 'é'.repeat(513), Body: '' })
    expect(await failure(under().s3.send(put))).toMatchObject({ name: 'KeyTooLongError' })
  })

  it('with a plus is reached by %2B; a bare plus is a space, as on S3', async () => {
    const { s3, cloud } = under()
    await s3.send(new PutObjectCommand({ Bucket, Key: 'g++.rpm', Body: 'plus' }))
    await s3.send(new PutObjectCommand({ Bucket, Key: 'g  .rpm', Body: 'spaces' }))
    expect(await (await fetch(`${cloud.endpoint}/${Bucket}/g%2B%2B.rpm`)).text()).toBe('plus')
    expect(await (await fetch(`${cloud.endpoint}/${Bucket}/g++.rpm`)).text()).toBe('spaces')
  })

  it('is found in the virtual-host style, too', async () => {
    const { s3, cloud } = under()
    const virtual = virtualHostClient(cloud.endpoint)
    await virtual.send(new PutObjectCommand({ Bucket, Key: 'virtual/host +.rpm', Body: 'v' }))
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'virtual/host +.rpm' }))
    expect(await Body?.transformToString()).toBe('v')
    virtual.destroy()
  })
})

describe('a caller without credentials', () => {
  it('reads and does not write', async () => {
    const { s3, cloud } = under()
    await s3.send(new PutObjectCommand({ Bucket, Key: 'public', Body: hello }))
    const url = `${cloud.endpoint}/${Bucket}/public`
    expect(await (await fetch(url)).text()).toBe('hello, world')
    const put = await fetch(url, { method: 'PUT', body: 'mine' })
    expect([put.status, await put.text()]).toEqual([403, expect.stringContaining('<Code>AccessDenied</Code>')])
    expect(await text('public')).toBe('hello, world')
  })

  it('gets the error as XML with the id of the request', async () => {
    const missing = await fetch(`${under().cloud.endpoint}/${Bucket}/not%26there`)
    const body = await missing.text()
    expect(missing.status).toBe(404)
    expect(body).toContain('<Code>NoSuchKey</Code>')
    expect(body).toContain('<Key>not&amp;there</Key>')
    expect(body).toContain(`<RequestId>${missing.headers.get('x-amz-request-id')}</RequestId>`)
  })
})

describe('a presigned URL', () => {
  const stamp = (at: number) => `${new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '')}`
  const presigned = (at: number, extra = '') =>
    `${under().cloud.endpoint}/${Bucket}/presigned?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=me%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=${stamp(at)}&X-Amz-Expires=60&X-Amz-Signature=00${extra}`

  it('writes, and its x-amz parameters count as headers', async () => {
    const put = await fetch(presigned(Date.now(), '&x-amz-meta-by=url'), { method: 'PUT', body: 'presigned' })
    expect(put.status).toBe(200)
    const got = await fetch(presigned(Date.now()))
    expect([got.headers.get('x-amz-meta-by'), await got.text()]).toEqual(['url', 'presigned'])
  })

  it('expires', async () => {
    const got = await fetch(presigned(Date.now() - 120_000))
    expect([got.status, await got.text()]).toEqual([403, expect.stringContaining('Request has expired')])
  })
})
