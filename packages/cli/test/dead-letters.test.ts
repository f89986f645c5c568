import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canAsk, confirm } from '../src/confirm.ts'
import { type Workplace, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
let cloud: LocalCloud
let sqs: SQSClient

beforeAll(async () => {
  cloud = await startLocalCloud({ directory: join(place().directory, 'cloud') })
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
  sqs = new SQSClient({ endpoint: cloud.endpoint, region: 'us-east-1', credentials, useQueueUrlAsEndpoint: false })
})
afterAll(async () => {
  sqs.destroy()
  await cloud.close()
  await rm(join(place().directory, 'cloud'), { recursive: true })
})

describe.concurrent('list', () => {
  test('shows keys, source, since when and how often, and leaves every message where it is', async () => {
    const { dead, additions, removals } = await makeQueues()
    await die(additions, messageOf('el9/foo+bar.rpm'))
    await die(removals, 'no notification')
    const { code, stdout, stderr } = await here().repokeeper('dead-letters', 'list', '-q', dead)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`
    expect(stdout).toMatch(new RegExp(`^${time} {2}received 2 times {2}from ${additions} {2}el9/foo\\+bar\\.rpm$`, 'm'))
    expect(stdout).toMatch(
      new RegExp(`^${time} {2}received 2 times {2}from ${removals} {3}\\(unreadable: .*not JSON.*\\)$`, 'm'),
    )
    expect(stdout).toMatch(/\ndead-\d+: 2 messages\n$/)
    expect(await countOf(dead)).toEqual({ waiting: 2, inFlight: 0 })
  })

  test('says how much more there is than it looked at, and what somebody else holds', async () => {
    const { dead, additions } = await makeQueues()
    for (const key of ['a.rpm', 'b.rpm', 'c.rpm', 'd.rpm']) await die(additions, messageOf(key))
    await receive(dead)
    const ran = await here().repokeeper('dead-letters', 'list', '-q', dead, '--max', '2', '--json')
    const report = JSON.parse(ran.stdout)
    expect(report).toMatchObject({ queue: dead, ok: true, lookedAt: 2, left: 1, heldByOthers: 1 })
    expect(report.messages).toHaveLength(2)
    expect(ran.stderr).toMatch(
      /^about 1 message more is in the queue, not looked at .*\nabout 1 message cannot be seen now/,
    )
    expect(await countOf(dead)).toEqual({ waiting: 3, inFlight: 1 })
  })

  test('holds the messages no longer than the look may take', async () => {
    const { dead, additions } = await makeQueues()
    await die(additions, messageOf('a.rpm'))
    const failed = { kind: 'error', status: 403, code: 'AccessDeniedException' } as const
    const id = cloud.faults.add({ operation: 'ChangeMessageVisibilityBatch', queue: dead, action: failed })
    const ran = await here().repokeeper('dead-letters', 'list', '-q', dead)
    cloud.faults.remove(id)
    expect(ran.stderr).toMatch(/^1 message could not be given back \(.*\): hidden for up to 23 s\n$/)
  })

  test.each(['list', 'retry'])(
    'of a queue from which a look could take messages away is refused (%s)',
    async (action) => {
      const { dead, additions } = await makeQueues()
      await sqs.send(new SendMessageCommand({ QueueUrl: await urlOf(additions), MessageBody: messageOf('a.rpm') }))
      const ran = await here().repokeeper('dead-letters', action, '-q', additions)
      expect(ran).toMatchObject({ code: 1, stdout: '' })
      expect(ran.stderr).toContain(`${additions} has a dead-letter queue of its own, ${dead}: `)
      expect(ran.stderr).toContain(`Was -q ${dead} meant?`)
      // It was never received, so that one receive is not too much.
      expect(await receive(additions)).toMatchObject({ Body: messageOf('a.rpm') })
    },
  )

  test('chooses by file name, or with a slash by the whole key', async () => {
    const { dead, additions } = await makeQueues()
    for (const key of ['el9/foo.rpm', 'el9/x/foo.rpm', 'el8/bar.rpm']) await die(additions, messageOf(key))
    const keysOf = async (...args: string[]) => {
      const { stdout } = await here().repokeeper('dead-letters', 'list', '-q', dead, '--json', ...args)
      return JSON.parse(stdout)
        .messages.flatMap(({ keys }: { keys: string[] }) => keys)
        .toSorted()
    }
    expect(await keysOf('--key', 'foo*')).toEqual(['el9/foo.rpm', 'el9/x/foo.rpm'])
    expect(await keysOf('--key', 'el9/*', '--key', 'bar.rpm')).toEqual(['el8/bar.rpm', 'el9/foo.rpm'])
  })
})

describe.concurrent('retry', () => {
  test('sends each message back to the queue that it came from, attributes and all, and gives back the others', async () => {
    const { dead, additions, removals } = await makeQueues()
    await die(additions, messageOf('a.rpm'), { trace: { DataType: 'String', StringValue: 'x' } })
    await die(removals, messageOf('b.rpm'))
    await die(removals, messageOf('stays.rpm'))
    const ran = await here().repokeeper('dead-letters', 'retry', '-q', dead, '--key', '?.rpm')
    expect(ran).toMatchObject({ code: 0, stdout: `${dead}: 2 sent back of the 3 that were looked at\n` })
    expect(ran.stderr).toMatch(
      new RegExp(`^what workers refuse again comes back to ${dead}; why, say .*"repokeeper history -q ${removals}"`),
    )
    expect(await countOf(dead)).toEqual({ waiting: 1, inFlight: 0 })
    expect(await receive(additions)).toMatchObject({
      Body: messageOf('a.rpm'),
      MessageAttributes: { trace: { DataType: 'String', StringValue: 'x' } },
    })
    expect(await receive(removals)).toMatchObject({ Body: messageOf('b.rpm') })
  })

  test('sends first and deletes after: what cannot be sent stays, what cannot be deleted is in both', async () => {
    const { dead, additions } = await makeQueues()
    await die(additions, messageOf('a.rpm'))
    const denied = (operation: string, queue: string) =>
      cloud.faults.add({
        service: 'sqs',
        operation,
        queue,
        action: { kind: 'error', status: 403, code: 'AccessDeniedException' },
      })
    const sending = denied('SendMessage', additions)
    const unsent = await here().repokeeper('dead-letters', 'retry', '-q', dead)
    cloud.faults.remove(sending)
    expect(unsent).toMatchObject({ code: 1, stdout: `${dead}: 1 failed\n` })
    expect(unsent.stderr).toMatch(/^failed a\.rpm: .*Allow sqs:SendMessage on additions-\d+\.\n$/)
    expect(await countOf(dead)).toEqual({ waiting: 1, inFlight: 0 })

    const deleting = denied('DeleteMessageBatch', dead)
    const both = await here().repokeeper('dead-letters', 'retry', '-q', dead)
    cloud.faults.remove(deleting)
    expect(both).toMatchObject({ code: 0, stdout: `${dead}: 1 sent back, and still here\n` })
    expect(both.stderr).toContain(`a.rpm: is in ${additions} now, and still in ${dead}: `)
    expect(await countOf(dead)).toEqual({ waiting: 1, inFlight: 0 })
    expect(await countOf(additions)).toEqual({ waiting: 1, inFlight: 0 })
  })

  test('asks where to, of a message that does not say where it came from, and takes --to for an answer', async () => {
    const { dead, removals } = await makeQueues()
    await sqs.send(new SendMessageCommand({ QueueUrl: await urlOf(dead), MessageBody: messageOf('a.rpm') }))
    const asked = await here().repokeeper('dead-letters', 'retry', '-q', dead)
    expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining('say --to which queue it goes') })
    const told = await here().repokeeper('dead-letters', 'retry', '-q', dead, '--to', removals, '--json')
    expect(JSON.parse(told.stdout)).toMatchObject({ ok: true, messages: [{ status: 'returned', to: removals }] })
    expect(await countOf(removals)).toEqual({ waiting: 1, inFlight: 0 })
    await makeQueue(`${dead}-of-nobody`)
    const none = await here().repokeeper('dead-letters', 'retry', '-q', `${dead}-of-nobody`)
    expect(none).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`no queue has ${dead}-of-nobody as its dead-letter queue`),
    })
  })

  test('where SQS is out says so of each, and does not say that it is tried again', async () => {
    const { dead, additions } = await makeQueues()
    await die(additions, messageOf('a.rpm'))
    const busy = { kind: 'error', status: 503, code: 'ThrottlingException' } as const
    const id = cloud.faults.add({ operation: 'SendMessage', queue: additions, action: busy })
    const ran = await here().repokeeper('dead-letters', 'retry', '-q', dead)
    cloud.faults.remove(id)
    expect(ran).toMatchObject({ code: 1, stdout: `${dead}: 1 failed\n` })
    expect(ran.stderr).toMatch(
      /^failed a\.rpm: SQS holds back requests .* This passes: the next try may come through\.\n$/,
    )
    expect(await countOf(dead)).toEqual({ waiting: 1, inFlight: 0 })
  })
})

describe.concurrent('drop', () => {
  test('deletes what is named, for good, and nothing else', async () => {
    const { dead, additions } = await makeQueues()
    for (const key of ['el9/bad.rpm', 'el9/good.rpm']) await die(additions, messageOf(key))
    const ran = await here().repokeeper('dead-letters', 'drop', '-q', dead, '--key', 'bad.rpm', '--yes')
    expect(ran).toMatchObject({ code: 0, stderr: '', stdout: `${dead}: 1 deleted of the 2 that were looked at\n` })
    expect(await receive(dead, 0)).toMatchObject({ Body: messageOf('el9/good.rpm') })
    const all = await here().repokeeper('dead-letters', 'drop', '-q', dead, '--all', '-y')
    expect(all).toMatchObject({ code: 0, stdout: `${dead}: 1 deleted\n` })
    expect(await countOf(dead)).toEqual({ waiting: 0, inFlight: 0 })
  })

  test.each([
    [['--yes'], 'say which messages are to go'],
    [['--all', '--key', 'x', '--yes'], 'different things'],
    [['--all'], 'there is nobody to ask: say --yes'],
  ])('%j is wrong use', async (args, message) => {
    const { code, stderr } = await here().repokeeper('dead-letters', 'drop', '-q', 'any', ...args)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) })
  })
})

describe('somebody who is asked', () => {
  test.each([
    ['y\n', true],
    ['Yes\n', true],
    ['n\n', false],
    ['\n', false],
    ['yesterday\n', false],
    ['', false],
  ])('and says %j', async (answer, meant) => {
    const { terminal, input } = fakeTerminal()
    const asked = confirm('Really?', terminal, AbortSignal.timeout(10_000))
    input.end(answer)
    expect(await asked).toBe(meant)
  })

  test('can interrupt', async () => {
    const { terminal } = fakeTerminal()
    const interruption = new AbortController()
    const asked = confirm('Really?', terminal, interruption.signal)
    interruption.abort(new Error('interrupted'))
    await expect(asked).rejects.toThrow('interrupted')
  })

  test('has to be there', () => {
    const { terminal } = fakeTerminal()
    expect(canAsk(terminal)).toBe(true)
    expect(canAsk({ ...terminal, input: new PassThrough() })).toBe(false)
    expect(canAsk({ ...terminal, output: { ...terminal.output, isTerminal: false } })).toBe(false)
  })
})

test('a queue that is not there is named, with what to do', async () => {
  const { code, stderr } = await here().repokeeper('dead-letters', 'list', '-q', 'nowhere')
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/There is no queue "nowhere".* Check its name/),
  })
})

function fakeTerminal() {
  const input = Object.assign(new PassThrough(), { isTTY: true })
  return { input, terminal: { input, output: { isTerminal: true, terminal: new PassThrough() } } }
}

/** Sends a message to a queue, and receives it in vain as often as it needs to end in the dead-letter queue. */
async function die(
  queue: string,
  MessageBody: string,
  MessageAttributes: NonNullable<ConstructorParameters<typeof SendMessageCommand>[0]['MessageAttributes']> = {},
): Promise<void> {
  const QueueUrl = await urlOf(queue)
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageAttributes }))
  await sqs.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 0 }))
  expect((await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages).toBeUndefined()
}

async function receive(queue: string, VisibilityTimeout = 30) {
  const asked = { QueueUrl: await urlOf(queue), MessageAttributeNames: ['All'], VisibilityTimeout }
  return (await sqs.send(new ReceiveMessageCommand(asked))).Messages?.[0]
}

function messageOf(key: string): string {
  const object = { key: encodeURIComponent(key).replaceAll('%2F', '/') }
  return JSON.stringify({ Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'packages' }, object } }] })
}

let sets = 0

/** A dead-letter queue and two that end in it, for one test. */
async function makeQueues() {
  sets += 1
  const names = { dead: `dead-${sets}`, additions: `additions-${sets}`, removals: `removals-${sets}` }
  const deadLetterTargetArn = await makeQueue(names.dead)
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 })
  for (const queue of [names.additions, names.removals]) await makeQueue(queue, { RedrivePolicy })
  return names
}

async function makeQueue(QueueName: string, Attributes: Record<string, string> = {}): Promise<string> {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))
  const asked = { QueueUrl, AttributeNames: ['QueueArn' as const] }
  return (await sqs.send(new GetQueueAttributesCommand(asked))).Attributes?.QueueArn ?? ''
}

async function countOf(queue: string) {
  const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = await attributesOf(queue)
  return { waiting: Number(ApproximateNumberOfMessages), inFlight: Number(ApproximateNumberOfMessagesNotVisible) }
}

async function attributesOf(queue: string): Promise<Record<string, string>> {
  const asked = { QueueUrl: await urlOf(queue), AttributeNames: ['All' as const] }
  return (await sqs.send(new GetQueueAttributesCommand(asked))).Attributes ?? {}
}

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
