import { StoreError } from '@repokeeper/object-store'
import { count } from '@repokeeper/repodata'
import { parseRepositoryRoot, placeId, type RepositoryPlace, type RootPattern, repomdKey } from '@repokeeper/repository'
import { AskedSeldom } from './asked-seldom.ts'
import { somewhereIn } from './buckets.ts'
import type { Clock } from './clock.ts'
import { messageOf } from './event-text.ts'
import type { WorkerEventMap, WorkerEvents } from './events.ts'
import type { HeldMessages } from './held-messages.ts'
import type { KeptStores } from './kept-stores.ts'
import { dayOf } from './key-expiry.ts'
import { withoutSecrets } from './log.ts'
import { outageOf } from './outage.ts'
import type { QueueDepth } from './queue-depth.ts'
import { QueueError } from './queue-error.ts'
import type { WatchedSigner } from './watched-signer.ts'

export interface Ready {
  readonly ok: boolean
  /** Why not, in sentences; empty where it is. */
  readonly reasons: readonly string[]
}

export interface ReadinessOptions {
  readonly held: HeldMessages
  readonly clock: Clock
  readonly date: () => Date
  readonly depth: () => Promise<QueueDepth | undefined>
  readonly stores: Pick<KeptStores, 'of'>
  readonly roots: ReadonlyMap<string, readonly RootPattern[]> | undefined
  /** Absent: nothing is signed. */
  readonly signer: WatchedSigner | undefined
}

/** A signer that has failed is tried again when somebody wants to know, and no more often: a person may have to touch a card. */
const signingTriedMs = 60_000
/** Answers of queue and buckets are believed for so long. */
const believedMs = 15_000
/** Whoever asks wants to know now: a store that takes longer is none that could be worked with. */
const answerMs = 5_000
/** Of many the first and those that were published last: one that cannot be reached stands for all, mostly. */
const bucketsMax = 10
/** With messages held, something is published now and then, however long an outage of one repository takes. */
const progressMs = 15 * 60_000
/** A receive takes 20 s, and 45 s at the longest. */
const pollMs = 180_000
const reasonsMax = 20

/** Whether the worker can do its work: by what it has met lately, and by asking queue and buckets when somebody wants to know. */
export class Readiness {
  readonly #options: ReadinessOptions
  readonly #unsubscribe: () => void
  readonly #buckets: AskedSeldom<readonly string[]>
  readonly #signing: AskedSeldom<unknown>
  /** Of each bucket a repository of it, the one published last at the end. */
  readonly #places = new Map<string, RepositoryPlace>()
  /** Repositories whose last batch met an outage. */
  readonly #held = new Map<string, string>()
  #phase: 'starting' | 'working' | 'stopping' = 'starting'
  #receiveFault: string | undefined
  #polledAt: number
  #progressAt: number

  constructor(events: WorkerEvents, options: ReadinessOptions) {
    this.#options = options
    const { clock, held, roots } = options
    this.#polledAt = clock.now()
    this.#progressAt = clock.now()
    this.#buckets = new AskedSeldom(() => this.#tryBuckets(), { clock, forMs: believedMs })
    this.#signing = new AskedSeldom(
      async () => this.#options.signer?.sign(Buffer.from('a try')).catch(() => undefined),
      {
        clock,
        forMs: signingTriedMs,
      },
    )
    for (const [bucket, [first]] of roots ?? []) {
      if (first !== undefined) this.#places.set(bucket, { bucket, root: parseRepositoryRoot(somewhereIn(first)) })
    }
    const settle = (place: { readonly bucket: string; readonly root: string }): void => {
      const known = { bucket: place.bucket, root: parseRepositoryRoot(place.root) }
      this.#held.delete(placeId(known))
      this.#places.delete(place.bucket)
      this.#places.set(place.bucket, known)
      this.#progressAt = clock.now()
    }
    const handlers: { readonly [E in keyof WorkerEventMap]?: (event: WorkerEventMap[E]) => void } = {
      started: () => {
        this.#phase = 'working'
        this.#polledAt = clock.now()
      },
      stopping: () => this.#stop(),
      drained: () => this.#stop(),
      failed: () => this.#stop(),
      polled: () => {
        this.#polledAt = clock.now()
        this.#receiveFault = undefined
        if (held.count === 0) this.#progressAt = clock.now()
      },
      'receive-failed': ({ message }) => {
        this.#receiveFault = message
      },
      'batch-held': ({ bucket, root, keys, error }) => {
        const place = { bucket, root: parseRepositoryRoot(root) }
        this.#held.set(
          placeId(place),
          `s3://${bucket}/${root}: ${count(keys, 'key is', 'keys are')} held: ${said(error)}`,
        )
      },
      'batch-failed': ({ bucket, root, error }) => {
        // Of the store its own answer tells; what nobody signs here is not signed at the next message either.
        if (outageOf(error) !== 'signing') this.#held.delete(placeId({ bucket, root: parseRepositoryRoot(root) }))
      },
      'batch-settled': settle,
    }
    this.#unsubscribe = events.subscribe((name, event) => handlers[name]?.(event))
  }

  async now(): Promise<Ready> {
    const tried = await Promise.all([this.#tryQueue(), this.#buckets.get(), this.#trySigning()])
    const reasons = [...this.#ownReasons(), ...tried.flat(), ...this.#held.values()]
    return { ok: reasons.length === 0, reasons: [...new Set(reasons)].slice(0, reasonsMax) }
  }

  close(): void {
    this.#unsubscribe()
  }

  #stop(): void {
    this.#phase = 'stopping'
  }

  #ownReasons(): string[] {
    const { clock, held } = this.#options
    const reasons: string[] = []
    if (this.#phase === 'starting') reasons.push('the worker has not found its queue yet')
    if (this.#phase === 'stopping') reasons.push('the worker is stopping')
    if (this.#receiveFault !== undefined) reasons.push(withoutSecrets(this.#receiveFault))
    const [unpolledMs, idleMs] = [clock.now() - this.#polledAt, clock.now() - this.#progressAt]
    if (held.count > 0 && idleMs > progressMs) {
      reasons.push(
        `${count(held.count, 'message is', 'messages are')} held, and nothing has been settled for ${minutes(idleMs)} minutes`,
      )
    }
    if (this.#phase === 'working' && held.count === 0 && unpolledMs > pollMs) {
      reasons.push(`the queue has not answered for ${minutes(unpolledMs)} minutes`)
    }
    return reasons
  }

  async #tryQueue(): Promise<string[]> {
    try {
      await this.#options.depth()
      return []
    } catch (error) {
      // Whoever may receive and not ask for attributes can do the work all the same.
      const code = error instanceof QueueError ? error.code : undefined
      return code === 'ACCESS_DENIED' || code === 'THROTTLED' ? [] : [said(error)]
    }
  }

  /** Never rejects. */
  async #trySigning(): Promise<string[]> {
    const { signer, clock, date } = this.#options
    if (signer === undefined) return []
    const [{ keyId, expires }] = signer.keys()
    if (expires !== undefined && 1000 * expires <= date().getTime()) {
      return [`nothing is signed, and so nothing published: key ${keyId} expired on ${dayOf(expires)}`]
    }
    if (signer.fault === undefined) return []
    let cancel = () => {}
    const answered = new Promise<void>((resolve) => {
      cancel = clock.after(answerMs, resolve)
    })
    await Promise.race([this.#signing.get(), answered])
    cancel()
    // As it is after the try.
    return signer.fault === undefined ? [] : [`nothing is signed, and so nothing published: ${said(signer.fault)}`]
  }

  /** Never rejects. */
  async #tryBuckets(): Promise<readonly string[]> {
    const places = [...this.#places.values()]
    const some = places.length > bucketsMax ? [...places.slice(0, 1), ...places.slice(1 - bucketsMax)] : places
    const reasons = await Promise.all(some.map((place) => this.#tryBucket(place)))
    return reasons.flat()
  }

  async #tryBucket({ bucket, root }: RepositoryPlace): Promise<string[]> {
    const store = this.#options.stores.of(bucket)
    const signal = AbortSignal.timeout(answerMs)
    try {
      await store.head(repomdKey(root), { signal })
      return []
    } catch (error) {
      if (signal.aborted) return [`s3://${bucket} does not answer within ${answerMs / 1000} s`]
      return [error instanceof StoreError ? said(error) : `s3://${bucket}: ${said(error)}`]
    }
  }
}

function minutes(milliseconds: number): number {
  return Math.round(milliseconds / 60_000)
}

function said(error: unknown): string {
  return withoutSecrets(messageOf(error))
}
