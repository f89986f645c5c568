import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs'
import type { MessageQueue, Subscriber } from './queue.ts'
import { type QueueDepth, readDepth } from './queue-depth.ts'
import { explainQueueError } from './queue-error.ts'
import { parseRedrivePolicy, receiveCountMin } from './redrive-policy.ts'
import { changeVisibility, deleteMessages } from './sqs-batch.ts'
import { createSqsClient, findQueueUrl, queueName, type SqsConnection } from './sqs-client.ts'
import { subscribeWithConsumer } from './sqs-receive.ts'

export interface SqsQueueOptions extends SqsConnection {
  /** Name or URL. */
  readonly queue: string
  readonly visibilityTimeoutSeconds: number
  /** Seconds that a receive waits for messages, 0 to 20. */
  readonly waitSeconds: number
}

export interface SqsQueue extends MessageQueue {
  readonly url: string
  /** What the queue's own settings should be changed to, in sentences. */
  readonly advice: readonly string[]
  /** @throws {QueueError} */
  depth(options: { readonly signal: AbortSignal }): Promise<QueueDepth>
  close(): void
}

/**
 * Finds the queue and reads its settings.
 * @throws {QueueError} `NO_SUCH_QUEUE`, `ACCESS_DENIED`, `NO_REGION`, `NO_CREDENTIALS`, `UNREACHABLE`, `FAILED`: its message says what to do.
 */
export async function openSqsQueue(options: SqsQueueOptions): Promise<SqsQueue> {
  const client = await createSqsClient(options, options.queue)
  const subject = { queue: options.queue, endpoint: options.endpointUrl }
  try {
    const url = await findQueueUrl(client, options.queue)
    return sqsQueue(client, url, await readAdvice(client, url), options)
  } catch (error) {
    client.destroy()
    throw explainQueueError(error, subject)
  }
}

function sqsQueue(client: SQSClient, url: string, advice: readonly string[], options: SqsQueueOptions): SqsQueue {
  const name = queueName(url)
  const subject = { queue: name, endpoint: options.endpointUrl }
  const messages = { client, url, subject }
  return {
    name,
    url,
    advice,
    subscribe: (subscriber: Subscriber) => subscribeWithConsumer({ client, url, subject, ...options }, subscriber),
    changeVisibility: (entries) => changeVisibility(messages, entries),
    delete: (entries) => deleteMessages(messages, entries),
    depth: async ({ signal }) => {
      try {
        return await readDepth(client, url, signal)
      } catch (error) {
        throw explainQueueError(error, subject)
      }
    },
    close: () => client.destroy(),
  }
}

/** A queue that does not let itself be described is used all the same; one that is not there is an error. */
async function readAdvice(client: SQSClient, url: string): Promise<string[]> {
  const asked = { QueueUrl: url, AttributeNames: ['RedrivePolicy' as const] }
  let policy: string | undefined
  try {
    policy = (await client.send(new GetQueueAttributesCommand(asked))).Attributes?.RedrivePolicy
  } catch (error) {
    const explained = explainQueueError(error, { queue: url })
    if (explained.code !== 'ACCESS_DENIED' && explained.code !== 'FAILED') throw error
    return [`Whether the queue has a dead-letter queue could not be read: ${explained.message}`]
  }
  if (policy === undefined || policy === '') {
    return [
      'The queue has no RedrivePolicy: a message that nobody can use has nowhere to go and comes back until it expires. Give the queue a dead-letter queue.',
    ]
  }
  const redrive = parseRedrivePolicy(policy)
  if (redrive !== undefined && redrive.maxReceiveCount < receiveCountMin) {
    return [
      `The queue's maxReceiveCount is ${redrive.maxReceiveCount}: a short outage moves good messages to the dead-letter queue. 5 to 10 is better.`,
    ]
  }
  return []
}
