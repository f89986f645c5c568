import { setTimeout as sleep } from 'node:timers/promises'
import type { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { type Endpoint, endpointProblem, findEndpoint } from './endpoint.ts'
import { StoreError } from './port.ts'
import { chooseRegion, setRegion } from './region.ts'

export interface S3StoreOptions {
  readonly bucket: string
  /** URL of another S3 than Amazon's. Default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, the profile's `endpoint_url`, Amazon. */
  readonly endpoint?: string
  /** Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's; with an endpoint us-east-1. */
  readonly region?: string
  /** `endpoint/bucket/key` in place of `bucket.endpoint/key`. Default: wherever an endpoint is given, by whichever way. */
  readonly forcePathStyle?: boolean
  /** Default: the standard chain (environment, profile, container, instance role). */
  readonly credentials?: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
  /** Requests are not signed: for public buckets. */
  readonly anonymous?: boolean
  /** Tries of one request, the first included. Default: `AWS_MAX_ATTEMPTS`, the profile's `max_attempts`, 3. */
  readonly maxAttempts?: number
  /** How long connecting may take. Default 10. */
  readonly connectTimeoutSeconds?: number
  /** How long a connection may stay silent in the middle of a request or a body. Default 60. */
  readonly idleTimeoutSeconds?: number
  /** Connections at once; more requests wait. Default 64. */
  readonly maxSockets?: number
  /** What `lastModified` is where a server does not say. Default: the time of day. */
  readonly clock?: () => Date
}

/** The SDK's client of one bucket, and what has been learned of the server behind it. */
export interface S3Connection {
  /** For messages: `s3://bucket`. */
  readonly store: string
  readonly bucket: string
  readonly region: string
  /** As an option or a variable says it; `undefined`: that of the profile, or Amazon's. */
  readonly endpoint: Endpoint | undefined
  readonly sdk: typeof import('@aws-sdk/client-s3')
  readonly client: S3Client
  readonly maxAttempts: number
  readonly clock: () => Date
  readonly learned: {
    /** Not known to be Amazon's (which the first request shows): what Amazon promises need not hold. */
    isForeign: boolean
    /** An answer showed that the bucket is there: a bare 404 is of the object. */
    bucketExists: boolean
    /** The server's headers give ETags without quotes, so it may compare them so. */
    bareETags: boolean
    /** It refuses requests with `x-amz-checksum-sha256`. */
    refusesChecksums: boolean
    /** It refuses `x-amz-checksum-mode` on HEAD. */
    refusesChecksumMode: boolean
  }
}

/**
 * Loads the SDK only here: a process that works on directories does not pay for it.
 *
 * @throws StoreError `NO_REGION`, `BAD_ENDPOINT`
 */
export async function connectS3(options: S3StoreOptions): Promise<S3Connection> {
  const store = `s3://${options.bucket}`
  const endpoint = findEndpoint('S3', options.endpoint, process.env)
  const problem = endpoint && endpointProblem(endpoint)
  if (problem !== undefined) throw new StoreError('BAD_ENDPOINT', `${store}: ${problem}`, { store })
  const sdk = await import('@aws-sdk/client-s3')
  const region = await findRegion(sdk, options)
  const client = new sdk.S3Client({ ...clientConfig(options), region })
  const learned = {
    isForeign: true,
    bucketExists: false,
    bareETags: false,
    refusesChecksums: false,
    refusesChecksumMode: false,
  }
  watchEndpoint(client, options.forcePathStyle, learned)
  return {
    store,
    bucket: options.bucket,
    region,
    endpoint,
    sdk,
    client,
    maxAttempts: await client.config.maxAttempts(),
    clock: options.clock ?? (() => new Date()),
    learned,
  }
}

/**
 * Asks the SDK where it would send a request, which is never sent: only there it is known how an endpoint was configured, and whether the bucket
 * is in host or path. Nothing else is looked for, so that it is known also to who has no credentials, and without a network.
 *
 * @returns `undefined` where the SDK cannot tell
 */
export async function askForUrl(
  { sdk, bucket, region }: S3Connection,
  options: S3StoreOptions,
): Promise<string | undefined> {
  const client = new sdk.S3Client({ ...clientConfig(options), ...forAsking, region })
  watchEndpoint(client, options.forcePathStyle, { isForeign: true })
  let request: unknown
  client.middlewareStack.add(
    () => async (args) => {
      request = args.request
      throw new Error('asked for the address alone')
    },
    { step: 'finalizeRequest', priority: 'low', name: 'askForUrl' },
  )
  await withClient(client, (asked) => asked.send(new sdk.HeadBucketCommand({ Bucket: bucket })).catch(() => undefined))
  return urlOf(request)
}

function urlOf(request: unknown): string | undefined {
  if (typeof request !== 'object' || request === null) return undefined
  const { protocol, hostname, port, path }: Partial<Record<string, unknown>> = { ...request }
  if (typeof protocol !== 'string' || typeof hostname !== 'string' || typeof path !== 'string') return undefined
  const [plain = ''] = path.split('?')
  return `${protocol}//${hostname}${typeof port === 'number' ? `:${port}` : ''}${plain.replace(/\/*$/, '/')}`
}

/** A pause before try `attempt + 1`: up to 0.1, 0.2, 0.4 … seconds, at most 5, spread so that many clients do not return at once. */
export async function pauseBeforeRetry(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const longest = Math.min(5_000, 100 * 2 ** (attempt - 1))
  try {
    await sleep(Math.random() * longest, undefined, { ...(signal !== undefined && { signal }) })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

/** What the SDK wants to be told of a signal. */
export function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

export function headBucket({ sdk, bucket }: S3Connection): HeadBucketCommand {
  return new sdk.HeadBucketCommand({ Bucket: bucket })
}

function clientConfig(options: S3StoreOptions) {
  const agent = { keepAlive: true, maxSockets: options.maxSockets ?? 64 }
  return {
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    ...(options.credentials !== undefined && { credentials: options.credentials }),
    // The SDK asks for credentials even where nothing is signed with them.
    ...(options.anonymous && { credentials: { accessKeyId: '', secretAccessKey: '' }, signer: unsigned }),
    ...(options.maxAttempts !== undefined && { maxAttempts: options.maxAttempts }),
    // The SDK's own default (a CRC-32 in a trailer of an aws-chunked body) is refused by many other servers.
    requestChecksumCalculation: 'WHEN_REQUIRED' as const,
    responseChecksumValidation: 'WHEN_REQUIRED' as const,
    logger: silent,
    requestHandler: {
      connectionTimeout: (options.connectTimeoutSeconds ?? 10) * 1000,
      // Not a limit of the whole request: five gigabytes take their time.
      socketTimeout: (options.idleTimeoutSeconds ?? 60) * 1000,
      httpAgent: agent,
      httpsAgent: agent,
      logger: silent,
    },
  }
}

const unsigned = { sign: async <T>(request: T): Promise<T> => request }

// What matters is thrown; the SDK would also print it.
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

async function findRegion(sdk: typeof import('@aws-sdk/client-s3'), options: S3StoreOptions): Promise<string> {
  const region = await chooseRegion({
    said: options.region,
    environment: process.env,
    ofProfile: () => withClient(new sdk.S3Client({}), (client) => client.config.region()),
    hasEndpoint: async () =>
      options.endpoint !== undefined ||
      (await withClient(new sdk.S3Client(forAsking), (client) => findsEndpoint(sdk, client))),
  })
  if (region !== undefined) return region
  const store = `s3://${options.bucket}`
  throw new StoreError('NO_REGION', `${store}: no AWS region is set: ${setRegion}`, { store })
}

/** Nothing else is looked for: credentials may take a while. */
const forAsking = { region: 'none', credentials: { accessKeyId: 'none', secretAccessKey: 'none' } }

/** Whether the SDK knows of an endpoint by a variable or a profile. It is asked as if for a request, which is never sent. */
async function findsEndpoint(sdk: typeof import('@aws-sdk/client-s3'), client: S3Client): Promise<boolean> {
  let isFound = false
  client.config.endpointProvider = ({ Endpoint }) => {
    isFound = Endpoint !== undefined
    throw new Error('asked for the endpoint alone')
  }
  await client.send(new sdk.HeadBucketCommand({ Bucket: 'any' })).catch(() => undefined)
  return isFound
}

async function withClient<T>(client: S3Client, work: (client: S3Client) => Promise<T>): Promise<T> {
  try {
    return await work(client)
  } finally {
    client.destroy()
  }
}

/**
 * Decided where the SDK resolves the endpoint, since only there it is known whether one was configured: by option,
 * environment or profile.
 */
function watchEndpoint(client: S3Client, forced: boolean | undefined, learned: { isForeign: boolean }): void {
  const resolve = client.config.endpointProvider
  client.config.endpointProvider = (parameters, context) => {
    learned.isForeign = parameters.Endpoint !== undefined
    return resolve({ ...parameters, ForcePathStyle: forced ?? learned.isForeign }, context)
  }
}
