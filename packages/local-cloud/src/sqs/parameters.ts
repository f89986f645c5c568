import { z } from 'zod'
import { SqsError } from './error.ts'
import { messageAttributesSchema } from './message.ts'

/** The query protocol has only texts; the JSON protocol has numbers. */
const integer = z.union([
  z.int(),
  z
    .string()
    .regex(/^-?\d{1,10}$/)
    .transform(Number),
])
const attributeMap = z.record(z.string(), z.string())
const queueUrl = z.string()

const message = {
  MessageBody: z.string(),
  DelaySeconds: integer.optional(),
  MessageAttributes: messageAttributesSchema.default({}),
}

/** What each operation takes. Source: AWS, Amazon SQS API reference. */
const schemas = {
  ChangeMessageVisibility: z.object({ QueueUrl: queueUrl, ReceiptHandle: z.string(), VisibilityTimeout: integer }),
  ChangeMessageVisibilityBatch: z.object({
    QueueUrl: queueUrl,
    Entries: z.array(z.object({ Id: z.string(), ReceiptHandle: z.string(), VisibilityTimeout: integer.default(0) })),
  }),
  CreateQueue: z.object({
    QueueName: z.string(),
    Attributes: attributeMap.default({}),
    tags: attributeMap.default({}),
  }),
  DeleteMessage: z.object({ QueueUrl: queueUrl, ReceiptHandle: z.string() }),
  DeleteMessageBatch: z.object({
    QueueUrl: queueUrl,
    Entries: z.array(z.object({ Id: z.string(), ReceiptHandle: z.string() })),
  }),
  DeleteQueue: z.object({ QueueUrl: queueUrl }),
  GetQueueAttributes: z.object({ QueueUrl: queueUrl, AttributeNames: z.array(z.string()).default([]) }),
  GetQueueUrl: z.object({ QueueName: z.string() }),
  ListDeadLetterSourceQueues: z.object({ QueueUrl: queueUrl }),
  ListQueues: z.object({ QueueNamePrefix: z.string().default('') }),
  PurgeQueue: z.object({ QueueUrl: queueUrl }),
  ReceiveMessage: z.object({
    QueueUrl: queueUrl,
    MaxNumberOfMessages: integer.default(1),
    WaitTimeSeconds: integer.optional(),
    VisibilityTimeout: integer.optional(),
    /** The older name of the next. */
    AttributeNames: z.array(z.string()).default([]),
    MessageSystemAttributeNames: z.array(z.string()).default([]),
    MessageAttributeNames: z.array(z.string()).default([]),
  }),
  SendMessage: z.object({ QueueUrl: queueUrl, ...message }),
  SendMessageBatch: z.object({ QueueUrl: queueUrl, Entries: z.array(z.object({ Id: z.string(), ...message })) }),
  SetQueueAttributes: z.object({ QueueUrl: queueUrl, Attributes: attributeMap }),
  StartMessageMoveTask: z.object({ SourceArn: z.string(), DestinationArn: z.string().optional() }),
} as const

export type SqsOperation = keyof typeof schemas
export type Parameters = { readonly [O in SqsOperation]: z.output<(typeof schemas)[O]> }

/** Typed so that an operation's name ties its schema to its parameters. */
export const parameterSchemas: { readonly [O in SqsOperation]: z.ZodType<Parameters[O]> } = schemas

export function isSqsOperation(name: string): name is SqsOperation {
  return Object.hasOwn(parameterSchemas, name)
}

/** @throws SqsError MissingParameter, SerializationException */
export function parseParameters<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue?.path.join('.') ?? ''
  const isMissing = issue?.code === 'invalid_type' && valueAt(input, issue.path) === undefined
  if (isMissing) throw new SqsError('MissingParameter', `The request must contain the parameter ${path}.`)
  throw new SqsError('SerializationException', `The parameter ${path || 'list'} is malformed: ${issue?.message}`)
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    input,
  )
}
