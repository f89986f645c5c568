import {
  type BatchResultErrorEntry,
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import type { EntryFailure, Receipt } from './queue.ts'
import { explainQueueError } from './queue-error.ts'

/** The queue whose messages are meant. */
export interface QueueMessages {
  readonly client: SQSClient
  readonly url: string
  /** For messages to people. */
  readonly subject: { readonly queue: string; readonly endpoint?: string | undefined }
}

/** Entries of one batch request. */
const batchMax = 10
/** Batch requests under way at the same time. */
const requestsMax = 4

/** @returns those that could not be changed */
export function changeVisibility(
  { client, url, subject }: QueueMessages,
  entries: readonly (Receipt & { readonly seconds: number })[],
): Promise<EntryFailure[]> {
  return inTens(entries, subject, async (ten) => {
    const Entries = ten.map(({ receiptHandle, seconds }, index) => ({
      Id: String(index),
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: seconds,
    }))
    return await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries }))
  })
}

/** @returns those that could not be deleted */
export function deleteMessages(
  { client, url, subject }: QueueMessages,
  entries: readonly Receipt[],
): Promise<EntryFailure[]> {
  return inTens(entries, subject, async (ten) => {
    const Entries = ten.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }))
    return await client.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }))
  })
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
