import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  type Event,
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  type QueueConfiguration,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createSequencer, encodeNotificationKey } from '../src/s3/notification-message.ts'
import { cloudForTests, failure } from './cloud.ts'

const under = cloudForTests()

async function makeQueue(name: string): Promise<{ QueueUrl: string; arn: string }> {
  const { QueueUrl = '' } = await under().sqs.send(new CreateQueueCommand({ QueueName: name }))
  const { Attributes } = await under().sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  )
  return { QueueUrl, arn: Attributes?.QueueArn ?? '' }
}

const messageSchema = z.object({
  Event: z.string().optional(),
  Records: z
    .array(
      z.looseObject({
        eventName: z.string(),
        s3: z.looseObject({ object: z.looseObject({ key: z.string(), sequencer: z.string() }) }),
      }),
    )
    .default([]),
})

/** All messages that are there, taken out. */
async function drain(QueueUrl: string) {
  const { sqs } = under()
  const messages: z.output<typeof messageSchema>[] = []
  for (;;) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))
    if (Messages.length === 0) return messages
    for (const { Body = '', ReceiptHandle } of Messages) {
      messages.push(messageSchema.parse(JSON.parse(Body)))
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
    }
  }
}

async function drainRecords(QueueUrl: string) {
  const messages = await drain(QueueUrl)
  return messages.flatMap(({ Records }) => Records.map(({ eventName, s3 }) => [eventName, s3.object.key]))
}

async function makeBucket(Bucket: string, QueueConfigurations: QueueConfiguration[]) {
  const { s3 } = under()
  await s3.send(new CreateBucketCommand({ Bucket }))
  await s3.send(
    new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: { QueueConfigurations } }),
  )
}

function configuration(QueueArn: string, Events: Event[], rules: Record<string, string> = {}): QueueConfiguration {
  const FilterRules = Object.entries(rules).map(([Name, Value]) => ({
    Name: Name === 'prefix' ? ('prefix' as const) : ('suffix' as const),
    Value,
  }))
  return { QueueArn, Events, ...(FilterRules.length > 0 && { Filter: { Key: { FilterRules } } }) }
}

describe('a notification', () => {
  it('has the shape that AWS documents', async () => {
    const { s3, cloud } = under()
    const { QueueUrl, arn } = await makeQueue('shape')
    await makeBucket('shape', [{ Id: 'my-id', ...configuration(arn, ['s3:ObjectCreated:*', 's3:ObjectRemoved:*']) }])
    expect(await drain(QueueUrl)).toEqual([{ Event: 's3:TestEvent', Records: [] }])

    await s3.send(new PutObjectCommand({ Bucket: 'shape', Key: 'a b/c+ü.rpm', Body: '12345' }))
    await s3.send(new DeleteObjectCommand({ Bucket: 'shape', Key: 'a b/c+ü.rpm' }))
    const [created, removed] = (await drain(QueueUrl)).flatMap(({ Records }) => Records)
    const put = cloud.calls.list().find(({ operation, bucket }) => operation === 'PutObject' && bucket === 'shape')
    expect(created).toEqual({
      eventVersion: '2.1',
      eventSource: 'aws:s3',
      awsRegion: 'us-east-1',
      eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      eventName: 'ObjectCreated:Put',
      userIdentity: { principalId: expect.any(String) },
      requestParameters: { sourceIPAddress: '127.0.0.1' },
      responseElements: {
        'x-amz-request-id': expect.stringMatching(/^[0-9A-F]{16}$/),
        'x-amz-id-2': expect.any(String),
      },
      s3: {
        s3SchemaVersion: '1.0',
        configurationId: 'my-id',
        bucket: { name: 'shape', ownerIdentity: { principalId: expect.any(String) }, arn: 'arn:aws:s3:::shape' },
        object: {
          key: 'a+b/c%2B%C3%BC.rpm',
          size: 5,
          eTag: '827ccb0eea8a706c4c34a16891f84e7b',
          sequencer: expect.stringMatching(/^[0-9A-F]{16}$/),
        },
      },
    })
    expect(put?.status).toBe(200)
    expect(removed?.eventName).toBe('ObjectRemoved:Delete')
    expect(Object.keys(removed?.s3.object ?? {})).toEqual(['key', 'sequencer'])
    expect((removed?.s3.object.sequencer ?? '') > (created?.s3.object.sequencer ?? '')).toBe(true)
  })

  it('says how the object came', async () => {
    const { s3 } = under()
    const { QueueUrl, arn } = await makeQueue('ways')
    const Bucket = 'ways'
    await makeBucket(Bucket, [configuration(arn, ['s3:ObjectCreated:*'])])
    await drain(QueueUrl)
    await s3.send(new PutObjectCommand({ Bucket, Key: 'put', Body: 'x' }))
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/put` }))
    const upload = { Bucket, Key: 'upload' }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(upload))
    const { ETag, ChecksumCRC32 } = await s3.send(
      new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: 'x' }),
    )
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] }
    await s3.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload }))
    expect(await drainRecords(QueueUrl)).toEqual([
      ['ObjectCreated:Put', 'put'],
      ['ObjectCreated:Copy', 'copy'],
      ['ObjectCreated:CompleteMultipartUpload', 'upload'],
    ])
  })

  it('goes where the filters say, and nowhere for what failed or changed nothing', async () => {
    const { s3 } = under()
    const [added, removed, copies] = await Promise.all(['added', 'removed', 'copies'].map(makeQueue))
    const Bucket = 'filters'
    await makeBucket(Bucket, [
      configuration(added?.arn ?? '', ['s3:ObjectCreated:Put'], { prefix: 'el9/', suffix: '.rpm' }),
      configuration(removed?.arn ?? '', ['s3:ObjectRemoved:*'], { suffix: '.rpm' }),
      configuration(copies?.arn ?? '', ['s3:ObjectCreated:Copy']),
    ])
    const urls = [added, removed, copies].map((queue) => queue?.QueueUrl ?? '')
    for (const url of urls) await drain(url)
    for (const Key of ['el9/a b.rpm', 'el9/a.txt', 'el8/a.rpm'])
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: '' }))
    await failure(s3.send(new PutObjectCommand({ Bucket, Key: 'el9/a b.rpm', Body: '', IfNoneMatch: '*' })))
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'el9/c.rpm', CopySource: `${Bucket}/el8/a.rpm` }))
    for (const Key of ['el9/a.txt', 'el8/a.rpm', 'el8/a.rpm']) await s3.send(new DeleteObjectCommand({ Bucket, Key }))
    expect(await Promise.all(urls.map(drainRecords))).toEqual([
      [['ObjectCreated:Put', 'el9/a+b.rpm']],
      [['ObjectRemoved:Delete', 'el8/a.rpm']],
      [['ObjectCreated:Copy', 'el9/c.rpm']],
    ])
  })

  it.each([
    ['a b', 'a+b'],
    ['a+b', 'a%2Bb'],
    ['a/b', 'a/b'],
    ["!'()*~", '%21%27%28%29*%7E'],
    ['50%', '50%25'],
    ['é', '%C3%A9'],
  ])('encodes %s as %s', (key, encoded) => {
    expect(encodeNotificationKey(key)).toBe(encoded)
  })

  it('of any key decodes to the key', () => {
    const unit = fc.constantFrom('a', ' ', '+', '%', '/', '~', '*', '(', '\u0001', 'é', '\u{1f389}')
    fc.assert(
      fc.property(fc.string({ unit }), (key) => {
        expect(decodeURIComponent(encodeNotificationKey(key).replaceAll('+', ' '))).toBe(key)
      }),
    )
  })

  it('has a sequencer that grows, whatever the clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 44 })), (times) => {
        const sequencer = createSequencer()
        const sequence = times.map((at) => sequencer(at))
        expect(sequence).toEqual([...new Set(sequence)].sort())
      }),
    )
  })
})

describe('a notification configuration', () => {
  it('is given back', async () => {
    const { s3 } = under()
    const { arn } = await makeQueue('given-back')
    const given = {
      Id: 'one',
      ...configuration(arn, ['s3:ObjectCreated:Put', 's3:ObjectRemoved:Delete'], { suffix: '.rpm' }),
    }
    await makeBucket('given-back', [given])
    const got = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: 'given-back' }))
    const Filter = { Key: { FilterRules: [{ Name: 'Suffix', Value: '.rpm' }] } }
    expect(got.QueueConfigurations).toEqual([{ ...given, Filter }])
  })

  it('is refused for a queue that is not there, for an unknown event, and where two overlap', async () => {
    const { arn } = await makeQueue('there')
    const refuse = async (...configurations: QueueConfiguration[]) =>
      expect(await failure(makeBucket('refused', configurations))).toEqual({ name: 'InvalidArgument', status: 400 })
    await refuse(configuration('arn:aws:sqs:us-east-1:000000000000:missing', ['s3:ObjectCreated:*']))
    await refuse(configuration('no arn', ['s3:ObjectCreated:*']))
    await refuse(configuration(arn, ['s3:ObjectInvented:*' as Event]))
    await refuse(
      configuration(arn, ['s3:ObjectCreated:*'], { prefix: 'a/' }),
      configuration(arn, ['s3:ObjectCreated:Put'], { prefix: 'a/b/', suffix: '.rpm' }),
    )
  })
})
