import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'
import type { HeldMessage, Inbox } from './inbox.ts'
import type { EntryFailure, MessageQueue } from './queue.ts'

/** What is to be done with a message all of whose keys are decided. */
export type Verdict =
  /** Every key it names is covered by a publish that landed, or is none of ours. */
  | { readonly kind: 'delete' }
  /** It cannot be done, now or later: delivered again soon, so that the queue's redrive policy moves it to the dead-letter queue. */
  | { readonly kind: 'refused'; readonly afterSeconds: number }
  /** A fault that may pass: delivered again later. */
  | { readonly kind: 'retry'; readonly afterSeconds: number }

/**
 * Refusals: 1 s, 2 s, 4 s, …, so that five deliveries take half a minute; up to a quarter of an hour, for a queue without redrive policy delivers
 * them for days.
 */
const refusedDelay = { firstSeconds: 1, mostSeconds: 900 }
/** Faults: 20 s, 40 s, 80 s, …, up to half an hour: an outage of an hour spends about seven deliveries. */
const retryDelay = { firstSeconds: 20, mostSeconds: 1_800 }
/** Deleting is tried so often; a message that stays comes back and changes nothing. */
const deleteAttemptsMax = 3
const deleteRetryMs = 500

export function judge(
  message: Pick<HeldMessage, 'refusals' | 'faults' | 'receiveCount'>,
  random: () => number,
): Verdict {
  // A fault first: while the store is out a refusal is not worth spending a delivery on.
  if (message.faults.length > 0) {
    return { kind: 'retry', afterSeconds: backOffSeconds(message.receiveCount, retryDelay, random) }
  }
  if (message.refusals.length > 0) {
    return { kind: 'refused', afterSeconds: backOffSeconds(message.receiveCount, refusedDelay, random) }
  }
  return { kind: 'delete' }
}

/** `first · 2^(n-1)`, at most `most`, a quarter more or less by chance, rounded to whole seconds, at least 1. */
export function backOffSeconds(
  attempt: number,
  { firstSeconds, mostSeconds }: { readonly firstSeconds: number; readonly mostSeconds: number },
  random: () => number,
): number {
  const straight = Math.min(mostSeconds, firstSeconds * 2 ** Math.min(Math.max(attempt - 1, 0), 30))
  return Math.max(1, Math.round(straight * (0.75 + random() / 2)))
}

export interface SettlerOptions {
  readonly queue: MessageQueue
  readonly inbox: Inbox
  readonly clock: Clock
  readonly events: WorkerEvents
}

/** Carries verdicts out at the queue. Nothing here rejects: what the queue doesn't do is said, and the message comes back by itself. */
export class Settler {
  readonly #queue: MessageQueue
  readonly #inbox: Inbox
  readonly #clock: Clock
  readonly #events: WorkerEvents

  constructor({ queue, inbox, clock, events }: SettlerOptions) {
    this.#queue = queue
    this.#inbox = inbox
    this.#clock = clock
    this.#events = events
  }

  /** Deletes covered messages. Gives how many could not be deleted; they are not held any more all the same. */
  async delete(messages: readonly HeldMessage[]): Promise<number> {
    let waiting = messages
    let failed = 0
    for (let attempt = 1; waiting.length > 0; attempt += 1) {
      if (attempt > 1) await new Promise<void>((resolve) => this.#clock.after(deleteRetryMs * attempt, resolve))
      const failures = byId(await this.#queue.delete(waiting))
      const again: HeldMessage[] = []
      for (const message of waiting) {
        const failure = failures.get(message.id)
        if (failure !== undefined && !failure.final && attempt < deleteAttemptsMax) {
          again.push(message)
          continue
        }
        this.#inbox.remove(message)
        if (failure === undefined)
          this.#events.emit('deleted', { messageId: message.id, batches: [...message.batches] })
        else {
          failed += 1
          this.#events.emit('delete-failed', { messageId: message.id, code: failure.code, message: failure.message })
        }
      }
      waiting = again
    }
    return failed
  }

  /** Makes messages visible again after so many seconds and holds them no more. */
  async release(messages: readonly { readonly message: HeldMessage; readonly afterSeconds: number }[]): Promise<void> {
    const entries = messages.map(({ message, afterSeconds }) => ({
      id: message.id,
      receiptHandle: message.receiptHandle,
      seconds: afterSeconds,
    }))
    for (const { message } of messages) this.#inbox.remove(message)
    if (entries.length === 0) return
    const failures = byId(await this.#queue.changeVisibility(entries))
    for (const { message, afterSeconds } of messages) {
      const failure = failures.get(message.id)
      const { id: messageId, batches } = message
      if (failure === undefined) this.#events.emit('released', { messageId, afterSeconds, batches: [...batches] })
      else this.#events.emit('release-failed', { messageId, code: failure.code, message: failure.message })
    }
  }
}

function byId(failures: readonly EntryFailure[]): ReadonlyMap<string, EntryFailure> {
  return new Map(failures.map((failure) => [failure.id, failure]))
}
