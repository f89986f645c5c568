import {
  type BatchResultErrorEntry,
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import * as z from 'zod'
import type { EntryFailure, MessageQueue, Receipt, Subscriber } from './queue.ts'
import { explainQueueError, QueueError } from './queue-error.ts'
import { subscribeWithConsumer } from './sqs-receive.ts'

export interface SqsQueueOptions {
  /** Name or URL. */
  readonly queue: string
  /** Where SQS answers, other than at AWS. */
  readonly endpointUrl?: string | undefined
  readonly region?: string | undefined
  readonly profile?: string | undefined
  readonly visibilityTimeoutSeconds: number
  /** Seconds that a receive waits for messages, 0 to 20. */
  readonly waitSeconds: number
}

export interface SqsQueue extends MessageQueue {
  readonly url: string
  /** What the queue's own settings should be changed to, in sentences. */
  readonly advice: readonly string[]
  close(): void
}

/** Entries of one batch request. */
const batchMax = 10
/** Batch requests under way at the same time. */
const requestsMax = 4

/**
 * Finds the queue and reads its settings.
 * @throws {QueueError} `NO_SUCH_QUEUE`, `ACCESS_DENIED`, `NO_REGION`, `NO_CREDENTIALS`, `UNREACHABLE`, `FAILED`: its message says what to do.
 */
export async function openSqsQueue(options: SqsQueueOptions): Promise<SqsQueue> {
  const client = await createClient(options)
  const subject = { queue: options.queue, endpoint: options.endpointUrl }
  try {
    const url = isUrl(options.queue) ? options.queue : await findUrl(client, options.queue)
    return sqsQueue(client, url, await readAdvice(client, url), options)
  } catch (error) {
    client.destroy()
    throw explainQueueError(error, subject)
  }
}

function sqsQueue(client: SQSClient, url: string, advice: readonly string[], options: SqsQueueOptions): SqsQueue {
  const name = queueName(url)
  const subject = { queue: name, endpoint: options.endpointUrl }
  return {
    name,
    url,
    advice,
    subscribe: (subscriber: Subscriber) => subscribeWithConsumer({ client, url, subject, ...options }, subscriber),
    changeVisibility: (entries) =>
      inTens(entries, subject, async (ten) => {
        const Entries = ten.map(({ receiptHandle, seconds }, index) => ({
          Id: String(index),
          ReceiptHandle: receiptHandle,
          VisibilityTimeout: seconds,
        }))
        return await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries }))
      }),
    delete: (entries) =>
      inTens(entries, subject, async (ten) => {
        const Entries = ten.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }))
        return await client.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }))
      }),
    close: () => client.destroy(),
  }
}

interface BatchAnswer {
  readonly Failed?: readonly BatchResultErrorEntry[] | undefined
}

/**
 * Sends entries in tens, a few requests at a time, and gathers the failures: of an entry, or of a whole request for each of its entries. Ids are
 * the places in the request: a message id of a foreign server may hold what an entry's id may not.
 */
async function inTens<E extends Receipt>(
  entries: readonly E[],
  subject: { readonly queue: string; readonly endpoint?: string | undefined },
  send: (ten: readonly E[]) => Promise<BatchAnswer>,
): Promise<EntryFailure[]> {
  const tens: E[][] = []
  for (let start = 0; start < entries.length; start += batchMax) tens.push(entries.slice(start, start + batchMax))
  const failures: EntryFailure[] = []
  const sendOnward = async () => {
    for (let ten = tens.shift(); ten !== undefined; ten = tens.shift()) {
      try {
        const { Failed = [] } = await send(ten)
        for (const { Id, Code, Message, SenderFault } of Failed) {
          const id = ten[Number(Id)]?.id
          if (id === undefined) continue
          failures.push({
            id,
            code: Code ?? 'UNKNOWN',
            message: Message ?? 'no reason given',
            final: SenderFault ?? false,
          })
        }
      } catch (error) {
        const { code, message } = explainQueueError(error, subject)
        for (const { id } of ten) failures.push({ id, code, message, final: false })
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(requestsMax, tens.length) }, sendOnward))
  return failures
}

async function createClient(options: SqsQueueOptions): Promise<SQSClient> {
  const { endpointUrl, profile, queue } = options
  const base = {
    // The URL of a queue may have another host than the one it can be reached at (a container's own name, say).
    ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl, useQueueUrlAsEndpoint: false }),
    ...(profile === undefined ? {} : { profile }),
    // One message whose checksum a server leaves out would fail every receive that it is part of, for ever. TLS guards the bytes.
    md5: false as const,
    // Longer than any long poll: a connection that died would hold up receiving for good.
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 45_000 },
    logger: silent,
  }
  const region = options.region ?? regionOfUrl(queue)
  const client = new SQSClient(region === undefined ? base : { ...base, region })
  try {
    await client.config.region()
    return client
  } catch (error) {
    client.destroy()
    // Servers other than AWS take any region; the signature must name one.
    if (endpointUrl !== undefined || isUrl(queue)) return new SQSClient({ ...base, region: 'us-east-1' })
    throw new QueueError(
      'NO_REGION',
      'No AWS region is set: use --region or AWS_REGION, or give the URL of the queue.',
      { cause: error },
    )
  }
}

async function findUrl(client: SQSClient, name: string): Promise<string> {
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: name }))
  if (QueueUrl === undefined || QueueUrl === '')
    throw new QueueError('NO_SUCH_QUEUE', `SQS gave no URL for the queue "${name}".`)
  return QueueUrl
}

const Redrive = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text)
    } catch {
      context.addIssue('not JSON')
      return z.NEVER
    }
  })
  .pipe(z.object({ deadLetterTargetArn: z.string().min(1), maxReceiveCount: z.coerce.number().int().min(1) }))

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
  const redrive = Redrive.safeParse(policy)
  if (redrive.success && redrive.data.maxReceiveCount < 3) {
    return [
      `The queue's maxReceiveCount is ${redrive.data.maxReceiveCount}: a short outage moves good messages to the dead-letter queue. 5 to 10 is better.`,
    ]
  }
  return []
}

function isUrl(queue: string): boolean {
  return /^https?:\/\//i.test(queue)
}

/** `https://sqs.eu-central-1.amazonaws.com/…`: a request for this queue must be signed for its own region. */
function regionOfUrl(queue: string): string | undefined {
  return /^https?:\/\/(?:sqs(?:-fips)?\.)?([a-z0-9-]+)\.(?:queue\.)?(?:amazonaws\.com|api\.aws)(?:\.cn)?(?=[:/])/i.exec(
    queue,
  )?.[1]
}

/** Of a name or URL the last segment: without account, host and whatever else a URL may hold. */
export function queueName(url: string): string {
  return (URL.canParse(url) ? new URL(url).pathname : url).split('/').filter(Boolean).at(-1) ?? url
}

const silent = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
