import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  DeleteObjectCommand,
  GetBucketNotificationConfigurationCommand,
  ListObjectsV2Command,
  type NotificationConfiguration,
  PutBucketNotificationConfigurationCommand,
  type QueueConfiguration,
  S3Client,
} from '@aws-sdk/client-s3'
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ran, type Workplace, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
let cloud: LocalCloud
let s3: S3Client
let sqs: SQSClient
const repo = 's3://packages/el9'
const [additions, removals, deadLetters] = ['additions', 'removals', 'dead-letters'].map((one) => `packages-el9-${one}`)

beforeAll(async () => {
  cloud = await startLocalCloud({ directory: join(place().directory, 'cloud') })
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
  const client = { endpoint: cloud.endpoint, region: 'us-east-1', credentials }
  s3 = new S3Client({ ...client, forcePathStyle: true })
  sqs = new SQSClient({ ...client, useQueueUrlAsEndpoint: false })
  expect(await here().repokeeper('init', repo)).toMatchObject({ code: 0, stderr: '' })
})
afterAll(async () => {
  s3.destroy()
  sqs.destroy()
  await cloud.close()
  await rm(join(place().directory, 'cloud'), { recursive: true })
})

test('finds nothing to say against what init has made, and leaves nothing behind', async () => {
  const { code, stdout, stderr } = await here().repokeeper('doctor', repo)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const lines = stdout.trimEnd().split('\n')
  expect(lines.at(-1)).toBe('s3://packages/el9/: no problem, 0 warnings')
  expect(lines.slice(0, -1).map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual(
    [
      ...['versions', 'region', 'credentials', 'bucket', 'clock', 'conditional writes', 'metadata', 'signature'],
      ...['events: additions', 'events: removals', 'queue', 'queue'],
    ].map((check) => ['ok', check]),
  )
  expect(lines.slice(-3, -1)).toEqual([
    expect.stringMatching(new RegExp(`^ok {7}queue {15}${additions}: policy, `)),
    expect.stringMatching(new RegExp(`^ok {7}queue {15}${removals}: policy, `)),
  ])
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'packages' }))
  expect(Contents.map(({ Key = '' }) => Key).filter((key) => key.includes('probe'))).toEqual([])
})

describe('says what is wrong, and what to do', () => {
  test('with a store that ignores conditions', async () => {
    const found = await withFault({ service: 's3', action: { kind: 'ignoreConditions' } }, () => doctor())
    expect(found).toMatchObject([{ check: 'conditional writes', verdict: 'problem', message: 'ignored (if absent)' }])
    const vouched = await withFault({ service: 's3', action: { kind: 'ignoreConditions' } }, () =>
      doctor('--single-writer'),
    )
    expect(vouched).toMatchObject([{ check: 'conditional writes', verdict: 'warning' }])
  })

  test('with a bucket that is not there, and looks at the queues all the same', async () => {
    const ran = await here().repokeeper('doctor', 's3://other/el9', '-q', additions ?? '')
    expect(ran.code).toBe(1)
    expect(ran.stdout).toMatch(
      /^problem {2}bucket +there is no s3:\/\/other\. .*"repokeeper init s3:\/\/other\/el9\/"/m,
    )
    expect(ran.stdout).toMatch(new RegExp(`^warning {2}queue +${additions}: the bucket may not send to it`, 'm'))
  })

  test('with a document that is gone', async () => {
    await here().repokeeper('add', repo, await place().rpm({ name: 'foo' }), '--publish')
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'packages', Prefix: 'el9/repodata/' }))
    for (const { Key = '' } of Contents.filter(({ Key = '' }) => Key.endsWith('-other.xml.gz'))) {
      await s3.send(new DeleteObjectCommand({ Bucket: 'packages', Key }))
    }
    expect(await doctor()).toMatchObject([
      {
        check: 'metadata',
        verdict: 'problem',
        message: expect.stringMatching(/-other\.xml\.gz is not there: clients fail\. "repokeeper audit .* --repair"/),
      },
    ])
    expect(await here().repokeeper('audit', repo, '--repair', '--settle', '0')).toMatchObject({ code: 0 })
    expect(await doctor()).toEqual([])
  })

  test('with queues that are not as a worker wants them', async () => {
    await setAttributes(additions, { ReceiveMessageWaitTimeSeconds: '0', VisibilityTimeout: '5', RedrivePolicy: '' })
    const everybody = { Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: '*' }
    await setAttributes(removals, { Policy: JSON.stringify({ Statement: [everybody] }) })
    await sqs.send(new SendMessageCommand({ QueueUrl: await urlOf(deadLetters), MessageBody: 'dead' }))
    const found = await doctor()
    expect(
      found.map(({ check, subject, verdict, message }) => [check, subject, verdict, message.slice(0, 30)]),
    ).toEqual([
      ['queue', additions, 'problem', 'it has no dead-letter queue: w'],
      ['queue', additions, 'warning', 'long polling is off where a re'],
      ['queue', additions, 'warning', 'its visibility timeout is 5 s '],
      ['queue', removals, 'warning', 'its policy lets the buckets of'],
      ['queue', removals, 'warning', 'its dead-letter queue holds 1 '],
    ])
  })

  test('with a queue whose policy denies all but others', async () => {
    const role = 'arn:aws:iam::000000000000:role/x'
    const allowed = { Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: '*' }
    const denied = { Effect: 'Deny', NotPrincipal: { AWS: role }, Action: 'sqs:*', Resource: '*' }
    await setAttributes(removals, { Policy: JSON.stringify({ Statement: [allowed, denied] }) })
    expect(await doctor()).toContainEqual(
      expect.objectContaining({ subject: removals, message: 'the bucket may not send to it: its policy denies it' }),
    )
  })

  test('with a queue that is not there: one problem, and what does it', async () => {
    const found = await doctor('-q', 'mistyped', '-q', removals ?? '')
    expect(found.filter(({ verdict }) => verdict === 'problem')).toMatchObject([
      { check: 'queue', subject: 'mistyped', message: 'there is no queue "mistyped" in us-east-1' },
    ])
    const [, advice = ''] = /: "repokeeper (.*)"$/.exec(found[0]?.remedy ?? '') ?? []
    expect(advice).toBe(`doctor ${repo}/ -q ${additions} -q ${removals}`)
    const followed = await here().repokeeper(...advice.split(' '))
    expect(followed.stdout).not.toMatch(/there is no|tells it nothing/)
  })

  test('with a rule that stands in the way of what is missing: which, and how it is narrowed', async () => {
    const { QueueArn } = await attributesOf(additions)
    const theirs = { Id: 'theirs', QueueArn, Events: ['s3:ObjectCreated:*' as const] }
    const part = { ...theirs, Filter: { Key: { FilterRules: [{ Name: 'prefix' as const, Value: 'other/a' }] } } }
    const narrowed = await withNotifications([part], () => here().repokeeper('doctor', 's3://packages/other'))
    expect(narrowed.stdout).toMatch(
      /^problem {2}events: additions .*\(rule "theirs"\) already.*Event notifications, theirs, Edit/m,
    )
    expect(narrowed.stdout).toMatch(
      /^problem {2}events: removals .*"repokeeper init s3:\/\/packages\/other\/" adds what is missing$/m,
    )
  })

  test('with a clock that is wrong', async () => {
    cloud.clock.advance(5 * 60_000)
    expect((await doctor()).filter(({ check }) => check === 'clock')).toMatchObject([{ verdict: 'warning' }])
    cloud.clock.advance(6 * 60_000)
    expect((await doctor()).filter(({ check }) => check === 'clock')).toMatchObject([
      { verdict: 'problem', message: expect.stringMatching(/by 6[56]\d s$/) },
    ])
  })

  test('with a queue that is told nothing, and with notifications of another directory', async () => {
    const other = await here().repokeeper('doctor', 's3://packages/el8')
    expect(other.stdout).toMatch(
      /^problem {2}events: additions +no queue is told of all additions of el8\/\*\.rpm\. .*repokeeper init/m,
    )
    expect(other.stdout).toMatch(/^warning {2}metadata +there is no repodata/m)

    await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: 'packages', NotificationConfiguration: {} }))
    const told = await here().repokeeper('doctor', repo, '-q', additions ?? '', '-q', 'nowhere')
    expect(told.stdout).toMatch(new RegExp(`^problem {2}queue +${additions}: the bucket tells it nothing`, 'm'))
    expect(told.stdout).toMatch(/^problem {2}queue +nowhere: there is no queue "nowhere" in us-east-1/m)
  })

  test('without credentials', async () => {
    const environment = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_EC2_METADATA_DISABLED: 'true' }
    const { code, stdout } = await place()
      .with({ AWS_ENDPOINT_URL: cloud.endpoint, AWS_REGION: 'eu-north-1', ...environment })
      .repokeeper('doctor', repo)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^problem {2}credentials +none found: .*AWS_PROFILE/m)
    expect(stdout).toMatch(new RegExp(`^ok {7}region +eu-north-1, ${cloud.endpoint}$`, 'm'))
  })
})

test('is for buckets', async () => {
  expect(await here().repokeeper('doctor', '.')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('repokeeper audit'),
  })
})

async function attributesOf(queue: string | undefined) {
  const asked = { QueueUrl: await urlOf(queue), AttributeNames: ['All' as const] }
  return (await sqs.send(new GetQueueAttributesCommand(asked))).Attributes ?? {}
}

/** For so long. */
async function withNotifications<T>(QueueConfigurations: QueueConfiguration[], work: () => Promise<T>): Promise<T> {
  const { $metadata, ...before } = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: 'packages' }))
  const put = (NotificationConfiguration: NotificationConfiguration) =>
    s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: 'packages', NotificationConfiguration }))
  await put({ QueueConfigurations })
  try {
    return await work()
  } finally {
    await put(before)
  }
}

interface Finding {
  readonly check: string
  readonly subject?: string
  readonly verdict: string
  readonly message: string
  readonly remedy?: string
}

/** All that is not ok. */
async function doctor(...args: string[]): Promise<Finding[]> {
  const ran: Ran = await here().repokeeper('doctor', repo, '--json', ...args)
  const report: { ok: boolean; findings: Finding[] } = JSON.parse(ran.stdout)
  expect(ran.code, ran.stderr).toBe(report.ok ? 0 : 1)
  return report.findings.filter(({ verdict }) => verdict !== 'ok')
}

async function withFault<T>(rule: Parameters<LocalCloud['faults']['add']>[0], work: () => Promise<T>): Promise<T> {
  const id = cloud.faults.add(rule)
  try {
    return await work()
  } finally {
    cloud.faults.remove(id)
  }
}

async function setAttributes(queue: string | undefined, Attributes: Record<string, string>): Promise<void> {
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: await urlOf(queue), Attributes }))
}

async function urlOf(QueueName: string | undefined): Promise<string | undefined> {
  return (await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl
}

function here(): Workplace {
  return place().with({
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'tester',
    AWS_SECRET_ACCESS_KEY: 'anything',
    AWS_MAX_ATTEMPTS: '1',
  })
}
