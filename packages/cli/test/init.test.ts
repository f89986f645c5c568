import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetBucketNotificationConfigurationCommand,
  ListObjectsV2Command,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Workplace, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
let cloud: LocalCloud
let s3: S3Client
let sqs: SQSClient

beforeAll(async () => {
  cloud = await startLocalCloud({ directory: join(place().directory, 'cloud') })
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
  const client = { endpoint: cloud.endpoint, region: 'us-east-1', credentials }
  s3 = new S3Client({ ...client, forcePathStyle: true })
  sqs = new SQSClient({ ...client, useQueueUrlAsEndpoint: false })
})
afterAll(async () => {
  s3.destroy()
  sqs.destroy()
  await cloud.close()
  await rm(join(place().directory, 'cloud'), { recursive: true })
})

test('makes all that is missing and says how to go on; a second run finds all of it there and changes nothing', async () => {
  const repo = 's3://fresh/el9/x86_64'
  const first = await here().repokeeper('init', repo)
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(first.stdout).toBe(`created        bucket s3://fresh
created        dead-letter queue fresh-el9-x86_64-dead-letters
created        queue of additions fresh-el9-x86_64-additions (long polling, dead-letter queue, policy)
created        queue of removals fresh-el9-x86_64-removals (long polling, dead-letter queue, policy)
created        notification of additions el9/x86_64/*.rpm
created        notification of removals el9/x86_64/*.rpm
created        repository s3://fresh/el9/x86_64/

# /etc/yum.repos.d/, on the clients; they have to be able to read the bucket
[fresh-el9-x86_64]
name=fresh/el9/x86_64
baseurl=${cloud.endpoint}/fresh/el9/x86_64/
enabled=1
gpgcheck=0

# One worker for each queue, or several; those of one queue need the same --repository
repokeeper worker -q fresh-el9-x86_64-additions --repository s3://fresh/el9/x86_64
repokeeper worker -q fresh-el9-x86_64-removals --repository s3://fresh/el9/x86_64
`)
  const before = cloud.calls.list().at(-1)?.number ?? 0
  const second = await here().repokeeper('init', repo)
  expect(second).toMatchObject({ code: 0, stderr: '' })
  expect(outcomes(second.stdout)).toEqual(Array(7).fill('there already'))
  expect(second.stdout.slice(second.stdout.indexOf('#'))).toBe(first.stdout.slice(first.stdout.indexOf('#')))
  const calls = cloud.calls.list().filter(({ number }) => number > before)
  expect(calls.filter(({ operation }) => /^(Create|Put|Set|Delete)/.test(operation))).toEqual([])
})

test('hands out the mirrorlist of a repository that has one, or is to have one', async () => {
  const generations = ['--generations-url', 'https://packages.example.com/{path}/']
  const told = `[listed-el9]\nname=listed/el9\nmirrorlist=https://packages.example.com/el9/mirrorlist\nenabled=1\n`
  for (const args of [[...generations, '--dry-run'], generations, []]) {
    expect((await here().repokeeper('init', 's3://listed/el9', ...args)).stdout, args.join(' ')).toContain(told)
  }
})

test('workers of queues that others may share keep all of one directory, so that they need no change for the next beside it', async () => {
  const flags = ['--add-queue', 'shared-a', '--remove-queue', 'shared-r', '--dry-run', '--json']
  const { stdout } = await here().repokeeper('init', 's3://shared/el9/x86_64', ...flags)
  expect(JSON.parse(stdout).workers).toEqual([
    "repokeeper worker -q shared-a --repository 's3://shared/el9/*'",
    "repokeeper worker -q shared-r --repository 's3://shared/el9/*'",
  ])
})

test('what it has made works: a package is put, the workers that it prints take it in, and out again', async () => {
  const repo = 's3://works/el9'
  const { stdout } = await here().repokeeper('init', repo, '--json')
  const { workers, repoFile } = JSON.parse(stdout)
  const runWorkers = async () => {
    for (const command of workers) {
      const ran = await here().repokeeper(...command.split(' ').slice(1), '--once')
      expect(ran.code, ran.stderr).toBe(0)
    }
  }
  const baseUrl = /^baseurl=(.*)$/m.exec(repoFile)?.[1]
  expect((await fetch(`${baseUrl}repodata/repomd.xml`)).status).toBe(200)
  expect(await here().repokeeper('list', repo)).toMatchObject({ code: 0, stdout: '' })

  await s3.send(new PutObjectCommand({ Bucket: 'works', Key: 'el9/foo.rpm', Body: buildPackage({ name: 'foo' }) }))
  await s3.send(new PutObjectCommand({ Bucket: 'works', Key: 'el8/bar.rpm', Body: buildPackage({ name: 'bar' }) }))
  await runWorkers()
  expect((await here().repokeeper('list', repo)).stdout).toMatch(/^foo-1\.0-1\.noarch .*\n$/)
  await here().repokeeper('remove', repo, 'foo.rpm')
  await runWorkers()
  expect(await here().repokeeper('list', repo)).toMatchObject({ code: 0, stdout: '' })
})

test('says in a dry run what it would do, and does nothing', async () => {
  const before = cloud.calls.list().at(-1)?.number ?? 0
  const { code, stdout, stderr } = await here().repokeeper('init', 's3://nothing/el9', '--dry-run')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(outcomes(stdout)).toEqual(Array(7).fill('would be created'))
  const calls = cloud.calls.list().filter(({ number }) => number > before)
  expect(calls.filter(({ operation }) => !/^(Get|Head|List)/.test(operation))).toEqual([])
})

test('adds to the notifications that the bucket has, and does not touch these', async () => {
  const others = await queueOf('others')
  await s3.send(new CreateBucketCommand({ Bucket: 'shared' }))
  const suffix = (Value: string) => ({ Key: { FilterRules: [{ Name: 'suffix' as const, Value }] } })
  const before = { Id: 'theirs', QueueArn: others, Events: ['s3:ObjectCreated:Put' as const], Filter: suffix('.deb') }
  await putNotifications('shared', [before])
  expect(await here().repokeeper('init', 's3://shared/el9')).toMatchObject({ code: 0, stderr: '' })
  expect(await here().repokeeper('init', 's3://shared/el8')).toMatchObject({ code: 0, stderr: '' })
  const after = await notificationsOf('shared')
  expect(after.map(({ QueueArn }) => QueueArn?.split(':').at(-1))).toEqual([
    'others',
    'shared-el9-additions',
    'shared-el9-removals',
    'shared-el8-additions',
    'shared-el8-removals',
  ])
  expect(after[0]).toMatchObject({ Id: 'theirs', QueueArn: others, Events: ['s3:ObjectCreated:Put'] })
})

test('says which rule of the bucket stands in the way, and changes nothing of it', async () => {
  const others = await queueOf('first-here')
  await s3.send(new CreateBucketCommand({ Bucket: 'taken' }))
  await putNotifications('taken', [{ Id: 'theirs', QueueArn: others, Events: ['s3:ObjectCreated:*'] }])
  const { code, stdout, stderr } = await here().repokeeper('init', 's3://taken/el9')
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /sends s3:ObjectCreated:\* of \* to arn:aws:sqs:.*:first-here \(rule "theirs"\) already.*--add-queue first-here --remove-queue/,
  )
  expect(stderr).toContain(
    'bucket taken, Properties, Event notifications, theirs, Edit: a prefix that neither begins with',
  )
  const narrowing = 'aws s3api get-bucket-notification-configuration --bucket taken >rules.json'
  expect(stderr).toContain(`"${narrowing}", change its Filter there, "aws s3api put-`)
  // It was looked for first: no queue was made that nobody tells anything.
  expect(outcomes(stdout)).toEqual(['there already'])
  await expect(attributesOf('taken-el9-additions')).rejects.toThrow()
  expect(await notificationsOf('taken')).toHaveLength(1)

  // That queue is the one, then.
  const pair = ['--add-queue', 'first-here', '--remove-queue', 'second-here']
  const named = await here().repokeeper('init', 's3://taken/el9', ...pair)
  expect(named).toMatchObject({ code: 0, stderr: '' })
  expect(named.stdout).toContain(
    'changed        queue of additions first-here (dead-letter queue, long polling, policy)',
  )
  expect(named.stdout).toContain(
    'created        dead-letter queue taken-el9-dead-letters (no --dead-letter-queue was named)',
  )
  expect(named.stdout).toContain('there already  notification of additions el9/*.rpm')
  expect(named.stdout).toContain('created        notification of removals el9/*.rpm')
})

test('of two at the same moment neither takes out what the other has written', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'raced' }))
  // Each has read before the other writes.
  const operation = 'PutBucketNotificationConfiguration'
  const id = cloud.faults.add({ operation, count: 2, action: { kind: 'delay', milliseconds: 60_000 } })
  const both = Promise.all(['el8', 'el9'].map((root) => here().repokeeper('init', `s3://raced/${root}`)))
  await vi.waitFor(() => expect(cloud.faults.list().find(({ rule }) => rule.id === id)?.struck).toBe(2), 60_000)
  cloud.clock.advance(60_000)
  expect(await both).toMatchObject([
    { code: 0, stderr: '' },
    { code: 0, stderr: '' },
  ])
  cloud.faults.remove(id)
  const queues = (await notificationsOf('raced')).map(({ QueueArn }) => QueueArn?.split(':').at(-1))
  expect(queues.toSorted()).toEqual([
    'raced-el8-additions',
    'raced-el8-removals',
    'raced-el9-additions',
    'raced-el9-removals',
  ])
})

test('of the same repository twice at the same moment sets it up once', async () => {
  // The first one has found none twice and is held before it adds them; the other one ends before.
  const operation = 'GetBucketNotificationConfiguration'
  const id = cloud.faults.add({ operation, from: 3, count: 1, action: { kind: 'delay', milliseconds: 60_000 } })
  const first = here().repokeeper('init', 's3://twice/el9')
  await vi.waitFor(() => expect(cloud.faults.list().find(({ rule }) => rule.id === id)?.struck).toBe(1), 60_000)
  expect(await here().repokeeper('init', 's3://twice/el9')).toMatchObject({ code: 0, stderr: '' })
  cloud.clock.advance(60_000)
  expect(await first).toMatchObject({ code: 0, stderr: '' })
  cloud.faults.remove(id)
  expect(await notificationsOf('twice')).toHaveLength(2)
})

test('takes the queues that the bucket tells already where none are named, says so, and makes again what was deleted', async () => {
  const repo = 's3://told/el9/x86_64'
  const pair = ['--add-queue', 'told-a', '--remove-queue', 'told-r', '--dead-letter-queue', 'told-d']
  const first = await here().repokeeper('init', repo, ...pair)
  const again = await here().repokeeper('init', repo)
  expect(again).toMatchObject({ code: 0, stderr: '' })
  expect(outcomes(again.stdout)).toEqual(Array(7).fill('there already'))
  const theirs = 'the one that the bucket tells'
  expect(again.stdout).toMatch(
    new RegExp(`^there already  queue of additions told-a \\(${theirs}, its dead-letter queue `, 'm'),
  )
  expect(again.stdout.slice(again.stdout.indexOf('#'))).toBe(first.stdout.slice(first.stdout.indexOf('#')))

  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'told-a' }))
  await sqs.send(new DeleteQueueCommand({ QueueUrl }))
  const third = await here().repokeeper('init', repo)
  expect(third).toMatchObject({ code: 0, stderr: '' })
  expect(third.stdout).toMatch(new RegExp(`^created        queue of additions told-a \\(${theirs}, `, 'm'))
  expect(third.stdout).toContain('there already  notification of additions el9/x86_64/*.rpm')
})

test('makes no dead-letter queue where the queues have one already', async () => {
  const queues = ['--add-queue', 'common-a', '--remove-queue', 'common-r']
  await here().repokeeper('init', 's3://common/el9', ...queues, '--dead-letter-queue', 'common-d')
  const { stdout } = await here().repokeeper('init', 's3://common/el8', ...queues)
  expect(stdout).toContain('there already  dead-letter queue common-d\n')
  await expect(attributesOf('common-el8-dead-letters')).rejects.toThrow()
  const again = await here().repokeeper('init', 's3://common/el8', ...queues, '--json')
  expect(JSON.parse(again.stdout).queues).toEqual({
    additions: 'common-a',
    removals: 'common-r',
    deadLetters: 'common-d',
  })
})

test('says of a queue whose policy denies all but others that no statement helps, before it makes any', async () => {
  const role = 'arn:aws:iam::000000000000:role/x'
  const denial = { Effect: 'Deny', NotPrincipal: { AWS: role }, Action: 'sqs:*', Resource: '*' }
  await queueOf('closed-to-us', { Policy: JSON.stringify({ Statement: [denial] }) })
  const ran = await here().repokeeper(
    'init',
    's3://denied/el9',
    '--add-queue',
    'open',
    '--remove-queue',
    'closed-to-us',
  )
  expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('closed-to-us denies sqs:SendMessage') })
  await expect(attributesOf('open')).rejects.toThrow()
})

test('gives a queue that is there what it lacks, and leaves what somebody chose', async () => {
  const theirs = await queueOf('their-dead-letters')
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: theirs, maxReceiveCount: 9 })
  await queueOf('chosen', { RedrivePolicy, VisibilityTimeout: '77', ReceiveMessageWaitTimeSeconds: '3' })
  const ran = await here().repokeeper('init', 's3://chooser/x', '--add-queue', 'chosen', '--remove-queue', 'other')
  expect(ran).toMatchObject({ code: 0, stderr: '' })
  expect(ran.stdout).toContain(
    'changed        queue of additions chosen (policy, its dead-letter queue is their-dead-letters, and stays so)',
  )
  const attributes = await attributesOf('chosen')
  expect(attributes).toMatchObject({ RedrivePolicy, VisibilityTimeout: '77', ReceiveMessageWaitTimeSeconds: '3' })
  expect(JSON.parse(attributes.Policy ?? '')).toMatchObject({
    Statement: [
      {
        Principal: { Service: 's3.amazonaws.com' },
        Resource: expect.stringMatching(/:chosen$/),
        Condition: {
          ArnEquals: { 'aws:SourceArn': 'arn:aws:s3:::chooser' },
          StringEquals: { 'aws:SourceAccount': '000000000000' },
        },
      },
    ],
  })
  expect(await attributesOf('other')).toMatchObject({
    VisibilityTimeout: '120',
    ReceiveMessageWaitTimeSeconds: '20',
    RedrivePolicy: expect.stringContaining('chooser-x-dead-letters'),
  })
})

test('makes no empty repository of packages that nothing lists', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'full' }))
  await s3.send(new PutObjectCommand({ Bucket: 'full', Key: 'a.rpm', Body: buildPackage({ name: 'a' }) }))
  const { code, stdout } = await here().repokeeper('init', 's3://full')
  expect(code).toBe(0)
  expect(stdout).toContain(
    'left as it is  repository s3://full/ (1 package that nothing lists: "repokeeper rebuild s3://full/" does)',
  )
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'full' }))
  expect(Contents.map(({ Key }) => Key)).toEqual(['a.rpm'])
})

/** Every one that init may ask for. */
const rights = [
  ...['s3:ListBucket', 's3:CreateBucket', 's3:GetBucketNotification', 's3:PutBucketNotification'],
  ...['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
  ...['sqs:CreateQueue', 'sqs:GetQueueUrl', 'sqs:GetQueueAttributes', 'sqs:SetQueueAttributes'],
]

test.each([
  ['sqs:CreateQueue', /Allow sqs:CreateQueue and sqs:GetQueueAttributes on closed-dead-letters/, 1],
  ['s3:PutBucketNotification', /s3:PutBucketNotification on arn:aws:s3:::closed/, 4],
])('without %s says that it is missing, and goes on there where it is given', async (action, message, stepsBefore) => {
  const allow = rights.filter((one) => one !== action).map((one) => ({ action: one, resource: '*' }))
  const id = cloud.faults.add({ action: { kind: 'deny', allow } })
  const ran = await here().repokeeper('init', 's3://closed')
  cloud.faults.remove(id)
  expect(ran.code, ran.stderr).toBe(1)
  expect(ran.stderr).toMatch(message)
  expect(outcomes(ran.stdout)).toHaveLength(stepsBefore)
})

test('wants a bucket, and names that queues can have', async () => {
  const wrong = async (...args: string[]) => {
    const { code, stderr } = await here().repokeeper('init', ...args)
    expect(code).toBe(2)
    return stderr
  }
  expect(await wrong('./repo')).toContain('a directory needs no queues')
  expect(await wrong('s3://bucket/x', '--add-queue', 'a b')).toContain('"a b" is no queue name')
  expect(await wrong('s3://bucket/x', '--add-queue', 'q', '--dead-letter-queue', 'q')).toContain(
    'its own dead-letter queue',
  )
  expect(await wrong('s3://bucket/x', '--add-queue', 'q', '--remove-queue', 'q')).toMatch(
    /^repokeeper: q cannot be the queue of additions and of removals at once: .*\n$/,
  )
  const before = cloud.calls.list().at(-1)?.number ?? 0
  expect(await wrong('s3://bucket/x', '--remove-queue', 'q')).toMatch(
    /^repokeeper: --remove-queue q is one of two, and the bucket tells no other: .*--add-queue.*\n$/,
  )
  const calls = cloud.calls.list().filter(({ number }) => number > before)
  expect(calls.filter(({ operation }) => /^(Create|Put|Set|Delete)/.test(operation))).toEqual([])
})

function outcomes(stdout: string): string[] {
  const lines = stdout.slice(0, stdout.includes('\n\n') ? stdout.indexOf('\n\n') : undefined)
  return lines.split('\n').flatMap((line) => (line === '' ? [] : [line.split(/ {2,}/)[0] ?? '']))
}

async function queueOf(QueueName: string, Attributes: Record<string, string> = {}): Promise<string> {
  await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))
  return (await attributesOf(QueueName)).QueueArn ?? ''
}

async function attributesOf(QueueName: string): Promise<Record<string, string>> {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }))
  const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))
  return Attributes
}

type Rules = NonNullable<Awaited<ReturnType<typeof notificationsOf>>>

async function notificationsOf(Bucket: string) {
  const { QueueConfigurations = [] } = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }))
  return QueueConfigurations
}

async function putNotifications(Bucket: string, QueueConfigurations: Rules): Promise<void> {
  const NotificationConfiguration = { QueueConfigurations }
  await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }))
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
