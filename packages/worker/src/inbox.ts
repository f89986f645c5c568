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
  /** Keys that it names and that are not decided yet. */
  readonly pending: Set<string>
  readonly refusals: Refusal[]
  readonly faults: unknown[]
}

export interface InboxOptions {
  readonly visibilityTimeoutMs: number
}

/** Delivery counts remembered for servers that don't say how often a message was delivered. */
const countsMax = 10_000

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
      pending: new Set(),
      refusals: [],
      faults: [],
    }
    this.#held.set(message.id, message)
    return { kind: 'new', message }
  }

  /** The message waits for this key. */
  expect(message: HeldMessage, place: RepositoryPlace, key: string): void {
    message.pending.add(pendingId(place, key))
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
