import { z } from 'zod'
import { SqsError } from './error.ts'

/** The attributes that can be set on a queue, as the texts that AWS keeps. */
export type QueueAttributes = Readonly<Record<string, string>>

/** Source: AWS, SetQueueAttributes and CreateQueue: range and default. Seconds, except for bytes of a message. */
const numbers: Readonly<Record<string, { min: number; max: number; default: number }>> = {
  DelaySeconds: { min: 0, max: 900, default: 0 },
  /** 1 MiB since August 2025; 256 KiB before. */
  MaximumMessageSize: { min: 1024, max: 1_048_576, default: 1_048_576 },
  MessageRetentionPeriod: { min: 60, max: 1_209_600, default: 345_600 },
  ReceiveMessageWaitTimeSeconds: { min: 0, max: 20, default: 0 },
  VisibilityTimeout: { min: 0, max: 43_200, default: 30 },
}

/** Kept and given back; a policy decides nothing here. */
const texts: ReadonlySet<string> = new Set(['Policy', 'RedrivePolicy', 'RedriveAllowPolicy', 'SqsManagedSseEnabled'])

export const defaultAttributes: QueueAttributes = {
  ...Object.fromEntries(Object.entries(numbers).map(([name, range]) => [name, String(range.default)])),
  SqsManagedSseEnabled: 'true',
}

const redrivePolicySchema = z.object({
  deadLetterTargetArn: z.string(),
  // Both `3` and `"3"` are taken.
  maxReceiveCount: z.coerce.number().int().min(1).max(1000),
})
export type RedrivePolicy = z.output<typeof redrivePolicySchema>

/**
 * The attributes after a change. An empty text takes a policy away.
 * @throws SqsError InvalidAttributeName, InvalidAttributeValue
 */
export function changeAttributes(
  before: QueueAttributes,
  change: Readonly<Record<string, string>>,
  queueExists: (arn: string) => boolean,
): QueueAttributes {
  const after: Record<string, string> = { ...before }
  for (const [name, value] of Object.entries(change)) {
    const range = numbers[name]
    if (range !== undefined) {
      const isInRange = /^\d+$/.test(value) && Number(value) >= range.min && Number(value) <= range.max
      if (!isInRange) throw invalid(name, `Must be between ${range.min} and ${range.max}.`)
      after[name] = String(Number(value))
    } else if (texts.has(name)) {
      if (name.endsWith('Policy') && value !== '') assertJson(name, value)
      after[name] = value
      if (value === '') delete after[name]
    } else if (name === 'FifoQueue' || name === 'ContentBasedDeduplication' || name.startsWith('Kms')) {
      throw new SqsError('UnsupportedOperation', `local-cloud has no queues with ${name}.`)
    } else {
      throw new SqsError('InvalidAttributeName', `Unknown Attribute ${name}.`)
    }
  }
  const redrive = redrivePolicyOf(after)
  if (change.RedrivePolicy && redrive !== undefined && !queueExists(redrive.deadLetterTargetArn)) {
    throw invalid('RedrivePolicy', 'Dead letter target does not exist.')
  }
  return after
}

/** @throws SqsError InvalidAttributeValue */
export function redrivePolicyOf(attributes: QueueAttributes): RedrivePolicy | undefined {
  const text = attributes.RedrivePolicy
  if (text === undefined) return undefined
  const parsed = redrivePolicySchema.safeParse(assertJson('RedrivePolicy', text))
  if (!parsed.success) throw invalid('RedrivePolicy', `It must hold deadLetterTargetArn and maxReceiveCount: ${text}`)
  return parsed.data
}

/** Of an attribute that is a number. */
export function numberOf(attributes: QueueAttributes, name: string): number {
  return Number(attributes[name] ?? numbers[name]?.default ?? 0)
}

function assertJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid(name, 'It is no JSON.')
  }
}

function invalid(name: string, reason: string): SqsError {
  return new SqsError('InvalidAttributeValue', `Invalid value for the parameter ${name}. Reason: ${reason}`)
}
