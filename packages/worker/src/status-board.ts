import type { WorkerEventMap, WorkerEvents } from './events.ts'
import type { Refusal, Run, RunHistory } from './history.ts'
import type { Measurement, MetricsSink } from './metrics.ts'

/** A publish that is under way. */
export interface Publishing {
  readonly bucket: string
  readonly root: string
  readonly keys: number
  /** ISO 8601, UTC; so are all times here. */
  readonly since: string
}

/** From a change to the publish that covers it, of the last thousand changes. */
export interface Latency {
  readonly p50Seconds: number | null
  readonly p95Seconds: number | null
  readonly count: number
}

/** What a day changed, UTC. */
export interface DayCounts {
  readonly day: string
  readonly added: number
  readonly replaced: number
  readonly removed: number
}

export interface StatusRefusal extends Refusal {
  /** Begin of the run that refused it. */
  readonly at: string
}

export interface StatusBoardOptions {
  readonly date: () => Date
  /** Its runs of before count for their days. */
  readonly history: RunHistory
}

const daysMax = 30
const latenciesMax = 1_000
const refusalsMax = 20

/** What a status page shows of one worker, gathered from its events and measurements. Memory is bounded. */
export class StatusBoard implements MetricsSink {
  readonly name = 'status'
  readonly #options: StatusBoardOptions
  readonly #unsubscribe: () => void
  readonly #publishing = new Map<string, Publishing>()
  readonly #days = new Map<string, DayCounts>()
  readonly #latencies: number[] = []

  constructor(events: WorkerEvents, options: StatusBoardOptions) {
    this.#options = options
    for (const { startedAt, ...counts } of options.history.runs().toReversed()) this.#count(startedAt, counts)
    const handlers: { readonly [E in keyof WorkerEventMap]?: (event: WorkerEventMap[E]) => void } = {
      'batch-started': ({ batch, bucket, root, keys }) =>
        void this.#publishing.set(batch, { bucket, root, keys, since: this.#now() }),
      'batch-settled': ({ batch, changes }) => {
        this.#publishing.delete(batch)
        this.#count(this.#now(), changes)
      },
      'batch-held': ({ batch }) => void this.#publishing.delete(batch),
      'batch-failed': ({ batch }) => void this.#publishing.delete(batch),
    }
    this.#unsubscribe = events.subscribe((name, event) => handlers[name]?.(event))
  }

  publishing(): readonly Publishing[] {
    return [...this.#publishing.values()]
  }

  latency(): Latency {
    const sorted = this.#latencies.toSorted((a, b) => a - b)
    return { p50Seconds: quantile(sorted, 0.5), p95Seconds: quantile(sorted, 0.95), count: sorted.length }
  }

  /** The oldest first; days on which nothing changed are left out. */
  perDay(): readonly DayCounts[] {
    return [...this.#days.values()].toSorted((a, b) => (a.day < b.day ? -1 : 1))
  }

  /** The newest first. */
  refused(): readonly StatusRefusal[] {
    const refused = this.#options.history
      .runs()
      .flatMap(({ startedAt, refusals }) =>
        refusals.filter(({ code }) => code !== 'UNDECIDED').map((refusal) => ({ at: startedAt, ...refusal })),
      )
    return refused.slice(0, refusalsMax)
  }

  take(measurements: readonly Measurement[]): void {
    for (const { name, values } of measurements) {
      if (name !== 'repokeeper.event_to_published.seconds') continue
      this.#latencies.push(...values)
      this.#latencies.splice(0, this.#latencies.length - latenciesMax)
    }
  }

  async close(): Promise<void> {
    this.#unsubscribe()
  }

  #count(at: string, { added, replaced, removed }: Pick<Run, 'added' | 'replaced' | 'removed'>): void {
    if (added + replaced + removed === 0) return
    const day = at.slice(0, 10)
    const before = this.#days.get(day) ?? { day, added: 0, replaced: 0, removed: 0 }
    this.#days.set(day, {
      day,
      added: before.added + added,
      replaced: before.replaced + replaced,
      removed: before.removed + removed,
    })
    const oldest = [...this.#days.keys()].toSorted()[0]
    if (this.#days.size > daysMax && oldest !== undefined) this.#days.delete(oldest)
  }

  #now(): string {
    return this.#options.date().toISOString()
  }
}

/** The smallest value that so large a part of them does not exceed. */
function quantile(sorted: readonly number[], part: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? null
}
