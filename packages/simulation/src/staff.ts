/**
 * Who works on the bucket: the workers, which are started again when they were killed, and what is done now and then.
 */
import {
  anyPackage,
  HeaderSizes,
  MemoryCache,
  parsePackageInboxes,
  parseRootPattern,
  type RepositoryContext,
  type RepositoryRoot,
  reconcile,
  reconcileInbox,
  Turnstile,
  usualDocuments,
} from '@repokeeper/repository'
import { createWorker, WorkerEvents } from '@repokeeper/worker'
import type { Bucket } from './bucket.ts'
import { inboxRoot, rejectedRoot } from './inbox-claims.ts'
import type { Scenario, Task } from './scenario.ts'
import type { Scheduler, SimulatedProcess } from './scheduler.ts'
import { simulatedSigner } from './signer.ts'
import { type Queue, SimulatedQueue } from './simulated-queue.ts'
import { SimulatedStore } from './simulated-store.ts'
import { carryOut, isOfPerson } from './tasks.ts'
import { onlySigned } from './trust.ts'
import { Violation } from './violation.ts'

export interface StaffOptions {
  readonly scenario: Scenario
  readonly bucket: Bucket
  readonly scheduler: Scheduler
  readonly root: RepositoryRoot
  readonly retentionMs: number
  readonly visibilityTimeoutSeconds: number
  /** A worker gave up, which none may. */
  readonly onFailed: (violation: Violation) => void
}

const baseUrl = 'https://packages.example.com/{path}/'
/** A worker that was killed is started again after a while. */
const restartMs = 1_000

interface Program {
  readonly name: string
  readonly queue: Queue
  /** Survives a kill, as a disk does. */
  readonly cache: MemoryCache
  readonly clockOffsetMs: number
  process: SimulatedProcess
}

export class Staff {
  readonly #options: StaffOptions
  readonly #workers: Program[] = []
  readonly #underWay = new Map<SimulatedProcess, Task>()
  #tasks = 0
  #chance = 1

  constructor(options: StaffOptions) {
    this.#options = options
  }

  get tasksUnderWay(): number {
    return this.#underWay.size
  }

  get hasPeople(): boolean {
    return [...this.#underWay.values()].some(isOfPerson)
  }

  hire(name: string, queue: Queue): void {
    const offsets = this.#options.scenario.clockOffsetsMs
    const worker: Program = {
      name,
      queue,
      cache: new MemoryCache(),
      clockOffsetMs: offsets[this.#workers.length % offsets.length] ?? 0,
      process: { name, isAlive: false },
    }
    this.#workers.push(worker)
    this.#start(worker)
  }

  /** What is done now and then, and by people. */
  begin(task: Task): void {
    this.#tasks += 1
    const process = { name: `${task.kind} ${this.#tasks}`, isAlive: true }
    const offsets = this.#options.scenario.clockOffsetsMs
    const context = this.#context(process, new MemoryCache(), offsets[this.#tasks % offsets.length] ?? 0)
    const { bucket, scheduler, root, retentionMs } = this.#options
    const location = { store: new SimulatedStore(bucket, scheduler, process), root }
    scheduler.note(process.name, 'begins')
    this.#underWay.set(process, task)
    carryOut(task, location, context, { retentionMs })
      .catch((error: unknown) => scheduler.note(process.name, `gives up: ${error}`))
      .finally(() => this.#underWay.delete(process))
  }

  /** It was killed. A worker is started again after a while; what is done now and then is not. */
  lost(process: SimulatedProcess): void {
    this.#underWay.delete(process)
    const worker = this.#workers.find((one) => one.process === process)
    if (worker !== undefined) this.#options.scheduler.after(undefined, restartMs, () => this.#start(worker))
  }

  #start(program: Program): void {
    const process = { name: program.name, isAlive: true }
    program.process = process
    const { scenario, bucket, scheduler, root, visibilityTimeoutSeconds, onFailed } = this.#options
    const store = new SimulatedStore(bucket, scheduler, process)
    const context = this.#context(process, program.cache, program.clockOffsetMs)
    const { inbox } = scenario
    const inboxes =
      inbox === undefined
        ? []
        : parsePackageInboxes([{ from: inboxRoot, to: root, rejected: rejectedRoot, replaces: inbox.replaces }])
    const worker = createWorker(
      {
        queue: new SimulatedQueue(program.queue, scheduler, process),
        openBucket: () => store,
        probeConditions: async () => ({ kind: 'honoured' }),
        reconcile: (location, keys, { signal, onEvent, joining }) =>
          inboxes.length === 0
            ? reconcile(location, keys, { ...context, signal, onEvent }, { joining })
            : reconcileInbox(location, keys, inboxes, { ...context, signal, onEvent }, { joining }),
        clock: {
          now: () => scheduler.now,
          after: (ms, run) => scheduler.after(process, ms, run),
          random: () => this.#random(),
        },
        events: new WorkerEvents(),
      },
      {
        roots: new Map([['bucket', [parseRootPattern(root)]]]),
        inboxes,
        windows: { quietMs: 500, longestWaitMs: 2_000, keysMax: 10 },
        visibilityTimeoutSeconds,
        concurrency: 2,
        messagesMax: 20,
        singleWriter: false,
        once: false,
        graceMs: 10_000,
      },
    )
    void worker.finished.then((end) => {
      if (end.kind === 'failed') onFailed(new Violation(`${program.name} gave up: ${end.error}`))
    })
    worker.start()
  }

  #context(process: SimulatedProcess, cache: MemoryCache, clockOffsetMs: number): RepositoryContext {
    const { scenario, bucket, scheduler } = this.#options
    return {
      now: () => new Date(bucket.clock().getTime() + clockOffsetMs),
      random: () => this.#random(),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          const cancel = scheduler.after(process, ms, resolve)
          signal?.addEventListener('abort', () => {
            cancel()
            reject(signal.reason)
          })
        }),
      cache,
      onEvent: () => {},
      singleWriter: false,
      documents: usualDocuments,
      signing: scenario.signed ? { kind: 'signed', signer: simulatedSigner } : { kind: 'unsaid' },
      packagePolicy: scenario.trusts === 'signed' ? onlySigned : anyPackage,
      generations: scenario.generations ? { kind: 'published', url: baseUrl } : { kind: 'as found' },
      headerSizes: new HeaderSizes(),
      packageReadsMax: 4,
      largePackages: new Turnstile(),
    }
  }

  /** Chance enough for salts and waits, the same in every run of a scenario (Lehmer, 1951). */
  #random(): number {
    this.#chance = (this.#chance * 48_271) % 2_147_483_647
    return this.#chance / 2_147_483_647
  }
}
