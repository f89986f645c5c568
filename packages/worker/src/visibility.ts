import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'
import type { HeldMessage, Inbox } from './inbox.ts'
import type { EntryFailure, MessageQueue } from './queue.ts'

/** SQS developer guide, "Amazon SQS visibility timeout": at most 12 hours from the receive, extensions included. */
const longestInvisibleMs = 43_200_000

export interface VisibilityOptions {
  readonly queue: MessageQueue
  readonly inbox: Inbox
  readonly clock: Clock
  readonly events: WorkerEvents
  readonly visibilityTimeoutSeconds: number
}

/**
 * Keeps the messages of the inbox invisible to others for as long as they are held: four times per visibility timeout it extends those that have less
 * than 60 % of it left. So each has two tries before it lapses, and a queue that fails is asked no more often than that.
 *
 * A message that lapses may be delivered to another worker as well. That does no harm: both look at the bucket.
 */
export class VisibilityKeeper {
  readonly #options: VisibilityOptions
  /** Receipt handles that the queue will not extend any more. */
  readonly #lapsed = new WeakMap<HeldMessage, string>()
  #cancel: () => void = () => {}
  #round: Promise<void> = Promise.resolve()
  #stopped = true

  constructor(options: VisibilityOptions) {
    this.#options = options
  }

  start(): void {
    this.#stopped = false
    this.#arm()
  }

  /** Resolves when a round that is under way is over. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    await this.#round
  }

  #arm(): void {
    if (this.#stopped) return
    const { clock, visibilityTimeoutSeconds } = this.#options
    this.#cancel = clock.after(visibilityTimeoutSeconds * 250, () => {
      this.#round = this.#extendDue().then(() => this.#arm())
    })
  }

  async #extendDue(): Promise<void> {
    const { queue, inbox, clock, visibilityTimeoutSeconds } = this.#options
    const now = clock.now()
    const due: { readonly message: HeldMessage; readonly receiptHandle: string; readonly seconds: number }[] = []
    for (const message of inbox) {
      if (this.#lapsed.get(message) === message.receiptHandle) continue
      if (message.invisibleUntil - now >= visibilityTimeoutSeconds * 600) continue
      const left = Math.floor((message.receivedAt + longestInvisibleMs - now) / 1000)
      const seconds = Math.min(visibilityTimeoutSeconds, left)
      // The twelve hours are used up to the last extension that still gains something.
      if (now + seconds * 1000 > message.invisibleUntil)
        due.push({ message, receiptHandle: message.receiptHandle, seconds })
      else this.#lapse(message, message.receiptHandle, 'TWELVE_HOURS', 'held for the 12 hours that SQS allows', true)
    }
    if (due.length === 0) return
    const entries = due.map(({ message, receiptHandle, seconds }) => ({ id: message.id, receiptHandle, seconds }))
    const failures = new Map<string, EntryFailure>()
    for (const failure of await queue.changeVisibility(entries)) failures.set(failure.id, failure)
    for (const { message, receiptHandle, seconds } of due) {
      const failure = failures.get(message.id)
      if (failure !== undefined) this.#lapse(message, receiptHandle, failure.code, failure.message, failure.final)
      // A delivery that came meanwhile has set a later time of its own.
      else message.invisibleUntil = Math.max(message.invisibleUntil, now + seconds * 1000)
    }
  }

  #lapse(message: HeldMessage, receiptHandle: string, code: string, reason: string, final: boolean): void {
    // It was settled while the queue was asked: that it could not be extended is no news.
    if (this.#options.inbox.get(message.id) !== message) return
    if (final) this.#lapsed.set(message, receiptHandle)
    this.#options.events.emit('extend-failed', { messageId: message.id, code, message: reason, final })
  }
}
