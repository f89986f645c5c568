import type { ObjectStore } from '@repokeeper/object-store'
import { type Clock, systemClock } from './clock.ts'
import { parseDuration } from './duration.ts'
import { WorkerEvents } from './events.ts'
import { RunHistory } from './history.ts'
import { HistoryFile } from './history-file.ts'
import { watchedKeys } from './key-expiry.ts'
import { watchKeys } from './key-watch.ts'
import { logEvents } from './log.ts'
import { Operations } from './operations.ts'
import { inboxesOf, rootsOf, type WorkerOptions } from './options.ts'
import type { KeyringSummary } from './package-policy-settings.ts'
import type { SearchPackages } from './package-search.ts'
import { QueueError } from './queue-error.ts'
import type { ProbeConditions, Reconcile } from './reconcile.ts'
import { backOffSeconds } from './settle.ts'
import { openSqsQueue, type SqsQueue } from './sqs-queue.ts'
import type { UpkeepStages } from './upkeep-jobs.ts'
import type { WatchedSigner } from './watched-signer.ts'
import { createWorker } from './worker.ts'
import type { Worker, WorkerEnd, WorkerSettings } from './worker-parts.ts'

/** What the worker works with. */
export interface WorkerStages extends UpkeepStages {
  readonly openBucket: (bucket: string) => ObjectStore
  readonly reconcile: Reconcile
  readonly probeConditions: ProbeConditions
  /** Of the endpoint. Absent: it has no search. */
  readonly searchPackages?: SearchPackages
  /** What signs. Absent: nothing does. */
  readonly signer?: WatchedSigner | undefined
  /** Where packages have to be signed: whose signatures count, to be told once. */
  readonly keyring?: KeyringSummary | undefined
}

/** The process around a worker. */
export interface WorkerIo {
  /** Where the log goes. */
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** `process`, or in tests something that emits the same. */
  readonly signals: Pick<NodeJS.EventEmitter, 'on' | 'off'>
  /** Ends the process at once. */
  readonly exit: (code: number) => void
  readonly clock: Clock
  /** The time of day. */
  readonly date: () => Date
  readonly events: WorkerEvents
  /** Path of the file in which what was done is remembered. Absent: the history ends with the process. */
  readonly historyPath: string
  /** Where metrics go with `emf`. */
  readonly stdout: { write(text: string): unknown }
}

/** Long polling; `once` wants to know soon whether there is more. */
const waitSeconds = { service: 20, once: 1 }
const connectDelay = { firstSeconds: 1, mostSeconds: 30 }

/**
 * Runs a worker until it is told to stop (SIGTERM, SIGINT; the second one exits at once) or, with `once`, until the queue is empty.
 * @returns the exit code: 0; 1 where it failed, or `once` left a message or did not reach a bucket; 2 where what it was told can never work.
 */
export async function runWorker(
  options: WorkerOptions,
  stages: WorkerStages,
  io: Partial<WorkerIo> = {},
): Promise<number> {
  const { stream = process.stderr, signals = process, clock = systemClock, events = new WorkerEvents() } = io
  const exit = io.exit ?? ((code) => process.exit(code))
  const endLog = logEvents(events, { level: options.logLevel, format: options.logFormat, stream })
  const history = openHistory(events, clock, io.historyPath)
  const stopping = new AbortController()
  let worker: Worker | undefined
  let operations: Operations | undefined
  let endKeyWatch = () => {}
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted) exit(signal === 'SIGINT' ? 130 : 143)
    stopping.abort()
    void worker?.stop()
  }
  signals.on('SIGTERM', onSignal)
  signals.on('SIGINT', onSignal)
  try {
    const { openBucket, searchPackages, keyring, signer } = stages
    if (keyring !== undefined) tellKeyring(events, keyring)
    const { stdout = process.stdout, date = () => new Date() } = io
    const keys = () => watchedKeys(signer, keyring)
    endKeyWatch = watchKeys(events, { keys, clock, date })
    // Files that are read only where somebody may look.
    const page = options.http === undefined ? undefined : (await import('./status-page/page.ts')).statusPage
    const given = { options, events, history, clock, date, openBucket, searchPackages, signer, keys, stdout, page }
    operations = await Operations.open(given)
    const queue = await connect(options, { clock, events, stopping: stopping.signal })
    if (queue === undefined) return 0
    for (const advice of queue.advice) events.emit('queue-advice', { queue: queue.name, advice })
    worker = createWorker({ ...stages, queue, clock, events }, settingsOf(options))
    operations.attach(queue, worker)
    worker.start()
    if (stopping.signal.aborted) await worker.stop()
    const end = await worker.finished
    queue.close()
    return exitCodeOf(end, options)
  } catch (error) {
    events.emit('failed', {
      error: error instanceof QueueError ? new Error(`${error.message} ${error.whatToDo}`.trim()) : error,
    })
    // A supervisor takes 2 for final: whoever starts it again finds the same.
    return error instanceof QueueError && error.isConfiguration ? 2 : 1
  } finally {
    signals.off('SIGTERM', onSignal)
    signals.off('SIGINT', onSignal)
    endKeyWatch()
    await operations?.close()
    history.close()
    endLog()
  }
}

function exitCodeOf(end: WorkerEnd, { once }: WorkerOptions): number {
  switch (end.kind) {
    case 'drained':
      return end.left === 0 && end.untried.length === 0 ? 0 : 1
    case 'stopped':
      // A run that was to empty the queue and was stopped has not emptied it.
      return once ? 1 : 0
    case 'failed':
      return 1
  }
}

export function settingsOf(options: WorkerOptions): WorkerSettings {
  return {
    roots: rootsOf(options.repositories),
    inboxes: inboxesOf(options),
    windows: {
      quietMs: options.batchQuietSeconds * 1000,
      longestWaitMs: options.batchLongestWaitSeconds * 1000,
      keysMax: options.batchKeysMax,
    },
    visibilityTimeoutSeconds: options.visibilityTimeoutSeconds,
    concurrency: options.concurrency,
    messagesMax: options.messagesMax,
    singleWriter: options.singleWriter,
    once: options.once,
    graceMs: options.graceSeconds * 1000,
    upkeep: {
      auditIntervalMs: parseDuration(options.auditInterval) ?? 0,
      gcIntervalMs: parseDuration(options.gcInterval) ?? 0,
      // Parsed before; what cannot be told is kept.
      retentionMs: parseDuration(options.retention) ?? Number.POSITIVE_INFINITY,
      keepGenerations: options.keepGenerations,
    },
  }
}

/** Once, before the first package. */
export function tellKeyring(events: WorkerEvents, { keys, notes, acceptsWeak }: KeyringSummary): void {
  events.emit('package-policy', { keys: keys.map(({ keyId, userId }) => ({ keyId, userId })), acceptsWeak })
  for (const note of notes) events.emit('keyring-note', note)
}

function openHistory(events: WorkerEvents, clock: Clock, path: string | undefined): RunHistory {
  const file =
    path === undefined
      ? undefined
      : HistoryFile.open(path, (error) => events.emit('history-unwritable', { path, error }))
  return new RunHistory(events, {
    clock,
    date: () => new Date(),
    remembered: file?.remembered,
    keep: (record) => file?.append(record),
  })
}

/**
 * Finds the queue. A service that is started before its endpoint, its credentials or its queue waits for them; `once`, and what was said and can
 * never work, end the process. `undefined`: it was told to stop meanwhile.
 */
async function connect(
  options: WorkerOptions,
  { clock, events, stopping }: { readonly clock: Clock; readonly events: WorkerEvents; readonly stopping: AbortSignal },
): Promise<SqsQueue | undefined> {
  for (let failures = 1; !stopping.aborted; failures += 1) {
    try {
      return await openSqsQueue({ ...options, waitSeconds: options.once ? waitSeconds.once : waitSeconds.service })
    } catch (error) {
      if (!(error instanceof QueueError) || error.isConfiguration || options.once) throw error
      const { code, message, whatToDo } = error
      const retrySeconds = backOffSeconds(failures, connectDelay, clock.random)
      events.emit('receive-failed', { code, message, whatToDo, failures, retrySeconds })
      await sleep(clock, retrySeconds * 1000, stopping)
    }
  }
  return undefined
}

function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve)
    signal.addEventListener(
      'abort',
      () => {
        cancel()
        resolve()
      },
      { once: true },
    )
  })
}
