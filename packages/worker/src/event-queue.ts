import * as z from 'zod'
import type { Delivery, MessageQueue, Subscriber, Subscription } from './queue.ts'

/** What Lambda is to be told of a batch: these messages come again, all others are deleted. */
export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

/** The messages of one event that Lambda hands over, as a queue that holds these and no others. */
export class EventQueue implements MessageQueue {
  readonly name: string
  /** Each once, in the order of the event. */
  readonly deliveries: readonly Delivery[]
  readonly #done = new Set<string>()

  private constructor(name: string, deliveries: readonly Delivery[]) {
    this.name = name
    this.deliveries = deliveries
  }

  /** @throws Error where it is no event of SQS: then all of it comes again */
  static read(event: unknown): EventQueue {
    const parsed = SqsEvent.safeParse(event)
    if (!parsed.success) {
      throw new Error(`this is no event of SQS, for which this function is: ${z.prettifyError(parsed.error)}`)
    }
    const records = new Map(parsed.data.Records.map((record) => [record.messageId, record]))
    const name = parsed.data.Records[0]?.eventSourceARN?.split(':').at(-1) ?? 'lambda'
    return new EventQueue(name, [...records.values()].map(toDelivery))
  }

  /** Those that are neither published nor none of ours. */
  get response(): BatchResponse {
    const left = this.deliveries.filter(({ id }) => !this.#done.has(id))
    return { batchItemFailures: left.map(({ id }) => ({ itemIdentifier: id })) }
  }

  /** All at once, and then nothing. */
  subscribe(subscriber: Subscriber): Subscription {
    const over = (async () => {
      await subscriber.ready()
      if (this.deliveries.length > 0) await subscriber.deliver(this.deliveries)
      // A worker that is to empty its queue asks a second time before it believes that.
      for (let asked = 0; asked < 2; asked += 1) subscriber.empty()
    })()
    return { stop: () => over }
  }

  /** What is done is deleted by Lambda, once it has the response. */
  async delete(entries: Parameters<MessageQueue['delete']>[0]): ReturnType<MessageQueue['delete']> {
    for (const { id } of entries) this.#done.add(id)
    return []
  }

  /** For how long a message is invisible is Lambda's affair: the queue's own visibility timeout. */
  async changeVisibility(): ReturnType<MessageQueue['changeVisibility']> {
    return []
  }
}

/** Lambda developer guide, "Using Lambda with Amazon SQS": only what is needed. */
const SqsEvent = z.object({
  Records: z.array(
    z.object({
      messageId: z.string().min(1),
      body: z.string(),
      eventSourceARN: z.string().optional(),
      attributes: z
        .object({
          ApproximateReceiveCount: z.coerce.number().int().positive().optional().catch(undefined),
          SentTimestamp: z.coerce.number().optional().catch(undefined),
        })
        .optional(),
    }),
  ),
})

function toDelivery({ messageId, body, attributes }: z.output<typeof SqsEvent>['Records'][number]): Delivery {
  const { ApproximateReceiveCount: receiveCount, SentTimestamp: sent } = attributes ?? {}
  return {
    id: messageId,
    // Deletes nothing: whoever has this event needs no right to the queue.
    receiptHandle: '',
    body,
    ...(receiveCount === undefined ? {} : { receiveCount }),
    ...(sent === undefined ? {} : { sentAt: new Date(sent) }),
  }
}
