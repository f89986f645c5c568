import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { numberOf } from './attributes.ts'
import { batch } from './batch.ts'
import { SqsError } from './error.ts'
import { assertMessageContents, type MessageAttributes, md5, md5OfAttributes, messageSize } from './message.ts'
import type { Parameters, SqsOperation } from './parameters.ts'
import type { Queue, ReceivedMessage } from './queue.ts'
import { accountId, type Queues } from './queues.ts'

/** What an operation knows beside its parameters. */
export interface SqsContext {
  readonly queues: Queues
  readonly clock: Clock
  /** Where this caller reaches local-cloud; queue URLs start with it. */
  readonly endpoint: string
  readonly senderId: string
  readonly signal: AbortSignal
  readonly forgetVisibility: boolean
}

/** The members of an answer, by the names of the JSON protocol. */
export type Result = Readonly<Record<string, unknown>>

type Operations = {
  readonly [O in SqsOperation]: (parameters: Parameters[O], context: SqsContext) => Result | Promise<Result>
}

/** Source: AWS, SendMessageBatch: of all messages together. */
const batchBytesMax = 1_048_576

export const operations: Operations = {
  CreateQueue({ QueueName, Attributes, tags }, context) {
    if (Object.keys(tags).length > 0) throw new SqsError('UnsupportedOperation', 'local-cloud keeps no tags of queues.')
    return { QueueUrl: queueUrl(context.queues.create(QueueName, Attributes), context) }
  },

  GetQueueUrl: ({ QueueName }, context) => ({ QueueUrl: queueUrl(context.queues.queue(QueueName), context) }),

  ListQueues({ QueueNamePrefix }, context) {
    const found = context.queues.list().filter(({ name }) => name.startsWith(QueueNamePrefix))
    return found.length === 0 ? {} : { QueueUrls: found.map((queue) => queueUrl(queue, context)) }
  },

  DeleteQueue({ QueueUrl }, context) {
    context.queues.delete(queueOf(QueueUrl, context))
    return {}
  },

  GetQueueAttributes({ QueueUrl, AttributeNames }, context) {
    const queue = queueOf(QueueUrl, context)
    const all = describeQueue(queue, context)
    const unknown = AttributeNames.find((name) => name !== 'All' && !(name in all) && !optionalAttributes.has(name))
    if (unknown !== undefined) throw new SqsError('InvalidAttributeName', `Unknown Attribute ${unknown}.`)
    const wanted = Object.entries(all).filter(
      ([name]) => AttributeNames.includes('All') || AttributeNames.includes(name),
    )
    return wanted.length === 0 ? {} : { Attributes: Object.fromEntries(wanted) }
  },

  SetQueueAttributes({ QueueUrl, Attributes }, context) {
    context.queues.configure(queueOf(QueueUrl, context), Attributes)
    return {}
  },

  PurgeQueue({ QueueUrl }, context) {
    context.queues.purge(queueOf(QueueUrl, context))
    return {}
  },

  SendMessage: ({ QueueUrl, ...message }, context) => send(queueOf(QueueUrl, context), message, context),

  SendMessageBatch({ QueueUrl, Entries }, context) {
    const queue = queueOf(QueueUrl, context)
    const size = Entries.reduce((sum, entry) => sum + messageSize(entry.MessageBody, entry.MessageAttributes), 0)
    if (size > batchBytesMax) {
      throw new SqsError(
        'BatchRequestTooLong',
        `Batch requests cannot be longer than ${batchBytesMax} bytes. You have sent ${size} bytes.`,
      )
    }
    return batch(Entries, (entry) => send(queue, entry, context))
  },

  async ReceiveMessage(parameters, context) {
    const queue = queueOf(parameters.QueueUrl, context)
    const max = inRange('MaxNumberOfMessages', parameters.MaxNumberOfMessages, 1, 10)
    const waitSeconds = inRange(
      'WaitTimeSeconds',
      parameters.WaitTimeSeconds ?? numberOf(queue.attributes, 'ReceiveMessageWaitTimeSeconds'),
      0,
      20,
    )
    const visibilitySeconds = inRange(
      'VisibilityTimeout',
      parameters.VisibilityTimeout ?? numberOf(queue.attributes, 'VisibilityTimeout'),
      0,
      43_200,
    )
    const received = await queue.receive({
      max,
      waitSeconds,
      visibilitySeconds: context.forgetVisibility ? 0 : visibilitySeconds,
      signal: context.signal,
    })
    const system = new Set([...parameters.AttributeNames, ...parameters.MessageSystemAttributeNames])
    return received.length === 0
      ? {}
      : { Messages: received.map((each) => describeMessage(each, system, parameters.MessageAttributeNames)) }
  },

  DeleteMessage({ QueueUrl, ReceiptHandle }, context) {
    queueOf(QueueUrl, context).delete(ReceiptHandle)
    return {}
  },

  DeleteMessageBatch({ QueueUrl, Entries }, context) {
    const queue = queueOf(QueueUrl, context)
    return batch(Entries, ({ ReceiptHandle }) => {
      queue.delete(ReceiptHandle)
      return {}
    })
  },

  ChangeMessageVisibility({ QueueUrl, ReceiptHandle, VisibilityTimeout }, context) {
    const queue = queueOf(QueueUrl, context)
    queue.changeVisibility(ReceiptHandle, inRange('VisibilityTimeout', VisibilityTimeout, 0, 43_200))
    return {}
  },

  ChangeMessageVisibilityBatch({ QueueUrl, Entries }, context) {
    const queue = queueOf(QueueUrl, context)
    return batch(Entries, ({ ReceiptHandle, VisibilityTimeout }) => {
      queue.changeVisibility(ReceiptHandle, inRange('VisibilityTimeout', VisibilityTimeout, 0, 43_200))
      return {}
    })
  },

  ListDeadLetterSourceQueues({ QueueUrl }, context) {
    const sources = context.queues.sourcesOf(queueOf(QueueUrl, context))
    return { queueUrls: sources.map((queue) => queueUrl(queue, context)) }
  },

  /** Done before it answers; on AWS a task of its own. What was moved is a new message, with a new id. */
  StartMessageMoveTask({ SourceArn, DestinationArn }, { queues, clock }) {
    const source = queues.findByArn(SourceArn)
    if (source === undefined || queues.sourcesOf(source).length === 0) {
      throw new SqsError(
        'ResourceNotFoundException',
        "The resource that you specified for the SourceArn parameter doesn't exist.",
      )
    }
    const named = DestinationArn === undefined ? undefined : queues.findByArn(DestinationArn)
    if (DestinationArn !== undefined && named === undefined) {
      throw new SqsError(
        'ResourceNotFoundException',
        "The resource that you specified for the DestinationArn parameter doesn't exist.",
      )
    }
    for (const message of source.drain()) {
      const target = named ?? queues.findByArn(message.deadLetterSourceArn ?? '')
      const { id: _id, firstReceivedAt: _at, deadLetterSourceArn: _arn, ...kept } = message
      if (target === undefined) source.add(message)
      else target.add({ ...kept, id: randomUUID(), sentAt: clock.now(), receiveCount: 0 })
    }
    return { TaskHandle: randomUUID() }
  },
}

/** The name of the queue of a URL: its last segment, whatever the host. */
export function queueNameOf(url: string): string {
  return url.replace(/\/+$/, '').split('/').at(-1) ?? ''
}

/** Attributes that a queue may be without. */
const optionalAttributes: ReadonlySet<string> = new Set([
  'Policy',
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
  'FifoQueue',
  'ContentBasedDeduplication',
])

function queueOf(url: string, { queues }: SqsContext): Queue {
  if (url === '') throw new SqsError('InvalidAddress', 'The address of the queue is not valid for this endpoint.')
  return queues.queue(queueNameOf(url))
}

function queueUrl(queue: Queue, { endpoint }: SqsContext): string {
  return `${endpoint}/${accountId}/${queue.name}`
}

function describeQueue(queue: Queue, { queues }: SqsContext): Record<string, string> {
  const { visible, delayed, inFlight } = queue.counts
  return {
    ...queue.attributes,
    QueueArn: queues.arnOf(queue.name),
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    CreatedTimestamp: String(Math.floor(queue.created / 1000)),
    LastModifiedTimestamp: String(Math.floor(queue.modified / 1000)),
  }
}

function send(
  queue: Queue,
  message: { MessageBody: string; DelaySeconds?: number | undefined; MessageAttributes: MessageAttributes },
  { queues, senderId }: SqsContext,
): Result {
  const { MessageBody: body, MessageAttributes: attributes, DelaySeconds } = message
  assertMessageContents(body, attributes)
  const max = numberOf(queue.attributes, 'MaximumMessageSize')
  if (messageSize(body, attributes) > max) {
    throw new SqsError(
      'InvalidParameterValue',
      `One or more parameters are invalid. Reason: Message must be shorter than ${max} bytes.`,
    )
  }
  if (DelaySeconds !== undefined) inRange('DelaySeconds', DelaySeconds, 0, 900)
  const sent = queues.send(queue, { body, attributes, senderId }, DelaySeconds)
  const attributesDigest = md5OfAttributes(attributes)
  return {
    MessageId: sent.id,
    MD5OfMessageBody: md5(body),
    ...(attributesDigest !== undefined && { MD5OfMessageAttributes: attributesDigest }),
  }
}

function describeMessage(
  { message, receiptHandle }: ReceivedMessage,
  system: ReadonlySet<string>,
  attributeNames: readonly string[],
): Result {
  const known: Record<string, string | undefined> = {
    SenderId: message.senderId,
    SentTimestamp: String(message.sentAt),
    ApproximateReceiveCount: String(message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt ?? message.sentAt),
    DeadLetterQueueSourceArn: message.deadLetterSourceArn,
  }
  const wanted = Object.entries(known).filter(
    ([name, value]) => value !== undefined && (system.has('All') || system.has(name)),
  )
  const attributes = Object.fromEntries(
    Object.entries(message.attributes).filter(([name]) => attributeNames.some((pattern) => matchesName(pattern, name))),
  )
  const attributesDigest = md5OfAttributes(attributes)
  return {
    MessageId: message.id,
    ReceiptHandle: receiptHandle,
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...(wanted.length > 0 && { Attributes: Object.fromEntries(wanted) }),
    ...(attributesDigest !== undefined && {
      MessageAttributes: attributes,
      MD5OfMessageAttributes: attributesDigest,
    }),
  }
}

/** `All`, `.*`, a name, or the start of one: `foo.*`. Source: AWS, ReceiveMessage, MessageAttributeNames. */
function matchesName(pattern: string, name: string): boolean {
  return pattern === 'All' || pattern === name || (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -2)))
}

function inRange(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value
  throw new SqsError(
    'InvalidParameterValue',
    `Value ${value} for parameter ${name} is invalid. Reason: Must be >= ${min} and <= ${max}, if provided.`,
  )
}
