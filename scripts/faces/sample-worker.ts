/**
 * A worker with its endpoint open, a queue in which nothing comes, and repositories in memory.
 */
import { EventEmitter } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs'
import { startLocalCloud } from '@repokeeper/local-cloud'
import type { ObjectStore } from '@repokeeper/object-store'
import { MemoryCache, realContext, searchPackages } from '@repokeeper/repository'
import { readWorkerOptions, runWorker, WorkerEvents } from '@repokeeper/worker'

export interface SampleWorker {
  readonly origin: string
  close(): Promise<void>
}

/** @param store of every bucket @param repositories as `--repository` has them */
export async function startSampleWorker(store: ObjectStore, repositories: string): Promise<SampleWorker> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-worker-'))
  const cloud = await startLocalCloud({ directory })
  const client = new SQSClient({ endpoint: cloud.endpoint, region: 'us-east-1' })
  await client.send(new CreateQueueCommand({ QueueName: 'repo-additions' }))
  client.destroy()
  const flags = { queue: 'repo-additions', endpointUrl: cloud.endpoint, repositories, http: '127.0.0.1:0' }
  const outcome = readWorkerOptions({ flags, environment: {} })
  if (outcome.kind === 'problems') throw new Error(outcome.problems.join('\n'))
  const events = new WorkerEvents()
  const listening = new Promise<number>((resolve) => {
    events.subscribe((name, event) => {
      if (name === 'ops-listening' && 'port' in event) resolve(event.port)
    })
  })
  const signals = new EventEmitter()
  const cache = new MemoryCache()
  const ended = runWorker(
    outcome.options,
    {
      openBucket: () => store,
      reconcile: async () => ({ verdicts: new Map() }),
      probeConditions: async () => ({ kind: 'honoured' }),
      searchPackages: (location, options, context) =>
        searchPackages(location, realContext({ ...context, cache, onEvent: () => {} }), options),
    },
    { events, signals, stream: new PassThrough().resume(), exit: () => {} },
  )
  const port = await listening
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      signals.emit('SIGTERM', 'SIGTERM')
      await ended
      await cloud.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
