import { EventEmitter } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { CreateQueueCommand, GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { MemoryStore, openStore, probeConditions } from '@repokeeper/object-store'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type WorkerEventName, WorkerEvents } from '../src/events.ts'
import { readHistory } from '../src/history-file.ts'
import { readWorkerOptions } from '../src/options.ts'
import type { Reconcile } from '../src/reconcile.ts'
import { runWorker, type WorkerIo, type WorkerStages } from '../src/run.ts'
import { coverAll, covered, latch, notification } from './bench.ts'

let directory = ''
let cloud: LocalCloud
let client: SQSClient
beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1')
  directory = await mkdtemp(join(tmpdir(), 'repokeeper-worker-'))
  cloud = await startLocalCloud({ directory })
  client = new SQSClient({ endpoint: cloud.endpoint, region: 'us-east-1' })
})
afterEach(async () => {
  client.destroy()
  await cloud.close()
  await rm(directory, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

async function createQueue(maxReceiveCount = 3) {
  const dead = await client.send(new CreateQueueCommand({ QueueName: 'dead' }))
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: dead.QueueUrl, AttributeNames: ['QueueArn'] }),
  )
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount })
  const { QueueUrl } = await client.send(
    new CreateQueueCommand({ QueueName: 'additions', Attributes: { RedrivePolicy } }),
  )
  const count = async (url: string | undefined) => {
    const AttributeNames = ['ApproximateNumberOfMessages' as const, 'ApproximateNumberOfMessagesNotVisible' as const]
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames }))
    return {
      visible: Number(Attributes?.ApproximateNumberOfMessages),
      held: Number(Attributes?.ApproximateNumberOfMessagesNotVisible),
    }
  }
  return {
    send: async (body: string) =>
      (await client.send(new SendMessageCommand({ QueueUrl, MessageBody: body }))).MessageId ?? '',
    messages: () => count(QueueUrl),
    deadLetters: () => count(dead.QueueUrl),
  }
}

function run(flags: Record<string, unknown>, stages: Partial<WorkerStages> = {}, io: Partial<WorkerIo> = {}) {
  const outcome = readWorkerOptions({
    flags: {
      queue: 'additions',
      endpointUrl: cloud.endpoint,
      batchQuietSeconds: '0.05',
      logFormat: 'json',
      logLevel: 'debug',
      ...flags,
    },
    environment: {},
  })
  if (outcome.kind === 'problems') throw new Error(outcome.problems.join('\n'))
  const events = new WorkerEvents()
  const signals = new EventEmitter()
  const exits: number[] = []
  const stream = new PassThrough()
  const next = (awaited: WorkerEventName) =>
    new Promise<void>((resolve) => {
      const end = events.subscribe((name) => {
        if (name !== awaited) return
        end()
        resolve()
      })
    })
  const exitCode = runWorker(
    outcome.options,
    {
      openBucket: (name) => new MemoryStore({ name }),
      reconcile: coverAll,
      probeConditions: async () => ({ kind: 'honoured' }),
      ...stages,
    },
    { stream, signals, events, exit: (code) => void exits.push(code), ...io },
  )
  return { exitCode, signals, exits, next, log: () => String(stream.read() ?? '') }
}

describe('a worker at a real queue', () => {
  it('deletes a message when the publish that covers it has landed, and ends with 0 on SIGTERM', async () => {
    const queue = await createQueue()
    const publish = latch()
    const worker = run(
      {},
      {
        reconcile: async (...args) => {
          await publish.opened
          return await coverAll(...args)
        },
      },
    )
    const started = worker.next('batch-started')
    await queue.send(notification('el9/a.rpm'))
    await started
    expect(await queue.messages()).toEqual({ visible: 0, held: 1 })
    const deleted = worker.next('deleted')
    publish.open()
    await deleted
    expect(await queue.messages()).toEqual({ visible: 0, held: 0 })
    worker.signals.emit('SIGTERM', 'SIGTERM')
    expect(await worker.exitCode).toBe(0)
  })

  it('leaves a refused package and an unreadable message to the dead-letter queue', async () => {
    const queue = await createQueue(1)
    const refusing: Reconcile = async (_location, keys) => ({
      verdicts: new Map(
        [...keys].map((key) => [
          key,
          key.includes('bad') ? { kind: 'refused', code: 'BAD', reason: 'no lead' } : covered,
        ]),
      ),
    })
    await queue.send(notification('el9/good.rpm'))
    await queue.send(notification('el9/bad.rpm'))
    await queue.send('hello')
    const first = run({ once: true }, { reconcile: refusing })
    expect(await first.exitCode).toBe(1)
    expect(first.log()).toContain('refused s3://packages/el9/bad.rpm: BAD: no lead')
    await vi.waitFor(async () => expect(await queue.messages()).toEqual({ visible: 2, held: 0 }), { timeout: 10_000 })
    const second = run({ once: true }, { reconcile: refusing })
    expect(await second.exitCode).toBe(0)
    expect(await queue.messages()).toEqual({ visible: 0, held: 0 })
    expect(await queue.deadLetters()).toMatchObject({ visible: 2 })
  })

  it('gives back on SIGTERM what it cannot finish, and a second signal ends it at once', async () => {
    const queue = await createQueue()
    const worker = run(
      { graceSeconds: '0' },
      {
        reconcile: (_location, _keys, { signal }) =>
          new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
          ),
      },
    )
    const started = worker.next('batch-started')
    await queue.send(notification('el9/a.rpm'))
    await started
    worker.signals.emit('SIGTERM', 'SIGTERM')
    worker.signals.emit('SIGINT', 'SIGINT')
    expect(worker.exits).toEqual([130])
    expect(await worker.exitCode).toBe(0)
    expect(await queue.messages()).toEqual({ visible: 1, held: 0 })
  })

  it('survives a queue that fails, drops connections and delivers twice', async () => {
    const queue = await createQueue(50)
    cloud.faults.add({ service: 'sqs', operation: 'ReceiveMessage', count: 2, action: { kind: 'error', status: 503 } })
    cloud.faults.add({ service: 'sqs', operation: 'DeleteMessageBatch', count: 2, action: { kind: 'drop' } })
    cloud.faults.add({ service: 'sqs', operation: 'Deliver', action: { kind: 'duplicate', copies: 2 } })
    for (let index = 0; index < 25; index += 1) await queue.send(notification(`el9/${index}.rpm`))
    const worker = run({ visibilityTimeoutSeconds: '2' })
    await vi.waitFor(async () => expect(await queue.messages()).toEqual({ visible: 0, held: 0 }), {
      timeout: 20_000,
      interval: 100,
    })
    worker.signals.emit('SIGINT', 'SIGINT')
    expect(await worker.exitCode).toBe(0)
    expect(await queue.deadLetters()).toEqual({ visible: 0, held: 0 })
  })
})

it('says of a receive that may not be what is missing, on which queue', async () => {
  await createQueue()
  const message = 'User is not authorized to perform: sqs:receivemessage on resource: the queue'
  const action = { kind: 'error' as const, status: 403, code: 'AccessDeniedException', message }
  cloud.faults.add({ service: 'sqs', operation: 'ReceiveMessage', action })
  const worker = run({})
  await worker.next('receive-failed')
  worker.signals.emit('SIGTERM', 'SIGTERM')
  expect(await worker.exitCode).toBe(0)
  expect(worker.log()).toContain(`The credentials may not use queue \\"additions\\" at ${cloud.endpoint}: ${message}.`)
})

it('remembers what it did in a file, and works on where that cannot be written', async () => {
  const queue = await createQueue()
  await queue.send(notification('el9/a.rpm'))
  const historyPath = join(directory, 'history', 'additions.jsonl')
  expect(await run({ once: true }, {}, { historyPath }).exitCode).toBe(0)
  expect(readHistory(historyPath)).toMatchObject([
    { kind: 'started' },
    { kind: 'run', repository: 's3://packages/el9/', keys: 1 },
  ])

  await queue.send(notification('el9/b.rpm'))
  const worker = run({ once: true }, {}, { historyPath: join(historyPath, 'no directory.jsonl') })
  expect(await worker.exitCode).toBe(0)
  expect(worker.log().match(/"event":"history-unwritable"/g)).toHaveLength(1)
})

describe('the exit code', () => {
  it('is 2 for what was said and can never work', async () => {
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
    vi.stubEnv('AWS_REGION', '')
    vi.stubEnv('AWS_DEFAULT_REGION', '')
    const worker = run({ endpointUrl: undefined })
    expect(await worker.exitCode).toBe(2)
    expect(worker.log()).toContain('No AWS region is set')
  })

  it('is not 2 for a queue that is not there: a service says which and what to do, and works when it is made', async () => {
    const worker = run({ queue: 'late' })
    await worker.next('receive-failed')
    expect(worker.log()).toMatch(
      /There is no queue \\"late\\" at http:.*Check its name, the region, the account and the endpoint.* Next try in \d s/,
    )
    const started = worker.next('started')
    await client.send(new CreateQueueCommand({ QueueName: 'late' }))
    await started
    worker.signals.emit('SIGTERM', 'SIGTERM')
    expect(await worker.exitCode).toBe(0)
    expect(await run({ queue: 'typo', once: true }).exitCode).toBe(1)
  })

  it('is not 2 without credentials: a service waits for them', async () => {
    await createQueue()
    vi.stubEnv('AWS_ACCESS_KEY_ID', '')
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
    const worker = run({})
    await worker.next('receive-failed')
    expect(worker.log()).toMatch(
      /The credentials for queue .* are missing, expired or wrong.*or give the machine a role/,
    )
    const started = worker.next('started')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key')
    await started
    worker.signals.emit('SIGTERM', 'SIGTERM')
    expect(await worker.exitCode).toBe(0)
  })

  it.each([false, true])(
    'is 1 for once where a bucket is not there, with a single writer: %s',
    async (singleWriter) => {
      await createQueue()
      const openBucket = (bucket: string) =>
        openStore({ kind: 's3', bucket, prefix: '' }, { endpoint: cloud.endpoint, region: 'us-east-1' })
      const probing = (...[store, prefix]: Parameters<WorkerStages['probeConditions']>) =>
        probeConditions(store, prefix, { random: Math.random })
      const flags = { once: true, repositories: 's3://nowhere/el9', singleWriter }
      const worker = run(flags, { openBucket, probeConditions: probing })
      expect(await worker.exitCode).toBe(1)
      expect(worker.log()).toContain('nothing is known of s3://nowhere, which could not be tried')
    },
  )

  it('is 1 for once at an endpoint where nothing listens', async () => {
    const worker = run({ once: true, endpointUrl: 'http://127.0.0.1:1' })
    expect(await worker.exitCode).toBe(1)
    expect(worker.log()).toContain('cannot be reached')
  })

  it('is 0 for a service that is stopped while it waits for its endpoint', async () => {
    const worker = run({ endpointUrl: 'http://127.0.0.1:1' })
    await worker.next('receive-failed')
    worker.signals.emit('SIGTERM', 'SIGTERM')
    expect(await worker.exitCode).toBe(0)
  })

  it('is 1 where the store ignores conditions', async () => {
    const queue = await createQueue()
    await queue.send(notification('el9/a.rpm'))
    const worker = run({}, { probeConditions: async () => ({ kind: 'ignored', which: 'if absent' }) })
    expect(await worker.exitCode).toBe(1)
    expect(worker.log()).toContain('ignores conditional writes (if absent)')
    expect(await queue.messages()).toEqual({ visible: 1, held: 0 })
  })

  it('is 0 for once where everything was published', async () => {
    const queue = await createQueue()
    for (let index = 0; index < 12; index += 1) await queue.send(notification(`el9/${index}.rpm`))
    expect(await run({ once: true }).exitCode).toBe(0)
    expect(await queue.messages()).toEqual({ visible: 0, held: 0 })
  })
})
