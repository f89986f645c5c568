import { parseRepositoryRoot, placeId, type RepositoryPlace, type RootPattern } from '@repokeeper/repository'
import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'
import { namedPlaces } from './named-places.ts'

/** Something that is done to each repository now and then, whether messages come or not. */
export interface UpkeepJob {
  readonly name: 'audit' | 'clean-up' | 'second look' | 'site'
  /** Milliseconds from the end of one round to the begin of the next. 0: never. */
  readonly intervalMs: number
  /** Milliseconds from the start within which the first round begins, after a random part of them. Default: the interval. */
  readonly firstWithinMs?: number
  /** Whether there is anything to do; may reject like `run`. Default: always. */
  isDue?(place: RepositoryPlace, signal: AbortSignal): Promise<boolean>
  /** Told of each publish of this worker. */
  published?(place: RepositoryPlace): void
  /** May reject: then it is said, and tried again in the next round. What is left to others is tried again a little later. */
  run(place: RepositoryPlace, signal: AbortSignal): Promise<'done' | 'left to others'>
}

/** What is known of one job of one repository. Times in milliseconds of the clock. */
export interface ScheduledJob extends RepositoryPlace {
  readonly name: UpkeepJob['name']
  readonly intervalMs: number
  readonly startedAt?: number
  readonly endedAt?: number
  /** Of the one that ended last. */
  readonly outcome?: 'done' | 'left to others' | 'failed' | 'given up'
  /** When the next round begins; absent while one is under way, or waits for another job. */
  readonly nextAt?: number
  readonly isRunning: boolean
}

export interface UpkeepOptions {
  readonly jobs: readonly UpkeepJob[]
  /** Roots by bucket; `undefined`: none are configured. */
  readonly roots: ReadonlyMap<string, readonly RootPattern[]> | undefined
  readonly clock: Clock
  readonly events: WorkerEvents
}

type LastRun = Pick<ScheduledJob, 'startedAt' | 'endedAt' | 'outcome' | 'isRunning'>

/** Messages decide which repositories are known; the one whose last publish is longest ago is forgotten first. */
const placesMax = 10_000
/** Longer than a lease: repository/src/lease.ts. */
const leftToOthersMs = 240_000

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
  readonly #nextAt = new Map<UpkeepJob, number>()
  /** By job, then by repository. */
  readonly #last = new Map<UpkeepJob, Map<string, LastRun>>()
  #unsubscribe: () => void = () => {}
  /** Second looks don't wait for audits. */
  readonly #lanes = { light: Promise.resolve(), heavy: Promise.resolve() }

  constructor(options: UpkeepOptions) {
    this.#options = options
  }

  start(): void {
    const { jobs, clock, events, roots } = this.#options
    if (this.#stopping.signal.aborted || !jobs.some(({ intervalMs }) => intervalMs > 0)) return
    for (const place of namedPlaces(roots)) this.#know(place)
    this.#unsubscribe = events.subscribe((name, event) => {
      if (name !== 'batch-settled' || !('changes' in event)) return
      const place = { bucket: event.bucket, root: parseRepositoryRoot(event.root) }
      this.#know(place)
      const { added, replaced, removed } = event.changes
      if (added + replaced + removed > 0) for (const job of jobs) job.published?.(place)
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
    await Promise.all([this.#lanes.light, this.#lanes.heavy])
  }

  /** Of every repository that is known, by job. */
  scheduled(): ScheduledJob[] {
    return this.#options.jobs
      .filter(({ intervalMs }) => intervalMs > 0)
      .flatMap((job) => [...this.#places.values()].map((place) => this.#describe(job, place)))
  }

  #describe(job: UpkeepJob, place: RepositoryPlace): ScheduledJob {
    const { name, intervalMs } = job
    const last = this.#last.get(job)?.get(placeId(place)) ?? { isRunning: false }
    const nextAt = this.#nextAt.get(job)
    return { ...place, name, intervalMs, ...last, ...(nextAt === undefined ? {} : { nextAt }) }
  }

  #remember(job: UpkeepJob, place: RepositoryPlace, run: LastRun): void {
    const id = placeId(place)
    if (!this.#places.has(id)) return
    const runs = this.#last.get(job) ?? new Map<string, LastRun>()
    this.#last.set(job, runs.set(id, { ...runs.get(id), ...run }))
  }

  /** @param places of a second try; the round is of all that are known then where it is none. */
  #schedule(job: UpkeepJob, afterMs: number, places?: readonly RepositoryPlace[]): void {
    if (this.#stopping.signal.aborted) return
    const begin = (): void => {
      const lane = job.name === 'second look' ? 'light' : 'heavy'
      this.#nextAt.delete(job)
      this.#lanes[lane] = this.#lanes[lane].then(async () => this.#goOn(job, await this.#round(job, places), places))
    }
    this.#nextAt.set(job, this.#options.clock.now() + afterMs)
    this.#cancel.set(job, this.#options.clock.after(afterMs, begin))
  }

  /** Tries once more what was left to others: one of them may be dead, and its lease expired by then. */
  #goOn(job: UpkeepJob, left: readonly RepositoryPlace[], tried: readonly RepositoryPlace[] | undefined): void {
    const againMs = leftToOthersMs * (1 + this.#options.clock.random())
    if (left.length > 0 && tried === undefined && againMs < job.intervalMs) this.#schedule(job, againMs, left)
    else this.#schedule(job, job.intervalMs)
  }

  /** @returns those that were left to others */
  async #round(
    job: UpkeepJob,
    places: readonly RepositoryPlace[] = [...this.#places.values()],
  ): Promise<RepositoryPlace[]> {
    const left: RepositoryPlace[] = []
    const { signal } = this.#stopping
    for (const place of places) {
      if (signal.aborted) return left
      const { clock } = this.#options
      const end = (outcome: ScheduledJob['outcome'] & string): void =>
        this.#remember(job, place, { endedAt: clock.now(), outcome, isRunning: false })
      try {
        if ((await job.isDue?.(place, signal)) === false) continue
        this.#remember(job, place, { startedAt: clock.now(), isRunning: true })
        const outcome = await job.run(place, signal)
        end(outcome)
        if (outcome === 'left to others') left.push(place)
      } catch (error) {
        end(signal.aborted ? 'given up' : 'failed')
        if (signal.aborted) return left
        this.#options.events.emit('upkeep-failed', { job: job.name, bucket: place.bucket, root: place.root, error })
      }
    }
    return left
  }

  #know(place: RepositoryPlace): void {
    const id = placeId(place)
    this.#places.delete(id)
    this.#places.set(id, place)
    for (const oldest of this.#places.keys()) {
      if (this.#places.size <= placesMax) break
      this.#places.delete(oldest)
      for (const runs of this.#last.values()) runs.delete(oldest)
    }
  }
}
