import type { ObjectStore } from '@repokeeper/object-store'
import {
  inboxPlaceOf,
  isRejected,
  type KeyPlace,
  type PackageInbox,
  parseRepositoryRoot,
  placeByPatterns,
  RootFinder,
  type RootPattern,
  repomdKey,
} from '@repokeeper/repository'
import type { Clock } from './clock.ts'
import type { ProbeConditions } from './reconcile.ts'

/** The worker cannot go on; `message` says what to do. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError'
  readonly code: 'CONDITIONS_IGNORED' | 'RECEIVE_FAILED' | 'TOO_MANY_BUCKETS'

  constructor(code: WorkerError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

interface OpenBucket {
  readonly store: ObjectStore
  readonly finder: RootFinder
  conditions?: Promise<void>
  /** It has answered, which is asked where nobody asks for conditions. */
  hasAnswered?: true
}

export interface BucketsOptions {
  readonly openBucket: (bucket: string) => ObjectStore
  readonly probeConditions: ProbeConditions
  /** Roots by bucket; `undefined`: none are configured, and they are looked for. */
  readonly roots: ReadonlyMap<string, readonly RootPattern[]> | undefined
  /** Directories whose packages move to where repositories are. Absent: none. */
  readonly inboxes?: readonly PackageInbox[]
  readonly singleWriter: boolean
  readonly clock: Clock
}

/** Messages decide which buckets are opened. */
const bucketsMax = 1_000

/** The buckets that messages name: opened at first use, with what is known of each. */
export class Buckets {
  readonly #options: BucketsOptions
  readonly #open = new Map<string, OpenBucket>()

  constructor(options: BucketsOptions) {
    this.#options = options
  }

  /**
   * A key of an inbox belongs to the repository that its package is meant for.
   * @throws {StoreError} where the store cannot say which repository a key belongs to.
   */
  async locate(bucket: string, key: string, signal: AbortSignal): Promise<KeyPlace> {
    const { inboxes = [] } = this.#options
    if (isRejected(key, inboxes)) return { kind: 'passed-over', why: 'rejected before' }
    return this.#locate(bucket, inboxPlaceOf(key, inboxes)?.target ?? key, signal)
  }

  async #locate(bucket: string, key: string, signal: AbortSignal): Promise<KeyPlace> {
    const { roots } = this.#options
    if (roots === undefined) return await this.#bucket(bucket).finder.find(key, { signal })
    const place = placeByPatterns(key, roots.get(bucket) ?? [])
    if (place.kind !== 'package') return place
    // A repository inside a configured one that no pattern names is somebody else's.
    const inner = await this.#bucket(bucket).finder.findBelow(key, place.root, { signal })
    return inner === undefined ? place : { kind: 'passed-over', why: 'outside the configured roots' }
  }

  store(bucket: string): ObjectStore {
    return this.#bucket(bucket).store
  }

  /**
   * Makes sure of every configured bucket before the first message comes. A store that cannot be tried now is tried again at its first batch.
   * @throws {WorkerError} `CONDITIONS_IGNORED`
   */
  async ensureConfigured(onFault: (bucket: string, error: unknown) => void): Promise<void> {
    for (const [bucket, [first]] of this.#options.roots ?? []) {
      if (first === undefined) continue
      try {
        if (this.#options.singleWriter) await this.#ensureAnswer(bucket, somewhereIn(first))
        else await this.ensureConditions(bucket, somewhereIn(first))
      } catch (error) {
        if (error instanceof WorkerError) throw error
        onFault(bucket, error)
      }
    }
  }

  /**
   * Makes sure, once for each bucket, that its store honours conditional writes: without them two writers lose each other's changes.
   * @throws {WorkerError} `CONDITIONS_IGNORED`
   * @throws {StoreError} where it could not be tried; the next call tries again.
   */
  async ensureConditions(bucket: string, root: string): Promise<void> {
    if (this.#options.singleWriter) return
    const open = this.#bucket(bucket)
    open.conditions ??= this.#probe(open.store, `${root}repodata/`)
    try {
      await open.conditions
    } catch (error) {
      if (!(error instanceof WorkerError)) delete open.conditions
      throw error
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map(({ store }) => store.close()))
    this.#open.clear()
  }

  async #ensureAnswer(bucket: string, root: string): Promise<void> {
    const open = this.#bucket(bucket)
    if (open.hasAnswered) return
    await open.store.head(repomdKey(parseRepositoryRoot(root)))
    open.hasAnswered = true
  }

  async #probe(store: ObjectStore, prefix: string): Promise<void> {
    const { kind, which, reason } = await this.#options.probeConditions(store, prefix)
    if (kind === 'honoured') return
    const seen = [which, reason].filter((part) => part !== undefined).join(': ')
    throw new WorkerError(
      'CONDITIONS_IGNORED',
      `${store.name} ${kind === 'ignored' ? 'ignores' : 'does not support'} conditional writes${seen === '' ? '' : ` (${seen})`}: two writers of one ` +
        "repository would lose each other's changes. Use a store that honours them, or, if this worker is the only writer of its " +
        'repositories (one process, one queue for all events, nobody rebuilds meanwhile), start it with --single-writer.',
    )
  }

  #bucket(bucket: string): OpenBucket {
    const known = this.#open.get(bucket)
    if (known !== undefined) return known
    if (this.#open.size >= bucketsMax) {
      throw new WorkerError(
        'TOO_MANY_BUCKETS',
        `messages name more than ${bucketsMax} buckets; configure the repositories of this queue`,
      )
    }
    const { openBucket, clock } = this.#options
    const store = openBucket(bucket)
    const open = { store, finder: new RootFinder({ store, now: () => clock.now() }) }
    this.#open.set(bucket, open)
    return open
  }
}

/** As a person writes them: `s3://bucket/el9/*`. `undefined`: none are configured. */
export function rootNames(roots: BucketsOptions['roots']): readonly string[] | undefined {
  if (roots === undefined) return undefined
  return [...roots].flatMap(([bucket, patterns]) =>
    patterns.map(({ segments }) => ['s3:/', bucket, ...segments].join('/')),
  )
}

/** A directory that the pattern matches: one that is there no more than any other, but where a repository's writer may write. */
export function somewhereIn({ segments }: RootPattern): string {
  return segments.map((segment) => `${segment === '*' ? 'repokeeper-probe' : segment}/`).join('')
}
