import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startLocalCloud } from '../src/index.ts'
import { failure, s3Client, sqsClient } from './cloud.ts'

const Bucket = 'kept'
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'local-cloud-'))
})
afterEach(() => rm(directory, { recursive: true }))

async function running(
  use: (clients: { s3: ReturnType<typeof s3Client>; sqs: ReturnType<typeof sqsClient> }) => Promise<void>,
) {
  const cloud = await startLocalCloud({ directory })
  const clients = { s3: s3Client(cloud.endpoint), sqs: sqsClient(cloud.endpoint) }
  try {
    await use(clients)
  } finally {
    clients.s3.destroy()
    clients.sqs.destroy()
    await cloud.close()
  }
}

const Key = 'a key/of any + kind'

async function makeUpload(s3: ReturnType<typeof s3Client>) {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'upload' }))
  const Parts = []
  for (const PartNumber of [1, 2]) {
    const part = { Bucket, Key: 'upload', UploadId, PartNumber, Body: 'small' }
    const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand(part))
    Parts.push({ PartNumber, ETag, ChecksumCRC32 })
  }
  return { Bucket, Key: 'upload', UploadId, Parts }
}

describe('after a restart', () => {
  it('objects, uploads under way and messages are there', async () => {
    let upload: Awaited<ReturnType<typeof makeUpload>> | undefined
    await running(async ({ s3, sqs }) => {
      await s3.send(new CreateBucketCommand({ Bucket }))
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'old' }))
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'new', Metadata: { by: 'test' } }))
      upload = await makeUpload(s3)
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'queue' }))
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'kept' }))
    })
    await running(async ({ s3, sqs }) => {
      const got = await s3.send(new GetObjectCommand({ Bucket, Key }))
      expect([await got.Body?.transformToString(), got.Metadata]).toEqual(['new', { by: 'test' }])
      const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: 'http://x/000000000000/queue' }))
      expect(Messages?.map(({ Body }) => Body)).toEqual(['kept'])
      const { Parts, ...input } = upload ?? (await makeUpload(s3))
      // These parts are below S3's least size, which is what holds unless a test says otherwise.
      const complete = new CompleteMultipartUploadCommand({ ...input, MultipartUpload: { Parts } })
      expect(await failure(s3.send(complete))).toMatchObject({ name: 'EntityTooSmall' })
    })
  })

  it('what a crash left half written is gone', async () => {
    await running(async ({ s3 }) => {
      await s3.send(new CreateBucketCommand({ Bucket }))
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'whole' }))
    })
    const blobs = join(directory, 'buckets', Bucket, 'blobs')
    await writeFile(join(blobs, 'half-written'), 'ha')
    await running(async ({ s3 }) => {
      expect(await readdir(blobs)).toHaveLength(1)
      const got = await s3.send(new GetObjectCommand({ Bucket, Key }))
      expect(await got.Body?.transformToString()).toBe('whole')
    })
  })

  it('a replaced or deleted object’s bytes take no room', async () => {
    await running(async ({ s3 }) => {
      await s3.send(new CreateBucketCommand({ Bucket }))
      for (const Body of ['one', 'two', 'three']) await s3.send(new PutObjectCommand({ Bucket, Key, Body }))
      expect(await readdir(join(directory, 'buckets', Bucket, 'blobs'))).toHaveLength(1)
    })
  })
})
