/**
 * What is done to repositories now and then, whether anything changes or not: the same as a worker does beside its queue.
 */
import type { ObjectStore } from '@repokeeper/object-store'
import {
  auditRepository,
  collectGarbage,
  keepLeftPledges,
  type RepositoryContext,
  type RepositoryLocation,
  type RepositoryRoot,
  withLease,
} from '@repokeeper/repository'
import type { ChangePublisher } from './change-publisher.ts'
import type { Clock } from './clock.ts'
import { isFinished } from './package-places.ts'
import type { PublisherEvent } from './publisher-event.ts'

/** Milliseconds; an interval of 0 is never. */
export interface UpkeepSettings {
  readonly auditIntervalMs: number
  readonly gcIntervalMs: number
  /** How long superseded documents are kept. */
  readonly retentionMs: number
  /** What a change that is under way is given before an audit counts it as drift. Default 10 s. */
  readonly settleMs?: number
}

export interface UpkeepOptions extends UpkeepSettings {
  readonly store: ObjectStore
  readonly publisher: ChangePublisher
  readonly context: (signal: AbortSignal) => RepositoryContext
  readonly clock: Clock
  readonly onEvent: (event: PublisherEvent) => void
}

/** In the stead of publishers that were killed: one listing of a prefix under which there is nothing, mostly. */
const secondLookMs = 60_000
const usualSettleMs = 10_000
/** Of one audit, so many findings are told one by one. */
const findingsToldMax = 100

interface Job {
  readonly name: string
  readonly intervalMs: number
  run(location: RepositoryLocation, context: RepositoryContext): Promise<void>
}

export class Upkeep {
  readonly #options: UpkeepOptions
  readonly #stopping = new AbortController()
  readonly #cancel = new Map<Job, () => void>()
  /** One repository is audited or cleaned up at a time. */
  #line: Promise<void> = Promise.resolve()

  constructor(options: UpkeepOptions) {
    this.#options = options
  }

  start(): void {
    const { auditIntervalMs, gcIntervalMs } = this.#options
    const jobs: Job[] = [
      {
        name: 'second look',
        intervalMs: secondLookMs,
        run: async (at, context) => void (await keepLeftPledges(at, context)),
      },
      {
        name: 'audit',
        intervalMs: auditIntervalMs,
        run: (at, context) => this.#alone('audit', at, context, this.#audit),
      },
      {
        name: 'clean-up',
        intervalMs: gcIntervalMs,
        run: (at, context) => this.#alone('clean-up', at, context, this.#cleanUp),
      },
    ]
    for (const job of jobs) if (job.intervalMs > 0) this.#schedule(job)
  }

  /** Gives up what is under way. Never rejects. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    for (const cancel of this.#cancel.values()) cancel()
    await this.#line
  }

  /** After a random part of the time: processes that were started together don't all list the same store at once. */
  #schedule(job: Job): void {
    const { clock, publisher } = this.#options
    if (this.#stopping.signal.aborted) return
    const begin = (): void => {
      this.#line = this.#line.then(async () => {
        for (const root of publisher.roots) await this.#run(job, root)
        this.#schedule(job)
      })
    }
    this.#cancel.set(job, clock.after(job.intervalMs * (0.5 + clock.random() / 2), begin))
  }

  async #run(job: Job, root: RepositoryRoot): Promise<void> {
    const { signal } = this.#stopping
    const { store, context, onEvent } = this.#options
    if (signal.aborted) return
    try {
      await job.run({ store, root }, context(signal))
    } catch (error) {
      if (!signal.aborted) onEvent({ kind: 'upkeep failed', root, error })
    }
  }

  /** Of several processes one at a time does this to a repository; what is left to others, they do. */
  async #alone(
    name: string,
    location: RepositoryLocation,
    context: RepositoryContext,
    work: (location: RepositoryLocation, context: RepositoryContext) => Promise<void>,
  ): Promise<void> {
    // Nothing is published there: whoever audits it would say so each time.
    if ((await location.store.head(`${location.root}repodata/repomd.xml`)) === undefined) return
    await withLease(location, name, context, (signal) => work(location, { ...context, signal }))
  }

  readonly #audit = async (location: RepositoryLocation, context: RepositoryContext): Promise<void> => {
    const { publisher, onEvent, settleMs = usualSettleMs } = this.#options
    const { root } = location
    const { findings } = await auditRepository(location, context, { settleMs })
    const told = findings.filter(({ path, kind }) => kind === 'vanished' || !path.endsWith('.rpm') || isFinished(path))
    for (const [index, { path, problem, mend }] of told.entries()) {
      const healing = mend === 'reconcile'
      if (index < findingsToldMax) onEvent({ kind: 'drift', root, path, problem, healing })
      if (healing) publisher.changed({ key: `${root}${path}` })
    }
  }

  readonly #cleanUp = async (location: RepositoryLocation, context: RepositoryContext): Promise<void> => {
    const { retentionMs, onEvent } = this.#options
    const { delete: deleted } = await collectGarbage(location, context, { retentionMs })
    if (deleted.length > 0) onEvent({ kind: 'cleaned up', root: location.root, objects: deleted.length })
  }
}
