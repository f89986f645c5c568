import { MemoryStore } from '@repokeeper/object-store'
import { interpretMessage } from '@repokeeper/repository'
import { type WorkerEventMap, type WorkerEventName, WorkerEvents } from '../src/events.ts'
import type { ProbeConditions, Reconcile } from '../src/reconcile.ts'
import { createWorker } from '../src/worker.ts'
import type { WorkerSettings } from '../src/worker-parts.ts'
import { FakeQueue, type FakeQueueOptions } from './fake-queue.ts'
import { ManualClock } from './manual-clock.ts'

export const settings: WorkerSettings = {
  roots: undefined,
  windows: { quietMs: 2_000, longestWaitMs: 20_000, keysMax: 1_000 },
  visibilityTimeoutSeconds: 60,
  concurrency: 4,
  messagesMax: 100,
  singleWriter: false,
  once: false,
  graceMs: 10_000,
}

export const covered = { kind: 'covered', change: 'added' } as const

export interface BenchOptions extends Partial<WorkerSettings>, Partial<FakeQueueOptions> {
  readonly reconcile?: Reconcile
  readonly probeConditions?: ProbeConditions
  readonly random?: () => number
}

/** A worker with a queue in memory, a clock that stands still, and a reconcile that covers everything unless told otherwise. */
export function bench(options: BenchOptions = {}) {
  const clock = new ManualClock(options.random)
  const queue = new FakeQueue(clock, { visibilityTimeoutSeconds: settings.visibilityTimeoutSeconds, ...options })
  const events = new WorkerEvents()
  const log: { readonly name: WorkerEventName; readonly event: WorkerEventMap[WorkerEventName] }[] = []
  events.subscribe((name, event) => log.push({ name, event }))
  const calls: { readonly place: string; readonly keys: string[] }[] = []
  const stores: MemoryStore[] = []
  const reconcile: Reconcile = async (location, keys, context) => {
    calls.push({ place: `${location.store.name}/${location.root}`, keys: [...keys] })
    return await (options.reconcile ?? coverAll)(location, keys, context)
  }
  const openBucket = (bucket: string) => {
    const store = new MemoryStore({ name: bucket })
    stores.push(store)
    return store
  }
  const parts = {
    queue,
    openBucket,
    reconcile,
    clock,
    events,
    probeConditions: options.probeConditions ?? (async () => ({ kind: 'honoured' as const })),
  }
  const worker = createWorker(parts, { ...settings, ...options })
  const eventsNamed = <E extends WorkerEventName>(name: E) =>
    log.filter((entry) => entry.name === name).map(({ event }) => event)
  return { worker, queue, clock, calls, log, eventsNamed, parts }
}

export const coverAll: Reconcile = async (_location, keys) => ({
  verdicts: new Map([...keys].map((key) => [key, covered])),
})

export function notification(...keys: string[]): string {
  return notificationOf('packages', ...keys)
}

export function notificationOf(bucket: string, ...keys: string[]): string {
  return JSON.stringify({
    Records: keys.map((key) => ({
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: bucket }, object: { key: encodeURIComponent(key) } },
    })),
  })
}

export function keysOf(body: string): string[] {
  const interpretation = interpretMessage(body)
  return interpretation.kind === 'changes' ? interpretation.changes.map(({ bucket, key }) => `${bucket}/${key}`) : []
}

/** A promise and what settles it. */
export function latch() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}
