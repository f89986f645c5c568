/**
 * Many workers on one repository under steady load, in simulated time: how often they lose to each other, and how long an
 * upload takes until a client can see it. Work takes no time here, only the way to S3 and SQS and back.
 */

import { gunzipSync } from 'node:zlib'
import {
  anyPackage,
  HeaderSizes,
  MemoryCache,
  parseRepositoryRoot,
  parseRootPattern,
  type RepositoryContext,
  reconcile,
  Turnstile,
  usualDocuments,
} from '@repokeeper/repository'
import { createWorker, readWorkerOptions, settingsOf, WorkerEvents } from '@repokeeper/worker'
import { Bucket } from './bucket.ts'
import { contents } from './packages.ts'
import { type PendingCall, Scheduler, type SimulatedProcess, settled } from './scheduler.ts'
import { Queue, SimulatedQueue } from './simulated-queue.ts'
import { SimulatedStore } from './simulated-store.ts'

export interface SteadyLoad {
  readonly workers: number
  readonly perSecond: number
  readonly seconds: number
}

export interface SteadyLoadReport {
  readonly publishes: number
  /** Publishes that were lost to another worker. */
  readonly conflicts: number
  /** Of each upload, milliseconds until repomd.xml names a document that lists it. */
  readonly latenciesMs: readonly number[]
}

/** Milliseconds until an answer is there, in the same region; each takes half of it to twice as much. */
const answersMs: readonly (readonly [RegExp, number])[] = [
  [/^PUT/, 40],
  [/^(?:GET|HEAD|DELETE|clock)/, 20],
  [/^LIST/, 40],
  [/./, 10],
]
/** Uploads go round so many packages: what the documents weigh is not what is measured. */
const packagesMax = 300
const root = parseRepositoryRoot('el9/')
const cacheBytesMax = 4 * 2 ** 20

export async function simulateSteadyLoad({ workers, perSecond, seconds }: SteadyLoad): Promise<SteadyLoadReport> {
  const scheduler = new Scheduler()
  const bucket = new Bucket(scheduler, true)
  const queue = new Queue({ name: 'additions', visibilityTimeoutMs: 120_000, receivesMax: 100 }, scheduler)
  const random = lehmer()
  const figures = { publishes: 0, conflicts: 0 }
  /** Compressing goes on in other threads: until it is done no time may pass. */
  const compressing = new Set<SimulatedProcess>()
  const waiting = new Map<string, { readonly at: number; readonly modified: number }[]>()
  const latenciesMs: number[] = []
  bucket.onChange = (key, { bytes, at }) => {
    if (key !== `${root}repodata/repomd.xml` || bytes === undefined) return
    figures.publishes += 1
    for (const [path, modified] of listedIn(bucket, bytes)) {
      const uploads = waiting.get(path) ?? []
      latenciesMs.push(...uploads.filter((upload) => upload.modified <= modified).map((upload) => at - upload.at))
      waiting.set(
        path,
        uploads.filter((upload) => upload.modified > modified),
      )
    }
  }
  for (let number = 1; number <= workers; number += 1) startWorker(`worker ${number}`)

  const total = perSecond * seconds
  for (let number = 0; number < total; number += 1) {
    scheduler.after(undefined, 1_000 + (1_000 * number) / perSecond, () => void upload(number))
  }
  const timed = new Set<PendingCall>()
  const due: PendingCall[] = []
  while (latenciesMs.length < total) {
    await settled()
    for (const call of scheduler.pending) {
      if (timed.has(call)) continue
      timed.add(call)
      if (/^(?:PUT|HEAD)/.test(call.label)) compressing.delete(call.process)
      scheduler.after(undefined, halfWayMs(call, random), () => due.push(call))
    }
    if ([...compressing].some((process) => !asksStore(scheduler, process))) continue
    const next = due.shift()
    if (next === undefined) await scheduler.nextTimer()
    else {
      // Its answer is on its way from now on.
      timed.delete(next)
      await scheduler.step(next)
    }
  }
  return { ...figures, latenciesMs }

  async function upload(number: number): Promise<void> {
    const path = `${number % packagesMax}.rpm`
    const bytes = contents[Math.floor(number / packagesMax) % 2] ?? Buffer.alloc(0)
    await bucket.store.put(`${root}${path}`, bytes, { if: 'always' })
    bucket.record(`${root}${path}`, bytes)
    const modified = bucket.at(`${root}${path}`)?.modified ?? 0
    waiting.set(path, [...(waiting.get(path) ?? []), { at: scheduler.now, modified }])
    const s3 = { bucket: { name: 'bucket' }, object: { key: `${root}${path}` } }
    queue.send(`m${number}`, JSON.stringify({ Records: [{ eventName: 'ObjectCreated:Put', s3 }] }))
  }

  function startWorker(name: string): void {
    const process: SimulatedProcess = { name, isAlive: true }
    const store = new SimulatedStore(bucket, scheduler, process)
    const clock = {
      now: () => scheduler.now,
      after: (ms: number, run: () => void) => scheduler.after(process, ms, run),
      random,
    }
    const context: RepositoryContext = {
      now: () => bucket.clock(),
      random,
      sleep: (ms) => new Promise((resolve) => void scheduler.after(process, ms, resolve)),
      cache: new MemoryCache(cacheBytesMax),
      onEvent: () => {},
      singleWriter: false,
      documents: usualDocuments,
      signing: { kind: 'unsaid' },
      packagePolicy: anyPackage,
      generations: { kind: 'as found' },
      headerSizes: new HeaderSizes(),
      packageReadsMax: 16,
      largePackages: new Turnstile(),
    }
    const events = new WorkerEvents()
    events.subscribe((name, event) => {
      if (name !== 'repository' || !('kind' in event)) return
      if (event.kind === 'snapshot read' || event.kind === 'planned') compressing.add(process)
      if (event.kind === 'lost the race') figures.conflicts += 1
    })
    createWorker(
      {
        queue: new SimulatedQueue(queue, scheduler, process),
        openBucket: () => store,
        probeConditions: async () => ({ kind: 'honoured' }),
        reconcile: (location, keys, { signal, onEvent, joining }) =>
          reconcile(location, keys, { ...context, signal, onEvent }, { joining }),
        clock,
        events,
      },
      { ...defaultSettings(), roots: new Map([['bucket', [parseRootPattern(root)]]]) },
    ).start()
  }
}

/** What holds where nobody says anything. */
function defaultSettings(): ReturnType<typeof settingsOf> {
  const outcome = readWorkerOptions({ flags: { queue: 'additions' }, environment: {}, file: undefined })
  if (outcome.kind === 'problems') throw new Error(outcome.problems.join('\n'))
  return settingsOf(outcome.options)
}

function asksStore(scheduler: Scheduler, process: SimulatedProcess): boolean {
  return scheduler.pending.some((call) => call.process === process && /^(?:GET|PUT|HEAD)/.test(call.label))
}

function halfWayMs({ label }: PendingCall, random: () => number): number {
  const [, usual] = answersMs.find(([pattern]) => pattern.test(label)) ?? [undefined, 10]
  return (usual / 2) * 4 ** (random() - 0.5)
}

/** Path → time, as primary lists it. */
function listedIn(bucket: Bucket, repomd: Buffer): [string, number][] {
  const href = /<data type="primary">[\s\S]*?<location href="([^"]+)"/.exec(repomd.toString())?.[1] ?? ''
  const primary = gunzipSync(bucket.at(`${root}${href}`)?.bytes ?? Buffer.alloc(0)).toString()
  return [...primary.matchAll(/<time file="([0-9]+)"[\s\S]*?<location href="([^"]+)"/g)].map(
    ([, modified, path = '']) => [path, Number(modified)],
  )
}

/** Chance that is the same in every run (Lehmer, 1951). */
function lehmer(): () => number {
  let state = 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
