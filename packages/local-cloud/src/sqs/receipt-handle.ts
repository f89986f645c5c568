import { SqsError } from './error.ts'

/** One delivery of a message: a message that is received again has another handle. */
export interface Receipt {
  readonly queue: string
  /** Of the delivery within its queue, not the message id: a duplicate is another. */
  readonly entry: string
  /** How often the entry had been received, this time included. */
  readonly receive: number
}

export function formatReceiptHandle({ queue, entry, receive }: Receipt): string {
  return Buffer.from(`${queue} ${entry} ${receive}`).toString('base64')
}

/** @throws SqsError ReceiptHandleIsInvalid for what is none, or of another queue */
export function parseReceiptHandle(handle: string, queue: string): Receipt {
  const [name, entry, receive] = Buffer.from(handle, 'base64').toString().split(' ')
  if (name !== queue || entry === undefined || !/^\d+$/.test(receive ?? '')) {
    throw new SqsError(
      'ReceiptHandleIsInvalid',
      `The input receipt handle "${handle.slice(0, 100)}" is not a valid receipt handle.`,
    )
  }
  return { queue, entry, receive: Number(receive) }
}
