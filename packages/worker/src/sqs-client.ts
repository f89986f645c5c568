import { GetQueueUrlCommand, SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs'
import { chooseRegion, setRegion } from '@repokeeper/object-store'
import { QueueError } from './queue-error.ts'

export interface SqsConnection {
  /** Where SQS answers, other than at AWS. */
  readonly endpointUrl?: string | undefined
  readonly region?: string | undefined
  readonly profile?: string | undefined
}

/**
 * @param queue what is to be worked on: a URL may say the region
 * @throws {QueueError} `NO_REGION`
 */
export async function createSqsClient(connection: SqsConnection, queue = ''): Promise<SQSClient> {
  const { endpointUrl, profile } = connection
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
  const region = await chooseRegion({
    said: connection.region ?? regionOfUrl(queue),
    environment: process.env,
    ofProfile: () => regionOfProfile(base),
    hasEndpoint: async () => endpointUrl !== undefined || isUrl(queue),
  })
  if (region !== undefined) return new SQSClient({ ...base, region })
  throw new QueueError('NO_REGION', `No AWS region is set: ${setRegion}, or give the URL of the queue.`)
}

async function regionOfProfile(options: SQSClientConfig): Promise<string> {
  const client = new SQSClient(options)
  try {
    return await client.config.region()
  } finally {
    client.destroy()
  }
}

/** The URL of a queue by its name, or the URL itself. @throws {QueueError} and what the SDK throws */
export async function findQueueUrl(client: SQSClient, queue: string): Promise<string> {
  if (isUrl(queue)) return queue
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: queue }))
  if (QueueUrl === undefined || QueueUrl === '')
    throw new QueueError('NO_SUCH_QUEUE', `SQS gave no URL for the queue "${queue}".`)
  return QueueUrl
}

function isUrl(queue: string): boolean {
  return /^https?:\/\//i.test(queue)
}

/** `https://sqs.eu-central-1.amazonaws.com/…`: a request for this queue must be signed for its own region. */
export function regionOfUrl(queue: string): string | undefined {
  return /^https?:\/\/(?:sqs(?:-fips)?\.)?([a-z0-9-]+)\.(?:queue\.)?(?:amazonaws\.com|api\.aws)(?:\.cn)?(?=[:/])/i.exec(
    queue,
  )?.[1]
}

/** Of a name or URL the last segment: without account, host and whatever else a URL may hold. */
export function queueName(url: string): string {
  return (URL.canParse(url) ? new URL(url).pathname : url).split('/').filter(Boolean).at(-1) ?? url
}

const silent = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
