import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GetQueueUrlCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCloudResources } from '../../../fixtures/cloud-resources.ts'
import { formatSpan } from '../src/text-layout.ts'
import { type Workplace, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
let cloud: LocalCloud
let sqs: SQSClient
const repo = 's3://packages/el9'

beforeAll(async () => {
  cloud = await startLocalCloud({ directory: join(place().directory, 'cloud') })
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
  sqs = new SQSClient({ endpoint: cloud.endpoint, region: 'us-east-1', credentials, useQueueUrlAsEndpoint: false })
  await createCloudResources(cloud.endpoint, 'packages')
})
afterAll(async () => {
  sqs.destroy()
  await cloud.close()
  await rm(join(place().directory, 'cloud'), { recursive: true })
})

test('shows what is published, since when by the clock of the store, and what waits in the queues', async () => {
  const packages = [await place().rpm({ name: 'foo' }), await place().rpm({ name: 'bar' })]
  expect(await here().repokeeper('add', repo, ...packages, '--publish')).toMatchObject({ code: 0 })
  await sqs.send(new SendMessageCommand({ QueueUrl: await urlOf('packages-dead-letters'), MessageBody: 'dead' }))
  await sqs.send(new ReceiveMessageCommand({ QueueUrl: await urlOf('packages-add') }))
  cloud.clock.advance(5 * 3_600_000)
  const { code, stdout, stderr } = await here().repokeeper(
    'status',
    repo,
    '-q',
    'packages-add',
    '-q',
    'packages-remove',
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(
    new RegExp(
      '^s3://packages/el9/\n' +
        '  packages {15}2, [23]\\.. kB\n' +
        '  published {14}\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC, 5 h ago\n' +
        '  revision {15}\\d+\n' +
        '  metadata {15}[0-9.]+ k?B, gzip\n' +
        '  queue packages-add {5}[34] waiting, 0 in flight, 1 dead letter in packages-dead-letters\n' +
        '  queue packages-remove {2}1 waiting, 0 in flight, 1 dead letter in packages-dead-letters\n$',
    ),
  )
})

test('goes on where a queue cannot be asked, and ends with 1', async () => {
  const ran = await here().repokeeper('status', repo, '-q', 'nowhere', '-q', 'packages-add', '--json')
  expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no queue "nowhere"') })
  expect(JSON.parse(ran.stdout)).toMatchObject({
    ok: false,
    packages: 2,
    compression: 'gzip',
    queues: [
      { name: 'nowhere' },
      { name: 'packages-add', deadLetters: { queue: 'packages-dead-letters', waiting: 1 } },
    ],
  })
})

test('compares with the bucket only where that is asked for', async () => {
  await mkdir(join(place().directory, 'repo'))
  const [foo, bar] = [await place().rpm({ name: 'foo' }), await place().rpm({ name: 'bar' })]
  await place().repokeeper('add', 'repo', foo, '--compression', 'zstd')
  await place().repokeeper('add', 'repo', bar, '--no-publish')
  const shallow = JSON.parse((await place().repokeeper('status', 'repo', '--json')).stdout)
  expect(shallow).toMatchObject({ repository: 'repo', packages: 1, compression: 'zstd', queues: [] })
  expect(shallow).not.toHaveProperty('bucket')
  const deep = await place().repokeeper('status', 'repo', '--deep')
  expect(deep.stdout).toMatch(/^ {2}bucket {5}2 packages, 1 missing$/m)
})

test('says of a repository without metadata that there is none', async () => {
  const { code, stderr } = await here().repokeeper('status', 's3://packages/el7')
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('has no metadata') })
})

test.each([
  [0, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_599_999, '59 min'],
  [47 * 3_600_000, '47 h'],
  [48 * 3_600_000, '2 days'],
])('a span of %i ms is %s', (milliseconds, text) => {
  expect(formatSpan(milliseconds)).toBe(text)
})

async function urlOf(QueueName: string): Promise<string | undefined> {
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
