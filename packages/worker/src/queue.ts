/** One delivery of a message. */
export interface Delivery {
  readonly id: string
  /** Names this delivery, not the message: only the newest one is sure to work. */
  readonly receiptHandle: string
  readonly body: string
  /** How often the queue says it was delivered, this time included; some servers don't say. */
  readonly receiveCount?: number
  /** When it was sent to the queue; some servers don't say. */
  readonly sentAt?: Date
}

export type Receipt = Pick<Delivery, 'id' | 'receiptHandle'>

/** What the queue did not do to one message. */
export interface EntryFailure {
  readonly id: string
  readonly code: string
  readonly message: string
  /** Trying again will not help: the receipt handle has expired or the message is gone. */
  readonly final: boolean
}

/** A receive that failed, and what a person can do. */
export interface ReceiveFailure {
  readonly code: string
  readonly message: string
  readonly whatToDo: string
}

/** Who takes what is received. */
export interface Subscriber {
  /** Awaited before each receive; holds it back as long as needed. */
  ready(): Promise<void>
  /** At most ten. The next receive waits for it. Must not reject. */
  deliver(deliveries: readonly Delivery[]): Promise<void>
  /** A receive found nothing. */
  empty(): void
  failed(failure: ReceiveFailure): void
}

export interface Subscription {
  /**
   * No further receive; one that is under way is given up. Resolves when no more can be delivered. Must not be awaited inside `deliver`, and
   * `ready` must resolve first.
   */
  stop(): Promise<void>
}

/** The port of a queue: SQS, and in tests one in memory. Its failures are values, since every one of them has a next step. */
export interface MessageQueue {
  /** For messages to people. */
  readonly name: string
  subscribe(subscriber: Subscriber): Subscription
  /** Any number of messages. Seconds from now, 0 to 43200: 0 gives the message back. */
  changeVisibility(entries: readonly (Receipt & { readonly seconds: number })[]): Promise<readonly EntryFailure[]>
  /** Any number of messages. */
  delete(entries: readonly Receipt[]): Promise<readonly EntryFailure[]>
}
