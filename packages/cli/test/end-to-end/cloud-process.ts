/**
 * local-cloud and the workers as processes, the way they run for real, and what a test wants to know of them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import { onTestFinished } from 'vitest'
import { type Cloud, checkout, endProcess, environmentOf, own, startCloud } from '../../../../fixtures/cloud-process.ts'

export interface CloudProcess extends Omit<Cloud, 'drained'> {
  /** A directory of the test's own, gone after it. */
  readonly directory: string
  /** Takes what is in the dead-letter queue. */
  deadLetters(): Promise<string[]>
  startWorker(queue: string, ...options: readonly string[]): WorkerProcess
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

const visibilityTimeoutSeconds = 5

export interface CloudProcessOptions {
  readonly maxReceiveCount?: number
  /** Of its workers, besides. */
  readonly environment?: Readonly<Record<string, string>>
}

export async function startCloudProcess(options: CloudProcessOptions = {}): Promise<CloudProcess> {
  const { maxReceiveCount = 5 } = options
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-end-to-end-'))
  const workers: ChildProcess[] = []
  const cloud = await startCloud({ directory, seed: 1, maxReceiveCount, visibilityTimeoutSeconds })
  onTestFinished(async () => {
    for (const worker of workers) await endProcess(worker, 'SIGKILL')
    await cloud.close()
    await rm(directory, { recursive: true, force: true })
  })
  const environment: NodeJS.ProcessEnv = {
    ...environmentOf(cloud.endpoint, 'worker'),
    REPOKEEPER_CACHE_DIR: join(directory, 'cache'),
    REPOKEEPER_BATCH_QUIET_SECONDS: '0.3',
    REPOKEEPER_LOG_LEVEL: 'debug',
    REPOKEEPER_VISIBILITY_TIMEOUT_SECONDS: String(visibilityTimeoutSeconds),
    ...options.environment,
  }
  return {
    ...cloud,
    directory,
    async deadLetters() {
      const QueueUrl = cloud.queueUrl(cloud.queues.deadLetters)
      const bodies: string[] = []
      for (;;) {
        const { Messages = [] } = await cloud.sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))
        if (Messages.length === 0) return bodies
        bodies.push(...Messages.map(({ Body = '' }) => Body))
      }
    },
    startWorker(queue, ...options) {
      const program = join(checkout, 'packages', 'cli', 'bin', 'repokeeper.js')
      const args = [program, 'worker', '-q', queue, '--log-format', 'json', ...options]
      const worker = own(spawn(process.execPath, args, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] }))
      workers.push(worker)
      return watchWorker(worker)
    },
    async drained() {
      if (!(await cloud.drained(90_000))) throw new Error('messages are still in the queues')
    },
  }
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
      await endProcess(child, 'SIGKILL')
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
