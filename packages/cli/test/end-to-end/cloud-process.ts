/**
 * local-cloud and the workers as processes, the way they run for real, and what a test wants to know of them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { GetQueueAttributesCommand, GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { FaultRule } from '@repokeeper/local-cloud'
import { S3Store } from '@repokeeper/object-store'
import { onTestFinished } from 'vitest'
import { createCloudResources } from '../../../../fixtures/cloud-resources.ts'

const packages = resolve(import.meta.dirname, '..', '..', '..')
const bucket = 'packages'

export interface CloudProcess {
  readonly endpoint: string
  readonly bucket: string
  /** A directory of the test's own, gone after it. */
  readonly directory: string
  readonly queues: { readonly add: string; readonly remove: string; readonly deadLetters: string }
  readonly store: S3Store
  readonly sqs: SQSClient
  readonly environment: NodeJS.ProcessEnv
  addFaults(rules: readonly FaultRule[]): Promise<void>
  /** Messages that are in a queue, seen or not. */
  messagesIn(queue: string): Promise<number>
  /** Takes what is in the dead-letter queue. */
  deadLetters(): Promise<string[]>
  startWorker(queue: string): WorkerProcess
  /** Resolves when no message is left in either queue. @throws after a minute and a half */
  drained(): Promise<void>
}

export interface WorkerProcess {
  readonly process: ChildProcess
  /** Everything that it logged so far, an object a line. */
  readonly log: readonly Record<string, unknown>[]
  /** Resolves at the first line, past or future, that is the one. */
  sees(isTheOne: (line: Record<string, unknown>) => boolean): Promise<void>
  /** Ends it at once, as a crash does. */
  crash(): Promise<void>
}

export async function startCloudProcess(options: { maxReceiveCount?: number } = {}): Promise<CloudProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-end-to-end-'))
  const children: ChildProcess[] = []
  const main = join(packages, 'local-cloud', 'src', 'main.ts')
  const cloud = spawn(process.execPath, [main, '--directory', join(directory, 'cloud')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    for (const child of [...children, cloud]) await stop(child)
    await rm(directory, { recursive: true, force: true })
  })
  const endpoint = await readEndpoint(cloud)
  const [add, remove, deadLetters] = await createCloudResources(endpoint, bucket, {
    visibilityTimeoutSeconds: 5,
    ...options,
  })
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const sqs = new SQSClient({ endpoint, region: 'us-east-1', credentials, useQueueUrlAsEndpoint: false })
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    REPOKEEPER_CACHE_DIR: join(directory, 'cache'),
    REPOKEEPER_BATCH_QUIET_SECONDS: '0.3',
    REPOKEEPER_LOG_LEVEL: 'debug',
    REPOKEEPER_VISIBILITY_TIMEOUT_SECONDS: '5',
  }
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })
  const store = new S3Store({ bucket, endpoint, region: 'us-east-1' })

  const queueUrl = async (QueueName: string): Promise<string | undefined> =>
    (await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl
  const messagesIn = async (queue: string): Promise<number> => {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: await queueUrl(queue),
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
    )
    return Object.values(Attributes ?? {}).reduce((sum, count) => sum + Number(count), 0)
  }

  return {
    endpoint,
    bucket,
    directory,
    queues: { add, remove, deadLetters },
    store,
    sqs,
    environment,
    messagesIn,
    async addFaults(rules) {
      const answer = await fetch(`${endpoint}/_local/faults`, { method: 'POST', body: JSON.stringify(rules) })
      if (!answer.ok) throw new Error(await answer.text())
    },
    async deadLetters() {
      const bodies: string[] = []
      while (true) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl: await queueUrl(deadLetters), MaxNumberOfMessages: 10 }),
        )
        if (Messages.length === 0) return bodies
        bodies.push(...Messages.map(({ Body = '' }) => Body))
      }
    },
    startWorker(queue) {
      const args = [join(packages, 'cli', 'bin', 'repokeeper.js'), 'worker', '-q', queue, '--log-format', 'json']
      const child = spawn(process.execPath, args, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
      children.push(child)
      return watchWorker(child)
    },
    async drained() {
      const until = Date.now() + 90_000
      while ((await messagesIn(add)) + (await messagesIn(remove)) > 0) {
        if (Date.now() > until) throw new Error('messages are still in the queues')
        await delay(100)
      }
    },
  }
}

async function readEndpoint(cloud: ReturnType<typeof spawn>): Promise<string> {
  if (cloud.stdout === null) throw new Error('no output')
  for await (const line of createInterface({ input: cloud.stdout })) {
    const ready: unknown = JSON.parse(line)
    if (typeof ready === 'object' && ready !== null && 'endpoint' in ready) return String(ready.endpoint)
  }
  throw new Error('local-cloud did not start')
}

function watchWorker(child: ChildProcess): WorkerProcess {
  const log: Record<string, unknown>[] = []
  const waiting = new Set<(line: Record<string, unknown>) => void>()
  if (child.stderr === null) throw new Error('no log')
  createInterface({ input: child.stderr }).on('line', (line) => {
    const entry: unknown = parseLine(line)
    if (typeof entry !== 'object' || entry === null) return
    const fields: Record<string, unknown> = { ...entry }
    log.push(fields)
    for (const look of [...waiting]) look(fields)
  })
  return {
    process: child,
    log,
    sees(isTheOne) {
      if (log.some(isTheOne)) return Promise.resolve()
      return new Promise((resolve) => {
        const look = (line: Record<string, unknown>) => {
          if (!isTheOne(line)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
      })
    },
    async crash() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return { event: 'not json', line }
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
