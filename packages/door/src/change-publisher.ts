/**
 * Publication by this process: what changes is gathered by repository, and reconciled. A change is a hint here, too: what the store holds
 * is looked at.
 */
import type { ObjectStore } from '@repokeeper/object-store'
import {
  type Batch,
  Batches,
  type BatchWindows,
  type KeyVerdict,
  placeId,
  type ReconcileReport,
  type RepositoryContext,
  type RepositoryPlace,
  type RepositoryRoot,
  reconcile,
} from '@repokeeper/repository'
import type { Clock } from './clock.ts'
import type { PackagePlaces } from './package-places.ts'
import type { Change, Publication, Published } from './publication.ts'
import type { PublisherEvent } from './publisher-event.ts'

export interface ChangePublisherOptions {
  readonly store: ObjectStore
  readonly places: PackagePlaces
  readonly context: (signal: AbortSignal) => RepositoryContext
  readonly clock: Clock
  readonly windows?: BatchWindows
  readonly onEvent: (event: PublisherEvent) => void
}

/**
 * Who uploads one package sees it in a second. What comes in the time of a publish makes one more, however much it is.
 */
export const usualWindows: BatchWindows = { quietMs: 250, longestWaitMs: 1_000, keysMax: 20_000 }

/** Repositories that are published at the same time. */
const rootsAtOnce = 2
/** The wait before a repository is tried again, which doubles. */
const retry = { firstMs: 1_000, longestMs: 60_000 } as const
/** A publish that is under way when it is closed may go on for so long. */
const closingMs = 10_000

export class ChangePublisher implements Publication {
  readonly #options: ChangePublisherOptions
  readonly #batches: Batches
  readonly #running = new Map<string, Promise<void>>()
  /** By the ids of changes. */
  readonly #waiting = new Map<string, (published: Published) => void>()
  /** Repositories whose last publish failed: how often, and until when they rest. */
  readonly #resting = new Map<string, { readonly failures: number; readonly until: number }>()
  readonly #roots = new Set<RepositoryRoot>()
  readonly #giveUp = new AbortController()
  #changes = 0
  #isClosed = false
  #cancelWake: () => void = () => {}

  constructor(options: ChangePublisherOptions) {
    this.#options = options
    this.#batches = new Batches(options.windows ?? usualWindows)
  }

  /** The repositories that it knows so far. */
  get roots(): readonly RepositoryRoot[] {
    return [...this.#roots]
  }

  /** A repository that is there, whether it changes or not. */
  know(root: RepositoryRoot): void {
    this.#roots.add(root)
  }

  changed({ key }: Pick<Change, 'key'>): { wait(signal: AbortSignal): Promise<Published> } {
    this.#changes += 1
    const id = String(this.#changes)
    const published = new Promise<Published>((resolve) => this.#waiting.set(id, resolve))
    void this.#gather(key, id)
    return { wait: (signal) => Promise.race([published, whenAborted(signal)]) }
  }

  /** Begins nothing more. Resolves when what is under way is over, or was given up; the next start finds the rest. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelWake()
    const cancel = this.#options.clock.after(closingMs, () => this.#giveUp.abort())
    await Promise.all(this.#running.values())
    cancel()
    for (const resolve of this.#waiting.values()) resolve({ kind: 'later', reason: 'the server is being stopped' })
    this.#waiting.clear()
  }

  async #gather(key: string, id: string): Promise<void> {
    const { places, clock, onEvent } = this.#options
    try {
      const root = await places.rootOf(key, this.#giveUp.signal)
      if (root === undefined) {
        this.#settle([id], { kind: 'refused', reason: 'it is no package of any repository here' })
        return
      }
      this.#roots.add(root)
      this.#batches.add(this.#placeOf(root), key, id, clock.now())
      this.#pump()
    } catch (error) {
      onEvent({ kind: 'not placed', key, error })
      this.#settle([id], { kind: 'later', reason: 'the store cannot be read just now' })
    }
  }

  /** Starts what is due and free, and comes again by itself when the next one is. */
  #pump(): void {
    this.#cancelWake()
    if (this.#isClosed) return
    const { clock } = this.#options
    const isFree = (place: RepositoryPlace): boolean =>
      !this.#running.has(placeId(place)) && (this.#resting.get(placeId(place))?.until ?? 0) <= clock.now()
    while (this.#running.size < rootsAtOnce) {
      const batch = this.#batches.takeDue(clock.now(), isFree)
      if (batch === undefined) break
      const publish = this.#publish(batch).then(() => {
        this.#running.delete(placeId(batch))
        this.#pump()
      })
      this.#running.set(placeId(batch), publish)
    }
    if (this.#running.size >= rootsAtOnce) return
    const rested = [...this.#resting.values()].map(({ until }) => until).filter((until) => until > clock.now())
    const wakeAt = Math.min(this.#batches.wakeAt(isFree) ?? Number.POSITIVE_INFINITY, ...rested)
    if (wakeAt === Number.POSITIVE_INFINITY) return
    this.#cancelWake = clock.after(Math.max(0, wakeAt - clock.now()), () => this.#pump())
  }

  /** Never rejects. */
  async #publish(batch: Batch): Promise<void> {
    const { store, context, clock } = this.#options
    const { root } = batch
    const keys = new Map(batch.keys)
    const startedAt = clock.now()
    const joining = (): string[] => {
      const more = this.#batches.take(batch)?.keys ?? new Map<string, ReadonlySet<string>>()
      for (const [key, ids] of more) keys.set(key, new Set([...(keys.get(key) ?? []), ...ids]))
      return [...more.keys()]
    }
    try {
      const stages = context(this.#giveUp.signal)
      const report = await reconcile({ store, root }, new Set(keys.keys()), stages, { joining })
      this.#resting.delete(placeId(batch))
      this.#tell(root, report, clock.now() - startedAt)
      for (const [key, ids] of keys) {
        const verdict = report.verdicts.get(key)
        if (verdict !== undefined) this.#settle(ids, publishedBy(verdict))
      }
      const undecided = new Map([...keys].filter(([key]) => !report.verdicts.has(key)))
      if (undecided.size > 0) this.#tryAgain(batch, undecided, report.undecided.values().next().value)
    } catch (error) {
      if (!this.#giveUp.signal.aborted) this.#tryAgain(batch, keys, error)
    }
  }

  #tell(root: RepositoryRoot, { verdicts, publishes }: ReconcileReport, milliseconds: number): void {
    const counts = { added: 0, replaced: 0, removed: 0, kept: 0, absent: 0 }
    for (const [key, verdict] of verdicts) {
      if (verdict.kind === 'covered') counts[verdict.change] += 1
      else this.#options.onEvent({ kind: 'refused', key, code: verdict.code, reason: verdict.reason })
    }
    const { added, replaced, removed } = counts
    if (publishes === 0) return
    this.#options.onEvent({ kind: 'published', root, added, replaced, removed, publishes, milliseconds })
  }

  #tryAgain(place: RepositoryPlace, keys: Batch['keys'], error: unknown): void {
    const { clock, onEvent } = this.#options
    const failures = (this.#resting.get(placeId(place))?.failures ?? 0) + 1
    const longest = Math.min(retry.longestMs, retry.firstMs * 2 ** (failures - 1))
    const retryMs = Math.round(longest * (0.5 + clock.random() / 2))
    this.#resting.set(placeId(place), { failures, until: clock.now() + retryMs })
    for (const [key, ids] of keys) for (const id of ids) this.#batches.add(place, key, id, clock.now())
    onEvent({ kind: 'publish failed', root: place.root, retryMs, error })
  }

  #settle(ids: Iterable<string>, published: Published): void {
    for (const id of ids) {
      this.#waiting.get(id)?.(published)
      this.#waiting.delete(id)
    }
  }

  #placeOf(root: RepositoryRoot): RepositoryPlace {
    return { bucket: this.#options.store.name, root }
  }
}

function publishedBy(verdict: KeyVerdict): Published {
  return verdict.kind === 'covered'
    ? { kind: 'published' }
    : { kind: 'refused', reason: `${verdict.reason} (${verdict.code})` }
}

function whenAborted(signal: AbortSignal): Promise<Published> {
  const later = { kind: 'later', reason: 'it takes longer than was to be waited; it goes on' } as const
  if (signal.aborted) return Promise.resolve(later)
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(later), { once: true }))
}
