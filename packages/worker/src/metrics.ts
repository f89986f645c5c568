import type { Clock } from './clock.ts'
import type { WorkerEventMap, WorkerEvents } from './events.ts'
import type { HeldMessages } from './held-messages.ts'
import { expiryGauges, type WatchedKey } from './key-expiry.ts'
import type { MetricName } from './metrics-catalogue.ts'

/** One or more values of one metric. */
export interface Measurement {
  readonly name: MetricName
  readonly values: readonly number[]
}

/** Somewhere that measurements go. */
export interface MetricsSink {
  /** For messages to people. */
  readonly name: string
  /** What it throws is said once and is no reason to stop. */
  take(measurements: readonly Measurement[]): void
  /** Sends what is left. Never rejects. */
  close(): Promise<void>
}

export interface MetricsOptions {
  readonly sinks: readonly MetricsSink[]
  readonly held: HeldMessages
  /** Those that sign, and those whose signatures count. */
  readonly keys: () => readonly WatchedKey[]
  readonly clock: Clock
  /** The time of day. */
  readonly date: () => Date
}

export interface Heartbeat {
  readonly intervalMs: number
  /** Milliseconds of the clock. */
  readonly lastAt: number | undefined
  readonly nextAt: number
}

interface RunUnderWay {
  /** When its last publish landed. */
  publishedAt?: Date
  readonly waitedSeconds: number[]
}

const heartbeatMs = 60_000
/** Of one run; a run of more changes is measured by the first of them. */
const waitsMax = 10_000

/** Turns the events of a worker into measurements, and hands them to the sinks. */
export class Metrics {
  readonly #options: MetricsOptions
  readonly #events: WorkerEvents
  readonly #unsubscribe: () => void
  readonly #runs = new Map<string, RunUnderWay>()
  readonly #silent = new Set<MetricsSink>()
  #lastSuccess: Date | undefined
  #heartbeat: Heartbeat
  #cancel: () => void = () => {}

  constructor(events: WorkerEvents, options: MetricsOptions) {
    this.#options = options
    this.#events = events
    const handlers: { readonly [E in keyof WorkerEventMap]?: (event: WorkerEventMap[E]) => void } = {
      polled: ({ messages }) => this.#polled(messages),
      unreadable: () => this.#take(one('repokeeper.unreadable')),
      'upkeep-failed': () => this.#take(one('repokeeper.upkeep_failures')),
      'batch-started': ({ batch }) => void this.#runs.set(batch, { waitedSeconds: [] }),
      repository: (event) => this.#repository(event),
      covered: (event) => this.#covered(event),
      'batch-settled': (event) => this.#settled(event),
      'batch-held': ({ batch }) => this.#endRun(batch),
      'batch-failed': ({ batch }) => this.#endRun(batch),
    }
    this.#unsubscribe = events.subscribe((name, event) => handlers[name]?.(event))
    // Workers that were started together need not beat together.
    this.#heartbeat = this.#arm(options.clock.random() * heartbeatMs)
  }

  get heartbeat(): Heartbeat {
    return this.#heartbeat
  }

  /** What holds now. */
  gauges(): Measurement[] {
    const { held, keys, date } = this.#options
    const now: Measurement[] = [
      { name: 'repokeeper.messages_held', values: [held.count] },
      ...expiryGauges(keys(), date()),
    ]
    if (this.#lastSuccess === undefined) return now
    const seconds = this.#lastSuccess.getTime() / 1000
    return [...now, { name: 'repokeeper.last_success_timestamp.seconds', values: [seconds] }]
  }

  async close(): Promise<void> {
    this.#cancel()
    this.#unsubscribe()
    await Promise.all(this.#options.sinks.map((sink) => sink.close()))
  }

  #arm(afterMs: number): Heartbeat {
    const { clock } = this.#options
    this.#cancel = clock.after(afterMs, () => {
      this.#beat()
      this.#heartbeat = { ...this.#arm(heartbeatMs), lastAt: clock.now() }
    })
    return { intervalMs: heartbeatMs, lastAt: undefined, nextAt: clock.now() + afterMs }
  }

  #beat(measurements: readonly Measurement[] = []): void {
    this.#take([...one('repokeeper.heartbeat'), ...measurements, ...this.gauges()])
  }

  #polled(messages: number): void {
    if (messages === 0 && this.#options.held.count === 0) this.#lastSuccess = this.#options.date()
  }

  #repository(event: WorkerEventMap['repository']): void {
    if (event.kind === 'lost the race') this.#take(one('repokeeper.conflicts'))
    if (event.kind !== 'published') return
    const run = event.batch === undefined ? undefined : this.#runs.get(event.batch)
    if (run !== undefined) run.publishedAt = this.#options.date()
    this.#take([{ name: 'repokeeper.publish.seconds', values: [event.milliseconds / 1000] }])
  }

  /** What was so already has been published by somebody else, who has measured it. */
  #covered({ batch, change, eventTime }: WorkerEventMap['covered']): void {
    const run = this.#runs.get(batch)
    if (run === undefined || eventTime === undefined || run.waitedSeconds.length >= waitsMax) return
    if (change === 'kept' || change === 'absent') return
    const publishedAt = run.publishedAt ?? this.#options.date()
    run.waitedSeconds.push(Math.max(0, publishedAt.getTime() - eventTime.getTime()) / 1000)
  }

  #settled({ batch, changes, refused }: WorkerEventMap['batch-settled']): void {
    this.#lastSuccess = this.#options.date()
    const counts = [
      { name: 'repokeeper.packages.added', values: [changes.added] },
      { name: 'repokeeper.packages.replaced', values: [changes.replaced] },
      { name: 'repokeeper.packages.removed', values: [changes.removed] },
      { name: 'repokeeper.packages.refused', values: [refused] },
    ] as const
    const waits: Measurement = {
      name: 'repokeeper.event_to_published.seconds',
      values: this.#runs.get(batch)?.waitedSeconds ?? [],
    }
    this.#endRun(batch, [...counts.filter(({ values: [count] }) => count > 0), waits])
  }

  #endRun(batch: string, measurements: readonly Measurement[] = []): void {
    this.#runs.delete(batch)
    this.#beat(measurements.filter(({ values }) => values.length > 0))
  }

  #take(measurements: readonly Measurement[]): void {
    for (const sink of this.#options.sinks) {
      try {
        sink.take(measurements)
      } catch (error) {
        if (this.#silent.has(sink)) continue
        this.#silent.add(sink)
        this.#events.emit('metrics-failed', { sink: sink.name, error })
      }
    }
  }
}

function one(name: MetricName): Measurement[] {
  return [{ name, values: [1] }]
}
