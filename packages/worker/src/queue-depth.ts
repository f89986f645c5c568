import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type QueueAttributeName,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { parseRedrivePolicy } from './redrive-policy.ts'

/** How many messages there are, as SQS counts them: approximately. */
export interface QueueDepth {
  readonly visible: number
  /** Received by somebody, and neither deleted nor visible again. */
  readonly inFlight: number
  readonly delayed: number
  /** In its dead-letter queue; `null` where there is none, or it may not be asked. */
  readonly deadLetters: number | null
}

const counts = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const satisfies readonly QueueAttributeName[]

/** @throws what the SDK throws, of the queue itself */
export async function readDepth(client: SQSClient, url: string, signal: AbortSignal): Promise<QueueDepth> {
  const [attributes, deadLetters] = await Promise.all([
    askAttributes(client, url, [...counts], signal),
    countDeadLetters(client, url, signal),
  ])
  const [visible, inFlight, delayed] = counts.map((name) => countOf(attributes[name]))
  return { visible: visible ?? 0, inFlight: inFlight ?? 0, delayed: delayed ?? 0, deadLetters }
}

/** Asked alone: a queue without a policy may refuse the attribute, and the dead-letter queue may be another's. */
async function countDeadLetters(client: SQSClient, url: string, signal: AbortSignal): Promise<number | null> {
  try {
    const { RedrivePolicy = '' } = await askAttributes(client, url, ['RedrivePolicy'], signal)
    const arn = parseRedrivePolicy(RedrivePolicy)?.deadLetterTargetArn
    // arn:aws:sqs:region:account:name
    const [, , , , account = '', name] = arn?.split(':') ?? []
    if (name === undefined) return null
    const asked = { QueueName: name, ...(account === '' ? {} : { QueueOwnerAWSAccountId: account }) }
    const { QueueUrl } = await client.send(new GetQueueUrlCommand(asked), { abortSignal: signal })
    if (QueueUrl === undefined) return null
    const { ApproximateNumberOfMessages } = await askAttributes(client, QueueUrl, [counts[0]], signal)
    return countOf(ApproximateNumberOfMessages)
  } catch {
    return null
  }
}

async function askAttributes(
  client: SQSClient,
  url: string,
  names: readonly QueueAttributeName[],
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...names] })
  return (await client.send(command, { abortSignal: signal })).Attributes ?? {}
}

function countOf(text: string | undefined): number {
  const count = Number(text)
  return Number.isSafeInteger(count) && count >= 0 ? count : 0
}
