/**
 * A queue by the rules of SQS: messages are hidden when they are received, come back when nobody deletes them in time, may come
 * twice and in any order, and go to the dead-letter queue after so many receives.
 */
import type { Delivery, EntryFailure, MessageQueue, Subscriber, Subscription } from '@repokeeper/worker'
import type { Fault, Scheduler, SimulatedProcess } from './scheduler.ts'

export interface StoredMessage {
  readonly id: string
  readonly body: string
  /** Milliseconds of simulated time. */
  visibleAt: number
  receiveCount: number
  receiptHandle: string
}

export interface QueueRules {
  readonly name: string
  readonly visibilityTimeoutMs: number
  readonly receivesMax: number
}

const batchMax = 10

/** What the queue holds, whoever asks. */
export class Queue {
  readonly rules: QueueRules
  readonly messages = new Map<string, StoredMessage>()
  readonly deadLetters: StoredMessage[] = []
  /** Called at the moment when a message is deleted. */
  onDeleted: (message: StoredMessage) => void = () => {}
  readonly #scheduler: Scheduler
  readonly #waiting = new Set<() => void>()
  #handles = 0
  #countsReceives = false

  constructor(rules: QueueRules, scheduler: Scheduler) {
    this.rules = rules
    this.#scheduler = scheduler
  }

  send(id: string, body: string): void {
    this.messages.set(id, { id, body, visibleAt: this.#scheduler.now, receiveCount: 0, receiptHandle: '' })
    this.#wake()
  }

  /** A message that somebody holds is delivered once more, as a standard queue may do at any time. */
  show(message: StoredMessage): void {
    message.visibleAt = this.#scheduler.now
    this.#wake()
  }

  /** From now on a message that is received too often goes to the dead-letter queue. */
  startCounting(): void {
    this.#countsReceives = true
    for (const message of this.messages.values()) message.receiveCount = 0
  }

  take(): Delivery[] {
    const deliveries: Delivery[] = []
    for (const message of this.messages.values()) {
      if (deliveries.length === batchMax) break
      if (message.visibleAt > this.#scheduler.now) continue
      if (this.#countsReceives && message.receiveCount >= this.rules.receivesMax) {
        this.messages.delete(message.id)
        this.deadLetters.push(message)
        continue
      }
      this.#handles += 1
      message.receiveCount += 1
      message.visibleAt = this.#scheduler.now + this.rules.visibilityTimeoutMs
      message.receiptHandle = `handle ${this.#handles}`
      const { id, body, receiptHandle, receiveCount } = message
      deliveries.push({ id, body, receiptHandle, receiveCount })
    }
    return deliveries
  }

  /** An old receipt handle still deletes, as long as the message was not received again. */
  delete(id: string, receiptHandle: string): EntryFailure | undefined {
    const message = this.messages.get(id)
    if (message?.receiptHandle !== receiptHandle) return expired(id)
    this.messages.delete(id)
    this.onDeleted(message)
    return undefined
  }

  changeVisibility(id: string, receiptHandle: string, seconds: number): EntryFailure | undefined {
    const message = this.messages.get(id)
    if (message?.receiptHandle !== receiptHandle) return expired(id)
    message.visibleAt = this.#scheduler.now + seconds * 1000
    if (seconds === 0) this.#wake()
    return undefined
  }

  /** Resolves when there may be a message. A poll here is as long as it has to be: polls that find nothing prove nothing. */
  arrival(process: SimulatedProcess): Promise<void> {
    return new Promise((resolve) => {
      const next = Math.min(...[...this.messages.values()].map(({ visibleAt }) => visibleAt))
      const cancel =
        next === Number.POSITIVE_INFINITY
          ? () => {}
          : this.#scheduler.after(process, Math.max(1, next - this.#scheduler.now), () => done())
      const done = (): void => {
        cancel()
        this.#waiting.delete(done)
        resolve()
      }
      this.#waiting.add(done)
    })
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}

function expired(id: string): EntryFailure {
  return { id, code: 'ReceiptHandleIsInvalid', message: 'the receipt handle has expired', final: true }
}

/** The queue as one process reaches it. */
export class SimulatedQueue implements MessageQueue {
  readonly name: string
  readonly #queue: Queue
  readonly #scheduler: Scheduler
  readonly #process: SimulatedProcess

  constructor(queue: Queue, scheduler: Scheduler, process: SimulatedProcess) {
    this.name = queue.rules.name
    this.#queue = queue
    this.#scheduler = scheduler
    this.#process = process
  }

  subscribe(subscriber: Subscriber): Subscription {
    let stopped = false
    const receive = async (): Promise<void> => {
      while (!stopped) {
        await subscriber.ready()
        if (stopped) break
        const deliveries = await this.#receive()
        if (deliveries === 'failed') {
          subscriber.failed({ code: 'UNREACHABLE', message: 'The queue is out.', whatToDo: 'Wait.' })
        } else if (deliveries.length > 0) await subscriber.deliver(deliveries)
        else subscriber.empty()
      }
    }
    const over = receive()
    return {
      stop: async () => {
        stopped = true
        await over
      },
    }
  }

  async changeVisibility(
    entries: readonly { readonly id: string; readonly receiptHandle: string; readonly seconds: number }[],
  ): Promise<EntryFailure[]> {
    const label = `${this.name} ${entries.map(({ id, seconds }) => `hide ${id} for ${seconds} s`).join(', ')}`
    return this.#scheduler.call(
      this.#process,
      label,
      () =>
        entries.flatMap(
          ({ id, receiptHandle, seconds }) => this.#queue.changeVisibility(id, receiptHandle, seconds) ?? [],
        ),
      failures(entries),
    )
  }

  async delete(entries: readonly { readonly id: string; readonly receiptHandle: string }[]): Promise<EntryFailure[]> {
    if (entries.length === 0) return []
    const label = `${this.name} delete ${entries.map(({ id }) => id).join(', ')}`
    return this.#scheduler.call(
      this.#process,
      label,
      () => entries.flatMap(({ id, receiptHandle }) => this.#queue.delete(id, receiptHandle) ?? []),
      failures(entries),
    )
  }

  async #receive(): Promise<Delivery[] | 'failed'> {
    for (let polls = 0; ; polls += 1) {
      const deliveries = await this.#scheduler.call<Delivery[] | 'failed'>(
        this.#process,
        `${this.name} receive`,
        () => this.#queue.take(),
        [
          { name: 'the queue answers 503', tookEffect: false, answer: () => 'failed' },
          { name: 'the answer is lost', tookEffect: true, answer: () => 'failed' },
        ],
      )
      if (deliveries === 'failed' || deliveries.length > 0 || polls > 0) return deliveries
      await this.#queue.arrival(this.#process)
    }
  }
}

function failures(entries: readonly { readonly id: string }[]): Fault<EntryFailure[]>[] {
  const answer = () => entries.map(({ id }) => ({ id, code: 'InternalError', message: 'a fault', final: false }))
  return [
    { name: 'the queue answers 503', tookEffect: false, answer },
    { name: 'the answer is lost', tookEffect: true, answer },
  ]
}
