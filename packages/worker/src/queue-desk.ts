/**
 * Queues as a person sets them up and looks at them; a worker needs none of this.
 */
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  type QueueAttributeName,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { explainQueueError, QueueError } from './queue-error.ts'
import { parseRedrivePolicy, type RedrivePolicy } from './redrive-policy.ts'
import { createSqsClient, findQueueUrl, queueName, type SqsConnection } from './sqs-client.ts'

/** What a queue says of itself. Numbers of messages are approximate, as SQS has them. */
export interface QueueState {
  readonly name: string
  readonly url: string
  /** Empty where a server has none. */
  readonly arn: string
  readonly waiting: number
  /** Received by somebody, and not deleted yet. */
  readonly inFlight: number
  readonly delayed: number
  /** Of the oldest message, where the server tells: Amazon does in CloudWatch only. */
  readonly oldestSeconds: number | undefined
  readonly visibilityTimeoutSeconds: number | undefined
  /** Long polling, where a receive does not say how long it waits. */
  readonly waitSeconds: number | undefined
  readonly redrive: RedrivePolicy | undefined
  /** JSON. */
  readonly policy: string | undefined
  /** A key of the owner's own that messages are encrypted with; S3 has to be let use it. */
  readonly kmsKey: string | undefined
}

/** By SQS's names. */
export type QueueSettings = Readonly<Partial<Record<QueueAttributeName, string>>>

export interface QueueDesk {
  /** @returns `undefined` where there is no such queue. @throws QueueError */
  find(queue: string): Promise<QueueState | undefined>
  /** The same for a queue that has to be there. @throws QueueError */
  read(queue: string): Promise<QueueState>
  /** @throws QueueError */
  create(name: string, settings: QueueSettings): Promise<QueueState>
  /** @throws QueueError */
  configure(state: QueueState, settings: QueueSettings): Promise<void>
  /** The queues whose messages end in this one: their URLs. @throws QueueError */
  sourcesOf(state: QueueState): Promise<string[]>
  close(): void
}

/** Pages of source queues that are read; SQS gives up to 1000 on each. */
const sourcePagesMax = 100

/** @throws QueueError `NO_REGION` */
export async function openQueueDesk(connection: SqsConnection, queue?: string): Promise<QueueDesk> {
  const client = await createSqsClient(connection, queue)
  const asking = <T>(name: string, needs: string, work: () => Promise<T>): Promise<T> =>
    work().catch((error: unknown) => {
      throw explainQueueError(error, { queue: name, endpoint: connection.endpointUrl, needs })
    })
  const read = (name: string): Promise<QueueState> =>
    asking(name, `sqs:GetQueueUrl and sqs:GetQueueAttributes on ${name}`, async () =>
      readState(client, await findUrl(client, name)),
    )
  return {
    read,
    find: (name) =>
      read(name).catch((error: unknown) => {
        if (error instanceof QueueError && error.code === 'NO_SUCH_QUEUE') return undefined
        throw error
      }),
    create: (name, settings) =>
      asking(name, `sqs:CreateQueue and sqs:GetQueueAttributes on ${name}`, async () => {
        const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: name, Attributes: { ...settings } }))
        return await readState(client, QueueUrl ?? name)
      }),
    configure: ({ name, url }, settings) =>
      asking(name, `sqs:SetQueueAttributes on ${name}`, async () => {
        await client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { ...settings } }))
      }),
    sourcesOf: ({ name, url }) =>
      asking(name, `sqs:ListDeadLetterSourceQueues on ${name}`, () => listSources(client, url)),
    close: () => client.destroy(),
  }
}

/** `arn:aws:sqs:eu-central-1:123456789012:repo-additions` names a queue as well, of whatever account. */
async function findUrl(client: SQSClient, queue: string): Promise<string> {
  const [, account, name] = /^arn:[^:]*:sqs:[^:]*:(\d+):([^:]+)$/.exec(queue) ?? []
  if (name === undefined) return await findQueueUrl(client, queue)
  const asked = { QueueName: name, QueueOwnerAWSAccountId: account }
  return (await client.send(new GetQueueUrlCommand(asked))).QueueUrl ?? queue
}

async function readState(client: SQSClient, url: string): Promise<QueueState> {
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }),
  )
  const said: Readonly<Record<string, string | undefined>> = Attributes
  const { RedrivePolicy: redrive, Policy: policy } = said
  return {
    name: queueName(url),
    url,
    arn: said.QueueArn ?? '',
    waiting: numberOf(said.ApproximateNumberOfMessages) ?? 0,
    inFlight: numberOf(said.ApproximateNumberOfMessagesNotVisible) ?? 0,
    delayed: numberOf(said.ApproximateNumberOfMessagesDelayed) ?? 0,
    oldestSeconds: numberOf(said.ApproximateAgeOfOldestMessage),
    visibilityTimeoutSeconds: numberOf(said.VisibilityTimeout),
    waitSeconds: numberOf(said.ReceiveMessageWaitTimeSeconds),
    redrive: redrive === undefined ? undefined : parseRedrivePolicy(redrive),
    policy: policy === '' ? undefined : policy,
    kmsKey: said.KmsMasterKeyId || undefined,
  }
}

async function listSources(client: SQSClient, url: string): Promise<string[]> {
  const sources: string[] = []
  let token: string | undefined
  for (let page = 0; page < sourcePagesMax; page += 1) {
    const answer = await client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: url, NextToken: token }))
    sources.push(...(answer.queueUrls ?? []))
    token = answer.NextToken
    if (token === undefined) break
  }
  return sources
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}
