import type { Clock } from '../src/clock.ts'
import type { Delivery, EntryFailure, MessageQueue, Receipt, Subscriber, Subscription } from '../src/queue.ts'

interface StoredMessage {
  readonly id: string
  readonly body: string
  visibleAt: number
  receiveCount: number
  receiptHandle: string
}

export interface FakeQueueOptions {
  readonly visibilityTimeoutSeconds: number
  readonly maxReceiveCount?: number
}

/** A queue in memory that follows the rules of SQS by the given clock. */
export class FakeQueue implements MessageQueue {
  readonly name = 'fake'
  readonly messages = new Map<string, StoredMessage>()
  readonly deadLetters: string[] = []
  readonly deleted: string[] = []
  readonly visibilityChanges: { readonly id: string; readonly seconds: number; readonly at: number }[] = []
  /** Gives the failure of one entry; for faults on demand. */
  failDelete: (id: string) => EntryFailure | undefined = () => undefined
  failVisibility: (id: string) => EntryFailure | undefined = () => undefined
  /** Once more what is invisible, as a standard queue may do. */
  duplicate: () => boolean = () => false
  onDelete: (id: string) => void = () => {}
  /** What the next receives report instead of messages. */
  receiveFailures = 0
  receives = 0
  readonly #clock: Clock
  readonly #options: FakeQueueOptions
  #handles = 0
  #arrived: () => void = () => {}

  constructor(clock: Clock, options: FakeQueueOptions) {
    this.#clock = clock
    this.#options = options
  }

  send(id: string, body: string): void {
    this.messages.set(id, { id, body, visibleAt: this.#clock.now(), receiveCount: 0, receiptHandle: '' })
    this.#arrived()
  }

  isVisible(id: string): boolean {
    const message = this.messages.get(id)
    return message !== undefined && message.visibleAt <= this.#clock.now()
  }

  subscribe(subscriber: Subscriber): Subscription {
    let stopped = false
    let stop = () => {}
    const stopping = new Promise<void>((resolve) => {
      stop = resolve
    })
    const receive = async () => {
      while (!stopped) {
        await subscriber.ready()
        if (stopped) break
        this.receives += 1
        if (this.receiveFailures > 0) {
          this.receiveFailures -= 1
          subscriber.failed({ code: 'UNREACHABLE', message: 'The queue is out.', whatToDo: 'Wait.' })
          continue
        }
        let deliveries = this.#take()
        if (deliveries.length === 0) {
          await Promise.race([stopping, this.#longPoll()])
          if (stopped) break
          deliveries = this.#take()
        }
        if (deliveries.length === 0) subscriber.empty()
        else await subscriber.deliver(deliveries)
      }
    }
    const over = receive()
    return {
      stop: async () => {
        stopped = true
        stop()
        await over
      },
    }
  }

  async changeVisibility(entries: readonly (Receipt & { readonly seconds: number })[]): Promise<EntryFailure[]> {
    await Promise.resolve()
    const failures: EntryFailure[] = []
    for (const { id, receiptHandle, seconds } of entries) {
      const failure = this.failVisibility(id) ?? this.#gone(id, receiptHandle)
      if (failure !== undefined) {
        failures.push(failure)
        continue
      }
      this.visibilityChanges.push({ id, seconds, at: this.#clock.now() })
      const message = this.messages.get(id)
      if (message !== undefined) message.visibleAt = this.#clock.now() + seconds * 1000
      if (seconds === 0) this.#arrived()
    }
    return failures
  }

  async delete(entries: readonly Receipt[]): Promise<EntryFailure[]> {
    await Promise.resolve()
    const failures: EntryFailure[] = []
    for (const { id, receiptHandle } of entries) {
      const failure = this.failDelete(id) ?? this.#gone(id, receiptHandle)
      if (failure !== undefined) {
        failures.push(failure)
        continue
      }
      this.onDelete(id)
      this.deleted.push(id)
      this.messages.delete(id)
    }
    return failures
  }

  #take(): Delivery[] {
    const { visibilityTimeoutSeconds, maxReceiveCount = Number.POSITIVE_INFINITY } = this.#options
    const now = this.#clock.now()
    const deliveries: Delivery[] = []
    for (const message of this.messages.values()) {
      if (deliveries.length === 10) break
      if (message.visibleAt > now && !(message.receiveCount > 0 && this.duplicate())) continue
      if (message.receiveCount >= maxReceiveCount) {
        this.messages.delete(message.id)
        this.deadLetters.push(message.id)
        continue
      }
      message.receiveCount += 1
      message.visibleAt = now + visibilityTimeoutSeconds * 1000
      this.#handles += 1
      message.receiptHandle = `handle ${this.#handles}`
      deliveries.push({
        id: message.id,
        body: message.body,
        receiptHandle: message.receiptHandle,
        receiveCount: message.receiveCount,
      })
    }
    return deliveries
  }

  /** Comes back when a message arrives, when the next one is visible again, or after a second. */
  #longPoll(): Promise<void> {
    const now = this.#clock.now()
    const next = Math.min(
      now + 1_000,
      ...[...this.messages.values()].map(({ visibleAt }) => visibleAt).filter((at) => at > now),
    )
    return new Promise((resolve) => {
      const cancel = this.#clock.after(Math.max(1, next - now), resolve)
      this.#arrived = () => {
        cancel()
        resolve()
      }
    })
  }

  #gone(id: string, receiptHandle: string): EntryFailure | undefined {
    const message = this.messages.get(id)
    if (message !== undefined && message.receiptHandle === receiptHandle) return undefined
    return { id, code: 'ReceiptHandleIsInvalid', message: 'the receipt handle has expired', final: true }
  }
}
