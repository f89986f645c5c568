/**
 * Lease: an object that says who is at work on a repository, so that of many workers one audits or cleans up at a time.
 *
 * It saves work and guards nothing: audits and clean-ups may run side by side. So one that is lost, or left by a worker that was
 * killed, only delays: by the store's clock it expires.
 */
import { type ETag, readBody, StoreError } from '@repokeeper/object-store'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { clockToleranceMs } from './known-generation.ts'
import { RepositoryError } from './repository-error.ts'
import { repomdKey } from './roots.ts'

export type LeaseOutcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** Somebody else is at work there. */
  | { readonly kind: 'elsewhere'; readonly job: string }

type LeaseContext = Pick<RepositoryContext, 'now' | 'random' | 'sleep' | 'singleWriter' | 'signal' | 'onEvent'>

/** Directly below `repodata/`. */
export const leaseName = 'repokeeper-lease.json'

/** After this time without a renewal it is anybody's, plus what the clocks of one store may differ by. */
const leaseMs = 120_000
const renewalMs = leaseMs / 3
const leaseBytesMax = 4_096

/**
 * Does the work while no other worker does any under the same lease. What it is given to heed is aborted, too, when the lease is lost.
 *
 * Where a store ignores conditions nobody else works on it, and there is no lease.
 *
 * @param job what others are told that is done
 * @throws StoreError, RepositoryError `CONTENTION` where the lease was lost meanwhile, and what `work` throws
 */
export async function withLease<T>(
  location: RepositoryLocation,
  job: string,
  context: LeaseContext,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<LeaseOutcome<T>> {
  const never = new AbortController().signal
  const stopped = context.signal ?? never
  if (context.singleWriter) return { kind: 'done', value: await work(stopped) }
  const lease = new Lease(location, job, context)
  const other = await lease.take()
  if (other !== undefined) return { kind: 'elsewhere', job: other }

  const [over, lost] = [new AbortController(), new AbortController()]
  const renewed = lease.renewUntil(over.signal).catch((error: unknown) => lost.abort(error))
  try {
    const value = await work(AbortSignal.any([stopped, lost.signal]))
    return { kind: 'done', value }
  } finally {
    over.abort()
    await renewed
    await lease.giveBack()
  }
}

interface StoredLease {
  readonly etag: ETag
  /** By the store's clock. */
  readonly storedAt: Date
  readonly holder: string
  readonly job: string
}

class Lease {
  readonly #location: RepositoryLocation
  readonly #job: string
  readonly #context: LeaseContext
  readonly #key: string
  readonly #holder: string
  #writes = 0
  #etag: ETag | undefined

  constructor(location: RepositoryLocation, job: string, context: LeaseContext) {
    this.#location = location
    this.#job = job
    this.#context = context
    this.#key = `${location.root}repodata/${leaseName}`
    this.#holder = Math.floor(context.random() * 2 ** 48)
      .toString(16)
      .padStart(12, '0')
  }

  /** @returns what another does who has it; `undefined`: it is ours. */
  async take(): Promise<string | undefined> {
    const found = await this.#read()
    if (found !== undefined && !(await this.#isExpired(found))) return found.job
    this.#etag = await this.#write(found?.etag)
    return this.#etag === undefined ? (found?.job ?? 'work') : undefined
  }

  /**
   * Resolves soon after `over`.
   * @throws RepositoryError where it is another's now, or could not be renewed for too long
   */
  async renewUntil(over: AbortSignal): Promise<void> {
    const { now, sleep } = this.#context
    let renewedAt = now().getTime()
    for (;;) {
      await sleep(renewalMs, over).catch(() => {})
      if (over.aborted) return
      const startedAt = now().getTime()
      try {
        const etag = await this.#write(this.#etag)
        if (etag === undefined) throw this.#lost('another worker has it now')
        this.#etag = etag
        renewedAt = startedAt
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        if (now().getTime() - renewedAt >= leaseMs - renewalMs) throw this.#lost(error.message, error)
      }
    }
  }

  /** One that cannot be given back expires. */
  async giveBack(): Promise<void> {
    if (this.#etag === undefined) return
    const { store } = this.#location
    try {
      // Not given up with the work: then others would have to wait.
      await store.delete(this.#key, { ifMatch: this.#etag })
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      const message = `${this.#key} could not be deleted, so the next ${this.#job} waits until it has expired: ${error.message}`
      this.#context.onEvent({
        kind: 'warning',
        repository: describeLocation(this.#location),
        subject: 'lease',
        message,
      })
    }
  }

  async #isExpired({ storedAt }: StoredLease): Promise<boolean> {
    const { store, root } = this.#location
    const now = await store.clock({ near: repomdKey(root), ...withSignal(this.#context) })
    return now.getTime() > storedAt.getTime() + leaseMs + clockToleranceMs
  }

  /**
   * The content is new each time: an ETag may be the digest of it, and who compares it must see that there was a renewal.
   *
   * @param before the ETag of what is there; `undefined`: nothing is
   * @returns `undefined` where somebody else was first
   */
  async #write(before: ETag | undefined): Promise<ETag | undefined> {
    this.#writes += 1
    const holder = `${this.#holder}-${this.#writes}`
    const outcome = await this.#location.store.put(
      this.#key,
      Buffer.from(JSON.stringify({ holder, job: this.#job })),
      before === undefined ? { if: 'absent' } : { if: 'unchanged', etag: before },
      { contentType: 'application/json' },
    )
    if (outcome.kind === 'stored') return outcome.etag
    // A write whose answer was lost meets itself when it is tried again.
    const found = await this.#read()
    return found?.holder === holder ? found.etag : undefined
  }

  async #read(): Promise<StoredLease | undefined> {
    const got = await this.#location.store.get(this.#key, withSignal(this.#context))
    if (got.kind !== 'found') return undefined
    const bytes = await readBody(got.body, leaseBytesMax).catch((error: unknown) => {
      if (!(error instanceof RangeError)) throw error
      return Buffer.alloc(0)
    })
    const { etag, lastModified } = got.head
    return { etag, storedAt: lastModified, ...holderIn(Buffer.from(bytes).toString()) }
  }

  #lost(why: string, cause?: unknown): RepositoryError {
    const repository = describeLocation(this.#location)
    return new RepositoryError(
      'CONTENTION',
      `${repository}: the lease for the ${this.#job} was lost: ${why}; it is done again later`,
      repository,
      { cause },
    )
  }
}

/** Whatever somebody has written there: it is a lease, and expires. */
function holderIn(text: string): { readonly holder: string; readonly job: string } {
  try {
    const { holder, job } = JSON.parse(text) as { readonly holder?: unknown; readonly job?: unknown }
    if (typeof holder === 'string' && typeof job === 'string') return { holder, job: job.slice(0, 40) }
  } catch {
    // As if it said nothing.
  }
  return { holder: '', job: 'work' }
}
