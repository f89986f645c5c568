import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { numberOf, type QueueAttributes, redrivePolicyOf } from './attributes.ts'
import { SqsError } from './error.ts'
import { type Message, messageSchema } from './message.ts'
import { formatReceiptHandle, parseReceiptHandle } from './receipt-handle.ts'

/** A message in a queue. A duplicate is a second entry of the same message. */
const entrySchema = z.object({
  id: z.string(),
  message: messageSchema,
  /** Milliseconds since the epoch; it can be received from then on. */
  visibleAt: z.int(),
  /** When it was received last; the limit of its visibility timeout counts from here. */
  receivedAt: z.int().optional(),
})
type Entry = z.output<typeof entrySchema>

export const queueStateSchema = z.object({
  name: z.string(),
  attributes: z.record(z.string(), z.string()),
  /** Milliseconds since the epoch. */
  created: z.int(),
  modified: z.int(),
  entries: z.array(entrySchema),
})
export type QueueState = z.output<typeof queueStateSchema>

export interface ReceivedMessage {
  readonly message: Message
  readonly receiptHandle: string
}

export interface ReceiveOptions {
  readonly max: number
  readonly waitSeconds: number
  readonly visibilitySeconds: number
  /** Whoever waits is gone: nothing must be handed to them. */
  readonly signal: AbortSignal
}

export type Place = 'back' | 'front' | { readonly at: number }

/** What is waiting, what can't be received yet, what is being worked on. */
export interface QueueCounts {
  readonly visible: number
  readonly delayed: number
  readonly inFlight: number
}

/** Source: AWS, "Amazon SQS visibility timeout": the most from the receive on. */
const visibilitySecondsMax = 43_200
/** Source: AWS, "Amazon SQS standard queue quotas". */
const inFlightMax = 120_000

/**
 * A standard queue. Entries lie in `#visible`, in the order of their delivery, or in `#hidden`, until their time comes.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
 */
export class Queue {
  readonly name: string
  readonly created: number
  modified: number
  attributes: QueueAttributes
  readonly #clock: Clock
  readonly #onChange: () => void
  readonly #moveToDeadLetters: (message: Message) => boolean
  readonly #visible: Entry[] = []
  readonly #hidden = new Map<string, Entry>()
  readonly #waiting = new Set<() => void>()
  /** Nothing becomes visible and nothing expires before. */
  #nextLook = Number.POSITIVE_INFINITY

  /** @param hooks what happens to a message that was received too often; `false`: it stays, there is nowhere to go. */
  constructor(
    state: QueueState,
    clock: Clock,
    hooks: { readonly onChange: () => void; readonly moveToDeadLetters: (queue: Queue, message: Message) => boolean },
  ) {
    this.name = state.name
    this.created = state.created
    this.modified = state.modified
    this.attributes = state.attributes
    this.#clock = clock
    this.#onChange = hooks.onChange
    this.#moveToDeadLetters = (message) => hooks.moveToDeadLetters(this, message)
    for (const entry of state.entries) this.#hide(entry)
  }

  get state(): QueueState {
    const { name, created, modified } = this
    const entries = [...this.#visible, ...this.#hidden.values()]
    return { name, attributes: { ...this.attributes }, created, modified, entries }
  }

  get counts(): QueueCounts {
    this.#look()
    let delayed = 0
    for (const entry of this.#hidden.values()) if (entry.receivedAt === undefined) delayed += 1
    return { visible: this.#visible.length, delayed, inFlight: this.#hidden.size - delayed }
  }

  /** @param place of a message that can be received at once */
  add(message: Message, options: { readonly delayMilliseconds?: number; readonly place?: Place } = {}): void {
    const { delayMilliseconds = 0, place = 'back' } = options
    const entry = { id: randomUUID(), message, visibleAt: this.#clock.now() + delayMilliseconds }
    if (delayMilliseconds > 0) {
      this.#hide(entry)
    } else {
      this.#look()
      const fraction = place === 'back' ? 1 : place === 'front' ? 0 : place.at
      this.#visible.splice(Math.round(fraction * this.#visible.length), 0, entry)
      this.#expectAt(this.#expiryOf(entry))
    }
    this.#changed()
  }

  /** Long polling: resolves as soon as there is a message, at the latest when the time is over. */
  async receive(options: ReceiveOptions): Promise<ReceivedMessage[]> {
    const deadline = this.#clock.now() + options.waitSeconds * 1000
    for (;;) {
      if (options.signal.aborted) return []
      const received = this.#take(options)
      if (received.length > 0 || this.#clock.now() >= deadline) return received
      await this.#arrival(deadline, options.signal)
    }
  }

  /**
   * A handle of a delivery that was followed by another one deletes nothing and succeeds.
   * Source: AWS, DeleteMessage: "the request will still succeed, but the message might not be deleted".
   * @throws SqsError ReceiptHandleIsInvalid
   */
  delete(handle: string): void {
    const receipt = parseReceiptHandle(handle, this.name)
    this.#look()
    const entry = this.#find(receipt.entry)
    if (entry === undefined || entry.message.receiveCount !== receipt.receive) return
    this.#remove(entry)
    this.#onChange()
  }

  /**
   * Source: AWS, ChangeMessageVisibility.
   * @throws SqsError ReceiptHandleIsInvalid, MessageNotInflight, InvalidParameterValue
   */
  changeVisibility(handle: string, seconds: number): void {
    const receipt = parseReceiptHandle(handle, this.name)
    this.#look()
    const entry = this.#find(receipt.entry)
    if (entry === undefined || entry.message.receiveCount !== receipt.receive) {
      throw new SqsError(
        'InvalidParameterValue',
        `Value ${handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
      )
    }
    if (!this.#hidden.has(entry.id)) {
      throw new SqsError('MessageNotInflight', 'The specified message is not in flight.')
    }
    const visibleAt = this.#clock.now() + seconds * 1000
    if (visibleAt > (entry.receivedAt ?? 0) + visibilitySecondsMax * 1000) {
      throw new SqsError(
        'InvalidParameterValue',
        `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [${visibilitySecondsMax} seconds]`,
      )
    }
    entry.visibleAt = visibleAt
    this.#expectAt(visibleAt)
    this.#changed()
  }

  purge(): void {
    this.#visible.length = 0
    this.#hidden.clear()
    this.#onChange()
  }

  /** Takes out all messages that nobody works on. */
  drain(): Message[] {
    this.#look()
    const drained = this.#visible.splice(0).map((entry) => entry.message)
    this.#onChange()
    return drained
  }

  #take({ max, visibilitySeconds }: ReceiveOptions): ReceivedMessage[] {
    this.#look()
    const now = this.#clock.now()
    const received: ReceivedMessage[] = []
    const maxReceiveCount = redrivePolicyOf(this.attributes)?.maxReceiveCount ?? Number.POSITIVE_INFINITY
    if (this.counts.inFlight >= inFlightMax) return []
    while (received.length < max) {
      const entry = this.#visible.shift()
      if (entry === undefined) break
      // The receive that would be one too many moves the message instead.
      if (entry.message.receiveCount >= maxReceiveCount && this.#moveToDeadLetters(entry.message)) continue
      const { receiveCount, firstReceivedAt = now } = entry.message
      entry.message = { ...entry.message, receiveCount: receiveCount + 1, firstReceivedAt }
      entry.receivedAt = now
      entry.visibleAt = now + visibilitySeconds * 1000
      this.#hide(entry)
      const receipt = { queue: this.name, entry: entry.id, receive: entry.message.receiveCount }
      received.push({ message: entry.message, receiptHandle: formatReceiptHandle(receipt) })
    }
    if (received.length > 0) this.#onChange()
    return received
  }

  /** Brings the state up to the present: what is due becomes visible, in the order of its time; what is too old goes. */
  #look(): void {
    const now = this.#clock.now()
    if (now < this.#nextLook) return
    const due = [...this.#hidden.values()].filter((entry) => entry.visibleAt <= now)
    for (const entry of due.sort((a, b) => a.visibleAt - b.visibleAt)) {
      this.#hidden.delete(entry.id)
      this.#visible.push(entry)
    }
    for (const entry of this.#entries()) if (this.#expiryOf(entry) <= now) this.#remove(entry)
    this.#nextLook = Number.POSITIVE_INFINITY
    for (const entry of this.#hidden.values()) this.#expectAt(entry.visibleAt)
    for (const entry of this.#entries()) this.#expectAt(this.#expiryOf(entry))
  }

  #entries(): Entry[] {
    return [...this.#visible, ...this.#hidden.values()]
  }

  #expiryOf(entry: Entry): number {
    return entry.message.sentAt + numberOf(this.attributes, 'MessageRetentionPeriod') * 1000
  }

  #hide(entry: Entry): void {
    this.#hidden.set(entry.id, entry)
    this.#expectAt(entry.visibleAt)
  }

  #expectAt(time: number): void {
    this.#nextLook = Math.min(this.#nextLook, time)
  }

  #find(id: string): Entry | undefined {
    return this.#hidden.get(id) ?? this.#visible.find((entry) => entry.id === id)
  }

  #remove(entry: Entry): void {
    if (this.#hidden.delete(entry.id)) return
    const position = this.#visible.indexOf(entry)
    if (position >= 0) this.#visible.splice(position, 1)
  }

  #changed(): void {
    for (const wake of [...this.#waiting]) wake()
    this.#onChange()
  }

  /** Resolves when there may be something: a message came, one is due, the time is over, or nobody waits any more. */
  #arrival(deadline: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake)
        cancel()
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const cancel = this.#clock.alarm(Math.min(deadline, this.#nextLook), wake)
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }
}
