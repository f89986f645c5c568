/**
 * local-cloud as a process, with a bucket, its queues and their dead-letter queue.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { FaultRule } from '@repokeeper/local-cloud'
import { S3Store } from '@repokeeper/object-store'
import { createCloudResources } from '../../fixtures/cloud-resources.ts'

export const checkout = resolve(import.meta.dirname, '..', '..')

export interface Cloud {
  readonly endpoint: string
  readonly bucket: string
  readonly queues: { readonly add: string; readonly remove: string; readonly deadLetters: string }
  /** As somebody whom no fault concerns. */
  readonly store: S3Store
  setFaults(rules: readonly FaultRule[]): Promise<void>
  /** Messages in a queue, whether they can be seen or not. */
  messagesIn(queue: string): Promise<number>
  /** False where messages are left after that time. */
  drained(milliseconds: number): Promise<boolean>
  close(): Promise<void>
}

export interface StartCloudOptions {
  readonly directory: string
  readonly seed: number
  readonly maxReceiveCount: number
  readonly visibilityTimeoutSeconds: number
}

/** Environment of a process that works on this cloud under a name of its own, so that faults can be for it alone. */
export function environmentOf(endpoint: string, name: string): NodeJS.ProcessEnv {
  const { AWS_PROFILE: _profile, ...rest } = process.env
  return {
    ...rest,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: name,
    AWS_SECRET_ACCESS_KEY: 'anything',
  }
}

export async function startCloud({ directory, seed, ...queueOptions }: StartCloudOptions): Promise<Cloud> {
  const main = join(checkout, 'packages', 'local-cloud', 'src', 'main.ts')
  const child = spawn(process.execPath, [main, '--directory', join(directory, 'cloud'), '--seed', String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const endpoint = await readEndpoint(child)
  const bucket = 'packages'
  const [add, remove, deadLetters] = await createCloudResources(endpoint, bucket, queueOptions)
  const credentials = { accessKeyId: 'load', secretAccessKey: 'anything' }
  const client = { endpoint, region: 'us-east-1', credentials }
  const store = new S3Store({ ...client, bucket })
  const sqs = new SQSClient({ ...client, useQueueUrlAsEndpoint: false })

  const messagesIn = async (queue: string): Promise<number> => {
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: queue }))
    const AttributeNames = [
      'ApproximateNumberOfMessages' as const,
      'ApproximateNumberOfMessagesNotVisible' as const,
      'ApproximateNumberOfMessagesDelayed' as const,
    ]
    const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }))
    return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0)
  }
  const local = async (method: string, body?: string): Promise<void> => {
    const answer = await fetch(`${endpoint}/_local/faults`, { method, ...(body !== undefined && { body }) })
    if (!answer.ok) throw new Error(await answer.text())
  }
  return {
    endpoint,
    bucket,
    queues: { add, remove, deadLetters },
    store,
    messagesIn,
    async setFaults(rules) {
      await local('DELETE')
      if (rules.length > 0) await local('POST', JSON.stringify(rules))
    },
    async drained(milliseconds) {
      const until = performance.now() + milliseconds
      while ((await messagesIn(add)) + (await messagesIn(remove)) > 0) {
        if (performance.now() > until) return false
        await delay(200)
      }
      return true
    },
    async close() {
      await store.close()
      sqs.destroy()
      await endProcess(child, 'SIGTERM')
    },
  }
}

/** Resolves when it is gone. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

async function readEndpoint({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('local-cloud has no output')
  for await (const line of createInterface({ input: stdout })) {
    const ready: unknown = JSON.parse(line)
    if (typeof ready === 'object' && ready !== null && 'endpoint' in ready) return String(ready.endpoint)
  }
  throw new Error('local-cloud did not start')
}
