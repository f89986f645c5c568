import { afterEach, beforeEach, expect, it } from 'vitest'
import { openS3Bucket, type S3Bucket } from '../src/index.ts'
import { type OddServer, reply, startOddServer } from './odd-server.ts'

let server: OddServer
let bucket: S3Bucket
beforeEach(async () => {
  server = await startOddServer()
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  bucket = await openS3Bucket({
    bucket: 'bucket',
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
  })
})
afterEach(async () => {
  bucket.close()
  await server.close()
})

const filter = (prefix: string) =>
  `<Filter><S3Key><FilterRule><Name>Prefix</Name><Value>${prefix}</Value></FilterRule></S3Key></Filter>`
const configuration = `<NotificationConfiguration>
  <TopicConfiguration><Id>t</Id><Topic>arn:topic</Topic><Event>s3:ObjectCreated:*</Event>${filter('a/')}</TopicConfiguration>
  <CloudFunctionConfiguration><Id>f</Id><CloudFunction>arn:function</CloudFunction><Event>s3:ObjectRemoved:*</Event></CloudFunctionConfiguration>
  <QueueConfiguration><Id>q</Id><Queue>arn:queue</Queue><Event>s3:ObjectCreated:Put</Event></QueueConfiguration>
  <EventBridgeConfiguration/>
</NotificationConfiguration>`

it('reads rules to queues, topics and functions alike, and that EventBridge is told', async () => {
  server.answer(reply(200, {}, configuration))
  expect(await bucket.readNotifications()).toEqual({
    rules: [
      { id: 'q', target: 'queue', arn: 'arn:queue', events: ['s3:ObjectCreated:Put'], prefix: '', suffix: '' },
      { id: 't', target: 'topic', arn: 'arn:topic', events: ['s3:ObjectCreated:*'], prefix: 'a/', suffix: '' },
      { id: 'f', target: 'function', arn: 'arn:function', events: ['s3:ObjectRemoved:*'], prefix: '', suffix: '' },
    ],
    toEventBridge: true,
  })
})

const added = { queueArn: 'arn:new', events: ['s3:ObjectCreated:*'], prefix: 'b/', suffix: '.rpm' }

// As AWS and MinIO say it.
it.each([
  ['overlap', 'Configurations overlap. Configurations on the same bucket cannot share a common event type.'],
  [
    'overlap',
    'An object key name filtering rule defined with overlapping prefixes, overlapping suffixes, or overlapping combinations of prefixes and suffixes for the same event types.',
  ],
  ['target refused', 'Unable to validate the following destination configurations'],
  ['unknown event', "The event 's3:LifecycleExpiration:*' is not supported for notifications"],
  ['unknown event', 'A specified event is not supported for notifications.'],
])('tells %s from the other refusals: %s', async (kind, message) => {
  const error = `<Error><Code>InvalidArgument</Code><Message>${message}</Message></Error>`
  server.answer(reply(200, {}, '<NotificationConfiguration/>'), reply(400, {}, error))
  expect(await bucket.addNotifications([added])).toMatchObject({ kind, reason: expect.stringContaining(message) })
})

it('throws what is none of these', async () => {
  const error = '<Error><Code>MalformedXML</Code><Message>The XML of the event is not well-formed</Message></Error>'
  server.answer(reply(200, {}, '<NotificationConfiguration/>'), reply(400, {}, error))
  await expect(bucket.addNotifications([added])).rejects.toMatchObject({ name: 'StoreError', code: 'FAILED' })
})
