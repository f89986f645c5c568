import { type KeyVerdict, placeId, type RepositoryPlace } from '@repokeeper/repository'
import type { Delivery } from './queue.ts'

export interface Refusal {
  readonly code: string
  readonly reason: string
  /** Absent where the message itself is at fault. */
  readonly key?: string
}

/** A message that was received and is neither deleted nor given back. */
export interface HeldMessage {
  readonly id: string
  /** Of the newest delivery. */
  receiptHandle: string
  /** Deliveries so far, the newest included; at least 1. */
  receiveCount: number
  /** Milliseconds of the clock: the newest delivery, from which SQS counts its twelve hours. */
  receivedAt: number
  /** Milliseconds of the clock: from then on the queue may deliver it to someone else. */
  invisibleUntil: number
  /** Keys that it names and that are not decided yet, each with the time of its event where that is known. */
  readonly pending: Map<string, Date | undefined>
  /** Ids of the last batches that its keys have been in, the newest last. */
  readonly batches: string[]
  readonly refusals: Refusal[]
  readonly faults: unknown[]
}

export interface InboxOptions {
  readonly visibilityTimeoutMs: number
}

/** Delivery counts remembered for servers that don't say how often a message was delivered. */
const countsMax = 10_000

/** Of one message: an outage may take it through many. */
const batchesMax = 4

/** The messages that this process holds. State without effects. */
export class Inbox {
  readonly #visibilityTimeoutMs: number
  readonly #held = new Map<string, HeldMessage>()
  readonly #counts = new Map<string, number>()

  constructor({ visibilityTimeoutMs }: InboxOptions) {
    this.#visibilityTimeoutMs = visibilityTimeoutMs
  }

  /** Takes a delivery. `again`: the message is held already, the delivery gave it a new receipt handle and nothing else is to be done. */
  accept(delivery: Delivery, now: number): { readonly kind: 'new' | 'again'; readonly message: HeldMessage } {
    const receiveCount = Math.max(1, delivery.receiveCount ?? this.#count(delivery.id))
    const invisibleUntil = now + this.#visibilityTimeoutMs
    const known = this.#held.get(delivery.id)
    if (known !== undefined) {
      Object.assign(known, { receiptHandle: delivery.receiptHandle, receiveCount, receivedAt: now, invisibleUntil })
      return { kind: 'again', message: known }
    }
    const message: HeldMessage = {
      id: delivery.id,
      receiptHandle: delivery.receiptHandle,
      receiveCount,
      receivedAt: now,
      invisibleUntil,
      pending: new Map(),
      batches: [],
      refusals: [],
      faults: [],
    }
    this.#held.set(message.id, message)
    return { kind: 'new', message }
  }

  /** The message waits for this key. */
  expect(message: HeldMessage, place: RepositoryPlace, key: string, eventTime?: Date): void {
    const id = pendingId(place, key)
    // A key that it names twice has waited since the first of the two.
    if (!message.pending.has(id)) message.pending.set(id, eventTime)
  }

  /** Keys of these messages are in that batch now. One that is no longer held is left out. */
  join(batch: string, messageIds: Iterable<string>): void {
    for (const id of messageIds) {
      const batches = this.#held.get(id)?.batches
      if (batches === undefined || batches.at(-1) === batch) continue
      batches.push(batch)
      if (batches.length > batchesMax) batches.shift()
    }
  }

  /** When what the message tells of this key happened. */
  eventTimeOf(message: HeldMessage, place: RepositoryPlace, key: string): Date | undefined {
    return message.pending.get(pendingId(place, key))
  }

  /**
   * What became of a key for those who waited for it; `undefined` where nothing was decided, with the fault. Gives the messages that wait for nothing more.
   * A message that is no longer held is left out.
   */
  decide(
    place: RepositoryPlace,
    key: string,
    messageIds: Iterable<string>,
    outcome: KeyVerdict | { readonly kind: 'fault'; readonly error: unknown },
  ): HeldMessage[] {
    const complete: HeldMessage[] = []
    for (const id of messageIds) {
      const message = this.#held.get(id)
      if (message === undefined || !message.pending.delete(pendingId(place, key))) continue
      if (outcome.kind === 'refused') message.refusals.push({ key, code: outcome.code, reason: outcome.reason })
      if (outcome.kind === 'fault') message.faults.push(outcome.error)
      if (message.pending.size === 0) complete.push(message)
    }
    return complete
  }

  get(id: string): HeldMessage | undefined {
    return this.#held.get(id)
  }

  /** It was deleted or given back. */
  remove(message: HeldMessage): void {
    this.#held.delete(message.id)
  }

  get size(): number {
    return this.#held.size
  }

  [Symbol.iterator](): Iterator<HeldMessage> {
    return this.#held.values()
  }

  #count(id: string): number {
    const count = (this.#counts.get(id) ?? 0) + 1
    this.#counts.delete(id)
    this.#counts.set(id, count)
    for (const oldest of this.#counts.keys()) {
      if (this.#counts.size <= countsMax) break
      this.#counts.delete(oldest)
    }
    return count
  }
}

/** A key has no control characters: those are passed over. */
function pendingId(place: RepositoryPlace, key: string): string {
  return `${placeId(place)}\n${key}`
}
