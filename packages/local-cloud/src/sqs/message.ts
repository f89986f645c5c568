import { createHash } from 'node:crypto'
import { z } from 'zod'
import { SqsError } from './error.ts'

export const messageAttributesSchema = z.record(
  z.string(),
  z.object({
    DataType: z.string(),
    StringValue: z.string().optional(),
    /** Base64. */
    BinaryValue: z.string().optional(),
  }),
)
export type MessageAttributes = z.output<typeof messageAttributesSchema>

export const messageSchema = z.object({
  id: z.string(),
  body: z.string(),
  attributes: messageAttributesSchema,
  /** The access key id of who sent it. */
  senderId: z.string(),
  /** Milliseconds since the epoch; a move to a dead-letter queue doesn't change it. */
  sentAt: z.int(),
  receiveCount: z.int(),
  firstReceivedAt: z.int().optional(),
  /** The queue that it came from, of a message in a dead-letter queue. */
  deadLetterSourceArn: z.string().optional(),
})
export type Message = z.output<typeof messageSchema>

/** Hex. */
export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

/** Source: AWS, "Calculating the MD5 message digest for message attributes". */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const names = Object.keys(attributes).sort()
  if (names.length === 0) return undefined
  const hash = createHash('md5')
  const add = (bytes: Uint8Array) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    hash.update(length).update(bytes)
  }
  for (const name of names) {
    const attribute = attributes[name]
    if (attribute === undefined) continue
    add(Buffer.from(name))
    add(Buffer.from(attribute.DataType))
    const isBinary = attribute.DataType.startsWith('Binary')
    hash.update(Buffer.of(isBinary ? 2 : 1))
    add(isBinary ? Buffer.from(attribute.BinaryValue ?? '', 'base64') : Buffer.from(attribute.StringValue ?? ''))
  }
  return hash.digest('hex')
}

/** Bytes that count for a queue's MaximumMessageSize: the body and the attributes' names, types and values. */
export function messageSize(body: string, attributes: MessageAttributes): number {
  return Object.entries(attributes).reduce(
    (sum, [name, { DataType, StringValue = '', BinaryValue = '' }]) =>
      sum + Buffer.byteLength(name + DataType + StringValue) + Buffer.byteLength(BinaryValue, 'base64'),
    Buffer.byteLength(body),
  )
}

/**
 * Source: AWS, SendMessage, "A message can include only XML, JSON, and unformatted text", and its list of characters.
 * @throws SqsError
 */
export function assertMessageContents(body: string, attributes: MessageAttributes): void {
  if (body === '') throw new SqsError('MissingParameter', 'The request must contain the parameter MessageBody.')
  if (/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u.test(body)) {
    throw new SqsError(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF',
    )
  }
  for (const [name, { DataType, StringValue, BinaryValue }] of Object.entries(attributes)) {
    const value = DataType.startsWith('Binary') ? BinaryValue : StringValue
    if (!/^(String|Number|Binary)(\..+)?$/.test(DataType) || value === undefined || value === '') {
      throw new SqsError(
        'InvalidParameterValue',
        `The message attribute '${name}' must contain a type of String, Number or Binary and a non-empty value.`,
      )
    }
  }
}
