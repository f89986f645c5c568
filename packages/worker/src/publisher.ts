import {
  type Batch,
  type Batches,
  type KeyVerdict,
  placeId,
  type RepositoryEvent,
  type RepositoryPlace,
} from '@repokeeper/repository'
import type { Buckets } from './buckets.ts'
import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'
import type { HeldMessage, Inbox } from './inbox.ts'
import { outageOf } from './outage.ts'
import type { Reconcile } from './reconcile.ts'
import { backOffSeconds } from './settle.ts'

export interface PublisherOptions {
  readonly batches: Batches
  readonly buckets: Buckets
  readonly inbox: Inbox
  readonly events: WorkerEvents
  readonly clock: Clock
  readonly reconcile: Reconcile
  readonly concurrency: number
  readonly singleWriter: boolean
  /** A run that is to end does not wait for an outage to end. */
  readonly once: boolean
  /** Messages that the worker holds at most. */
  readonly messagesMax: number
  /** Messages all of whose keys are decided now, and the fault where the publish had one. Awaited; must not reject. */
  readonly onPublished: (complete: readonly HeldMessage[], fault: unknown) => Promise<void>
  /** There is room for another. */
  readonly onRoom: () => void
}

/** So that a log tells what belongs together: from the messages to the publish that covers them. */
interface NamedBatch extends Batch {
  readonly id: string
}

type Change = Extract<KeyVerdict, { kind: 'covered' }>['change']

/** The wait before a repository is tried again in an outage, and how long its messages are held meanwhile: then others may have them. */
const outageDelay = { firstSeconds: 5, mostSeconds: 60 }
const outageHoldMs = 30 * 60_000

/** Publishes batches as they close: several repositories at the same time, each one batch after the other. */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #running = new Map<string, Promise<void>>()
  /** Of this process, so that the ids of several workers' batches differ in one log. */
  readonly #idPrefix: string
  #batches = 0
  readonly #giveUp = new AbortController()
  /** Repositories whose last publish met an outage: since when, how often, and until when they rest. */
  readonly #outages = new Map<string, { readonly since: number; readonly count: number; readonly restsUntil: number }>()
  #lastSuccess = { place: '', at: Number.NEGATIVE_INFINITY }
  #windows: 'kept' | 'ignored' | 'closed' = 'kept'
  #cancelWake: () => void = () => {}

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#idPrefix = Math.floor(options.clock.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  }

  get running(): number {
    return this.#running.size
  }

  /** Starts what is due and free, and comes again by itself when the next one is. */
  pump(): void {
    this.#cancelWake()
    if (this.#windows === 'closed') return
    const { batches, clock, concurrency, onRoom } = this.#options
    const free = (place: RepositoryPlace) => !this.#running.has(placeId(place)) && !this.#rests(place)
    const now = this.#windows === 'ignored' ? Number.POSITIVE_INFINITY : clock.now()
    while (this.#running.size < concurrency) {
      const batch = batches.takeDue(now, free)
      if (batch === undefined) break
      const publish = this.#publish(batch).then(() => {
        this.#running.delete(placeId(batch))
        this.pump()
        onRoom()
      })
      this.#running.set(placeId(batch), publish)
    }
    if (this.#running.size >= concurrency) return
    const rested = [...this.#outages.values()].map(({ restsUntil }) => restsUntil).filter((at) => at > clock.now())
    const wakeAt = Math.min(batches.wakeAt(free) ?? Number.POSITIVE_INFINITY, ...rested)
    if (wakeAt === Number.POSITIVE_INFINITY) return
    this.#cancelWake = clock.after(Math.max(0, wakeAt - clock.now()), () => this.pump())
  }

  #rests(place: RepositoryPlace): boolean {
    return (this.#outages.get(placeId(place))?.restsUntil ?? 0) > this.#options.clock.now()
  }

  /** Publishes everything that is gathered, whatever the windows say. Resolves when nothing is left. */
  async flush(): Promise<void> {
    if (this.#windows === 'kept') this.#windows = 'ignored'
    this.pump()
    while (this.#running.size > 0) await this.settled()
  }

  /** Starts nothing more. */
  close(): void {
    this.#windows = 'closed'
    this.#cancelWake()
  }

  /** The publishes under way are to end now. */
  abort(): void {
    this.#giveUp.abort()
  }

  /** Resolves when those that are under way now are over. */
  async settled(): Promise<void> {
    await Promise.all(this.#running.values())
  }

  /** Never rejects: what is thrown is the fault of all its keys. */
  async #publish(closed: Batch): Promise<void> {
    const { events, clock, onPublished } = this.#options
    const { bucket, root } = closed
    const keys = new Map(closed.keys)
    this.#batches += 1
    const batch: NamedBatch = { ...closed, keys, id: `${this.#idPrefix}-${this.#batches}` }
    const place = { batch: batch.id, bucket, root }
    this.#tellMessages(batch, keys)
    const messages = new Set([...keys.values()].flatMap((ids) => [...ids])).size
    events.emit('batch-started', { ...place, keys: keys.size, messages })
    const startedAt = clock.now()
    try {
      const rejected = new Set<string>()
      const { verdicts, undecided } = await this.#reconcile(batch, () => this.#join(batch, keys), rejected)
      const { complete, changes, refused } = this.#decide(batch, verdicts, undecided, rejected)
      for (const [key, error] of undecided ?? []) {
        if (!verdicts.has(key)) events.emit('undecided', { ...place, key, error })
      }
      events.emit('batch-settled', { ...place, changes, refused, durationMs: clock.now() - startedAt })
      this.#outages.delete(placeId(batch))
      this.#lastSuccess = { place: placeId(batch), at: clock.now() }
      await onPublished(complete, undefined)
    } catch (error) {
      if (outageOf(error) === undefined) this.#outages.delete(placeId(batch))
      // Where others are published meanwhile, it is this repository's own trouble and no reason to receive less.
      else if (this.#hold(batch, error)) return await onPublished([], this.#othersWork(batch) ? undefined : error)
      events.emit('batch-failed', { ...place, keys: keys.size, error })
      const undecided = new Map([...batch.keys.keys()].map((key) => [key, error]))
      await onPublished(this.#decide(batch, new Map(), undecided).complete, error)
    }
  }

  /** Gathers the keys again, to be tried later; their messages stay held, so that no delivery is spent. False: they are not to be held. */
  #hold(batch: NamedBatch, error: unknown): boolean {
    const { batches, clock, events, inbox, messagesMax, once } = this.#options
    const now = clock.now()
    const { since, count } = this.#outages.get(placeId(batch)) ?? { since: now, count: 0 }
    if (once || this.#windows !== 'kept') return false
    // One repository may not fill the place of all: the others need room to be received.
    if (this.#othersWork(batch) && inbox.size > messagesMax / 2) return false
    if (now - since > outageHoldMs) {
      this.#outages.delete(placeId(batch))
      return false
    }
    const retrySeconds = backOffSeconds(count + 1, outageDelay, clock.random)
    this.#outages.set(placeId(batch), { since, count: count + 1, restsUntil: now + retrySeconds * 1000 })
    for (const [key, messageIds] of batch.keys) for (const id of messageIds) batches.add(batch, key, id, now)
    const { id, bucket, root, keys } = batch
    events.emit('batch-held', { batch: id, bucket, root, keys: keys.size, error, retrySeconds })
    return true
  }

  /** Another repository was published a short while ago. */
  #othersWork(than: RepositoryPlace): boolean {
    const { place, at } = this.#lastSuccess
    return place !== placeId(than) && this.#options.clock.now() - at < 2 * outageDelay.mostSeconds * 1000
  }

  /** Who has to do everything again takes along what was gathered meanwhile, instead of publishing twice. */
  #join(batch: NamedBatch, keys: Map<string, ReadonlySet<string>>): string[] {
    const more = this.#options.batches.take(batch)
    if (more === undefined) return []
    this.#tellMessages(batch, more.keys)
    for (const [key, messageIds] of more.keys) keys.set(key, new Set([...(keys.get(key) ?? []), ...messageIds]))
    return [...more.keys.keys()]
  }

  #tellMessages({ id }: NamedBatch, keys: Batch['keys']): void {
    for (const messageIds of keys.values()) this.#options.inbox.join(id, messageIds)
  }

  /** @param rejected is given the keys of inboxes that are not let in */
  async #reconcile(
    { id, bucket, root, keys }: NamedBatch,
    joining: () => Iterable<string>,
    rejected: Set<string>,
  ): ReturnType<Reconcile> {
    const { buckets, events, reconcile, singleWriter } = this.#options
    await buckets.ensureConditions(bucket, root)
    const onEvent = (event: RepositoryEvent) => {
      if (event.kind === 'rejected') rejected.add(event.key)
      events.emit('repository', { ...event, batch: id, bucket, root })
    }
    const context = { signal: this.#giveUp.signal, singleWriter, onEvent, joining }
    return reconcile({ store: buckets.store(bucket), root }, new Set(keys.keys()), context)
  }

  /** Tells the messages what became of their keys; a key without a verdict has had a fault. */
  #decide(
    batch: NamedBatch,
    verdicts: ReadonlyMap<string, KeyVerdict>,
    faults: ReadonlyMap<string, unknown> = new Map(),
    rejected: ReadonlySet<string> = new Set(),
  ) {
    const complete: HeldMessage[] = []
    const changes = { added: 0, replaced: 0, removed: 0, kept: 0, absent: 0 }
    let refused = 0
    for (const [key, messageIds] of batch.keys) {
      const verdict = verdicts.get(key)
      if (verdict?.kind === 'covered') {
        // Its message is settled like any other: what was rejected lies elsewhere, and nobody has to look at it again.
        if (verdict.change === 'absent' && rejected.has(key)) refused += 1
        else changes[verdict.change] += 1
        this.#tellCovered(batch, key, messageIds, verdict.change)
      }
      if (verdict?.kind === 'refused') {
        refused += 1
        this.#tellRefused(batch, key, messageIds, verdict)
      }
      const undecided = { kind: 'fault' as const, error: faults.get(key) ?? new Error(`${key} was not decided on`) }
      complete.push(...this.#options.inbox.decide(batch, key, messageIds, verdict ?? undecided))
    }
    return { complete, changes, refused }
  }

  #tellCovered({ id, bucket, root }: NamedBatch, key: string, messageIds: Iterable<string>, change: Change): void {
    const { inbox, events } = this.#options
    for (const messageId of messageIds) {
      const message = inbox.get(messageId)
      if (message === undefined) continue
      const eventTime = inbox.eventTimeOf(message, { bucket, root }, key)
      const event = { messageId, batch: id, bucket, root, key, change }
      events.emit('covered', eventTime === undefined ? event : { ...event, eventTime })
    }
  }

  #tellRefused(
    { id, bucket, root }: NamedBatch,
    key: string,
    messageIds: Iterable<string>,
    { code, reason }: { code: string; reason: string },
  ): void {
    for (const messageId of messageIds) {
      const receiveCount = this.#options.inbox.get(messageId)?.receiveCount
      if (receiveCount === undefined) continue
      this.#options.events.emit('refused', { messageId, receiveCount, batch: id, bucket, root, key, code, reason })
    }
  }
}
