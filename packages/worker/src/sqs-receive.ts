import type { Message, SQSClient } from '@aws-sdk/client-sqs'
import { Consumer } from 'sqs-consumer'
import type { Delivery, Subscriber, Subscription } from './queue.ts'
import { explainQueueError } from './queue-error.ts'

export interface ReceiveOptions {
  readonly client: SQSClient
  readonly url: string
  /** For messages to people. */
  readonly subject: { readonly queue: string; readonly endpoint?: string | undefined }
  readonly visibilityTimeoutSeconds: number
  readonly waitSeconds: number
}

/**
 * Receives with sqs-consumer, which polls, hands over, and polls again, strictly one after the other. It deletes and extends nothing here: its own
 * ways to do so cover only the messages of the handler that is running, and a message of ours outlives its handler by far.
 */
export function subscribeWithConsumer(options: ReceiveOptions, subscriber: Subscriber): Subscription {
  const { client, url, subject, visibilityTimeoutSeconds, waitSeconds } = options
  let stopping = false
  // sqs-consumer says `stopped` at once, whatever is under way; each of its polls begins with the callback and ends with one of three events.
  let poll = Promise.withResolvers<void>()
  poll.resolve()
  const consumer = Consumer.create({
    queueUrl: url,
    sqs: client,
    batchSize: 10,
    waitTimeSeconds: waitSeconds,
    visibilityTimeout: visibilityTimeoutSeconds,
    // Older servers know the one name, newer ones the other.
    attributeNames: ['All'],
    messageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
    shouldDeleteMessages: false,
    suppressFifoWarning: true,
    // The subscriber decides how long a failure is waited out.
    authenticationErrorTimeout: 0,
    preReceiveMessageCallback: async () => {
      poll = Promise.withResolvers()
      await subscriber.ready()
      if (stopping) throw new Error('stopped')
    },
    handleMessageBatch: async (messages) => {
      await subscriber.deliver(messages.map(readDelivery).filter((delivery) => delivery !== undefined))
      return undefined
    },
  })
  consumer.on('response_processed', () => poll.resolve())
  consumer.on('empty', () => {
    poll.resolve()
    subscriber.empty()
  })
  consumer.on('error', (error) => {
    poll.resolve()
    if (stopping) return
    // sqs-consumer wraps what the SDK threw.
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    subscriber.failed(explainQueueError(cause, subject))
  })
  consumer.start()
  return {
    stop: async () => {
      stopping = true
      // Gives up the receive that is under way. What the queue has handed out for it already comes back when its visibility timeout is over.
      consumer.stop({ abort: true })
      await poll.promise
    },
  }
}

function readDelivery(message: Message): Delivery | undefined {
  const { MessageId: id, ReceiptHandle: receiptHandle, Body: body = '', Attributes } = message
  // Without these it can be neither told from others nor deleted; it comes back by itself.
  if (id === undefined || receiptHandle === undefined) return undefined
  const receiveCount = Number(Attributes?.ApproximateReceiveCount)
  // Milliseconds since 1970 (API reference, ReceiveMessage).
  const sentAt = new Date(Number(Attributes?.SentTimestamp))
  return {
    id,
    receiptHandle,
    body,
    ...(Number.isSafeInteger(receiveCount) ? { receiveCount } : {}),
    ...(Number.isNaN(sentAt.getTime()) ? {} : { sentAt }),
  }
}
