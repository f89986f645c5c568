import { parseRepositoryRoot, placeId, type RepositoryPlace, type RootPattern } from '@repokeeper/repository'
import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'

/** Something that is done to each repository now and then, whether messages come or not. */
export interface UpkeepJob {
  readonly name: 'audit' | 'clean-up' | 'second look'
  /** Milliseconds from the end of one round to the begin of the next. 0: never. */
  readonly intervalMs: number
  /** Milliseconds from the start within which the first round begins, after a random part of them. Default: the interval. */
  readonly firstWithinMs?: number
  /** May reject: then it is said, and tried again in the next round. */
  run(place: RepositoryPlace, signal: AbortSignal): Promise<void>
}

export interface UpkeepOptions {
  readonly jobs: readonly UpkeepJob[]
  /** Roots by bucket; `undefined`: none are configured. */
  readonly roots: ReadonlyMap<string, readonly RootPattern[]> | undefined
  readonly clock: Clock
  readonly events: WorkerEvents
}

/** Messages decide which repositories are known; the one whose last publish is longest ago is forgotten first. */
const placesMax = 10_000

/**
 * Looks after the repositories that this worker knows: those it was configured for by name, and those it has published.
 *
 * The first round comes after a random part of a time, so that workers that were started together don't all list the same
 * buckets at once. One repository is audited or cleaned up at a time: whatever the jobs hold in memory, it is that of one.
 */
export class Upkeep {
  readonly #options: UpkeepOptions
  readonly #places = new Map<string, RepositoryPlace>()
  readonly #stopping = new AbortController()
  readonly #cancel = new Map<UpkeepJob, () => void>()
  #unsubscribe: () => void = () => {}
  /** Second looks don't wait for audits. */
  readonly #last = { light: Promise.resolve(), heavy: Promise.resolve() }

  constructor(options: UpkeepOptions) {
    this.#options = options
  }

  start(): void {
    const { jobs, clock, events, roots } = this.#options
    if (this.#stopping.signal.aborted || !jobs.some(({ intervalMs }) => intervalMs > 0)) return
    for (const place of namedPlaces(roots)) this.#know(place)
    this.#unsubscribe = events.subscribe((name, event) => {
      if (name !== 'batch-settled' || !('bucket' in event) || !('root' in event)) return
      this.#know({ bucket: event.bucket, root: parseRepositoryRoot(event.root) })
    })
    for (const job of jobs) {
      const { intervalMs, firstWithinMs = intervalMs } = job
      if (intervalMs > 0) this.#schedule(job, clock.random() * firstWithinMs)
    }
  }

  /** Begins nothing more, and gives up what is under way. Resolves when that is over; never rejects. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#unsubscribe()
    for (const cancel of this.#cancel.values()) cancel()
    await Promise.all([this.#last.light, this.#last.heavy])
  }

  #schedule(job: UpkeepJob, afterMs: number): void {
    if (this.#stopping.signal.aborted) return
    const begin = (): void => {
      const lane = job.name === 'second look' ? 'light' : 'heavy'
      this.#last[lane] = this.#last[lane].then(() => this.#round(job)).then(() => this.#schedule(job, job.intervalMs))
    }
    this.#cancel.set(job, this.#options.clock.after(afterMs, begin))
  }

  async #round(job: UpkeepJob): Promise<void> {
    const { signal } = this.#stopping
    for (const place of [...this.#places.values()]) {
      if (signal.aborted) return
      try {
        await job.run(place, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#options.events.emit('upkeep-failed', { job: job.name, bucket: place.bucket, root: place.root, error })
      }
    }
  }

  #know(place: RepositoryPlace): void {
    const id = placeId(place)
    this.#places.delete(id)
    this.#places.set(id, place)
    for (const oldest of this.#places.keys()) {
      if (this.#places.size <= placesMax) break
      this.#places.delete(oldest)
    }
  }
}

/** Those of the configured roots that stand for one repository each. What a `*` stands for is known when it is published. */
function namedPlaces(roots: UpkeepOptions['roots']): RepositoryPlace[] {
  return [...(roots ?? [])].flatMap(([bucket, patterns]) =>
    patterns
      .filter(({ segments }) => !segments.includes('*'))
      .map(({ segments }) => ({ bucket, root: parseRepositoryRoot(segments.join('/')) })),
  )
}
