/**
 * A dead-letter queue as a person goes through it: messages are held while they are looked at, and given back.
 */
import {
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import type { EntryFailure } from './queue.ts'
import { openQueueDesk, type QueueDesk, type QueueState } from './queue-desk.ts'
import { explainQueueError } from './queue-error.ts'
import { changeVisibility, deleteMessages, type QueueMessages } from './sqs-batch.ts'
import { createSqsClient, queueName, type SqsConnection } from './sqs-client.ts'

export interface DeadLetter {
  readonly id: string
  readonly receiptHandle: string
  readonly body: string
  /** By SQS's clock; `undefined` where a server does not say. */
  readonly sentAt: Date | undefined
  /** In all queues that it was in, this look included. */
  readonly receiveCount: number | undefined
  /** Name of the queue that it came from. */
  readonly source: string | undefined
  readonly attributes: Readonly<Record<string, MessageAttributeValue>>
}

/** To `look` takes no longer than to receive them all; whoever `work`s with them may have to ask somebody. */
export type Purpose = 'look' | 'work'

export interface Taken {
  readonly holdSeconds: number
  /** Each once; others do not see them until they are given back, or `holdSeconds` are over. */
  readonly letters: readonly DeadLetter[]
  /** About so many are in the queue besides, which were not looked at: left there, or held by somebody else. */
  readonly left: number
  readonly heldByOthers: number
}

export type Returned =
  /** It is in that queue, and no more in this one. */
  | { readonly kind: 'returned'; readonly to: string }
  /** It is in both: it will be handled twice, which does no harm. */
  | { readonly kind: 'copied'; readonly to: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }

export interface DeadLetters {
  readonly queue: QueueState
  /** Names of the queues that have this one as their dead-letter queue. @throws QueueError */
  sources(): Promise<string[]>
  /** Takes so many messages at most. @throws QueueError: what was taken until then was given back */
  take(most: number, purpose: Purpose, signal: AbortSignal): Promise<Taken>
  /** @returns those that could not be given back: they come back by themselves */
  giveBack(letters: readonly DeadLetter[]): Promise<readonly EntryFailure[]>
  /** Sends to the queue first and deletes here after: a message may be in both for a moment, never in none. */
  sendBack(letter: DeadLetter, queue: string): Promise<Returned>
  /** @returns those that are still there */
  drop(letters: readonly DeadLetter[]): Promise<readonly EntryFailure[]>
  close(): void
}

/** How long messages are held: longer than going through as many as one command takes. */
const holdSecondsMax = 600
/** To look at them: for each receive, and to begin and end with. */
const lookSeconds = { each: 2, besides: 15 } as const
/** A queue is spread over servers, and one receive may miss a message that the queue counts: so many empty ones in a row are the end. */
const emptyReceivesMax = 3
/** A receive that waits asks all servers. */
const waitSeconds = 1
const receiveMax = 10

/** @param queue name, URL or ARN @throws QueueError */
export async function openDeadLetters(connection: SqsConnection, queue: string): Promise<DeadLetters> {
  const desk = await openQueueDesk(connection, queue)
  try {
    const state = await desk.read(queue)
    const client = await createSqsClient(connection, queue)
    return deadLetters(client, desk, state, connection)
  } catch (error) {
    desk.close()
    throw error
  }
}

function deadLetters(
  client: SQSClient,
  desk: QueueDesk,
  state: QueueState,
  { endpointUrl: endpoint }: SqsConnection,
): DeadLetters {
  const { name, url } = state
  const messages: QueueMessages = { client, url, subject: { queue: name, endpoint } }
  const urls = new Map<string, Promise<string>>()
  const urlOf = (queue: string): Promise<string> => {
    const known = urls.get(queue) ?? desk.read(queue).then((found) => found.url)
    urls.set(queue, known)
    return known
  }
  return {
    queue: state,
    sources: async () => {
      const found = await desk.sourcesOf(state)
      for (const source of found) urls.set(queueName(source), Promise.resolve(source))
      return found.map(queueName)
    },
    take: (most, purpose, signal) => take(messages, desk, { most, purpose }, signal),
    giveBack: (letters) => giveBack(messages, letters),
    drop: (letters) => deleteMessages(messages, letters),
    sendBack: async (letter, queue) => {
      try {
        await send(client, await urlOf(queue), letter)
      } catch (error) {
        const needs = `sqs:SendMessage on ${queue}`
        const { message, whatToDo } = explainQueueError(error, { queue, endpoint, needs })
        return { kind: 'failed', reason: `${message} ${whatToDo}` }
      }
      const [failure] = await deleteMessages(messages, [letter])
      return failure === undefined
        ? { kind: 'returned', to: queue }
        : { kind: 'copied', to: queue, reason: failure.message }
    },
    close: () => {
      client.destroy()
      desk.close()
    },
  }
}

async function take(
  messages: QueueMessages,
  desk: QueueDesk,
  { most, purpose }: { readonly most: number; readonly purpose: Purpose },
  signal: AbortSignal,
): Promise<Taken> {
  // By id: who is late with giving back meets a message again, under a newer receipt.
  const letters = new Map<string, DeadLetter>()
  try {
    let state = await desk.read(messages.url)
    const holdSeconds = purpose === 'look' ? secondsToLook(Math.min(most, state.waiting)) : holdSecondsMax
    for (let empty = 0; empty < emptyReceivesMax && letters.size < most; ) {
      const count = Math.min(receiveMax, most - letters.size)
      const received = await receive(messages, { count, holdSeconds }, signal)
      const isNew = received.some(({ id }) => !letters.has(id))
      for (const letter of received) letters.set(letter.id, letter)
      empty = isNew ? 0 : empty + 1
      if (!isNew) state = await desk.read(messages.url)
      if (!isNew && state.waiting === 0) break
    }
    if (letters.size >= most) state = await desk.read(messages.url)
    const { waiting, delayed, inFlight } = state
    const heldByOthers = Math.max(0, inFlight - letters.size)
    return { holdSeconds, letters: [...letters.values()], left: waiting + delayed, heldByOthers }
  } catch (error) {
    await giveBack(messages, [...letters.values()])
    signal.throwIfAborted()
    const needs = `sqs:ReceiveMessage and sqs:ChangeMessageVisibility on ${messages.subject.queue}`
    throw explainQueueError(error, { ...messages.subject, needs })
  }
}

/** A receive need not fill its ten. */
function secondsToLook(messages: number): number {
  const receives = Math.ceil(messages / receiveMax) + emptyReceivesMax
  return Math.min(holdSecondsMax, lookSeconds.besides + receives * lookSeconds.each)
}

async function receive(
  { client, url }: QueueMessages,
  { count, holdSeconds }: { readonly count: number; readonly holdSeconds: number },
  signal: AbortSignal,
): Promise<DeadLetter[]> {
  const command = new ReceiveMessageCommand({
    QueueUrl: url,
    MaxNumberOfMessages: count,
    WaitTimeSeconds: waitSeconds,
    VisibilityTimeout: holdSeconds,
    MessageAttributeNames: ['All'],
    // Older servers know the one name, newer ones the other.
    AttributeNames: ['All'],
    MessageSystemAttributeNames: ['All'],
  })
  const { Messages = [] } = await client.send(command, { abortSignal: signal })
  return Messages.flatMap((message) => readLetter(message) ?? [])
}

function readLetter({ MessageId, ReceiptHandle, Body = '', Attributes = {}, MessageAttributes }: Message) {
  // Without these it can be neither told from others nor given back; it comes back by itself.
  if (MessageId === undefined || ReceiptHandle === undefined) return undefined
  const { SentTimestamp, ApproximateReceiveCount, DeadLetterQueueSourceArn } = Attributes
  return {
    id: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    sentAt: SentTimestamp === undefined ? undefined : new Date(Number(SentTimestamp)),
    receiveCount: ApproximateReceiveCount === undefined ? undefined : Number(ApproximateReceiveCount),
    source: DeadLetterQueueSourceArn?.split(':').at(-1),
    attributes: MessageAttributes ?? {},
  }
}

function giveBack(messages: QueueMessages, letters: readonly DeadLetter[]): Promise<EntryFailure[]> {
  return changeVisibility(
    messages,
    letters.map((letter) => ({ ...letter, seconds: 0 })),
  )
}

async function send(client: SQSClient, url: string, { body, attributes }: DeadLetter): Promise<void> {
  const MessageAttributes = Object.keys(attributes).length === 0 ? {} : { MessageAttributes: { ...attributes } }
  await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, ...MessageAttributes }))
}
