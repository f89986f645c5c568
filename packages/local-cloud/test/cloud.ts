import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll } from 'vitest'
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../src/index.ts'

/** A local-cloud of its own for one test file, and the real clients that talk to it. */
export interface CloudUnderTest {
  readonly cloud: LocalCloud
  readonly directory: string
  readonly s3: S3Client
  readonly sqs: SQSClient
}

export function cloudForTests(options: Omit<LocalCloudOptions, 'directory'> = {}): () => CloudUnderTest {
  let started: CloudUnderTest | undefined
  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'local-cloud-'))
    const cloud = await startLocalCloud({ directory, partBytesMin: 1, ...options })
    started = { cloud, directory, s3: s3Client(cloud.endpoint), sqs: sqsClient(cloud.endpoint) }
  })
  afterAll(async () => {
    if (started === undefined) return
    started.s3.destroy()
    started.sqs.destroy()
    await started.cloud.close()
    await rm(started.directory, { recursive: true })
  })
  return () => {
    if (started === undefined) throw new Error('local-cloud did not start')
    return started
  }
}

export function credentials(accessKeyId: string) {
  return { accessKeyId, secretAccessKey: 'anything' }
}

export function s3Client(endpoint: string, options: { accessKeyId?: string; attempts?: number } = {}): S3Client {
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: credentials(options.accessKeyId ?? 'tester'),
    maxAttempts: options.attempts ?? 1,
  })
}

/** Reaches `BUCKET.localhost` whatever the machine's resolver makes of it. */
export function virtualHostClient(endpoint: string): S3Client {
  const port = new URL(endpoint).port
  const httpAgent = new Agent({
    lookup: (_host, options, found) =>
      options.all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4),
  })
  return new S3Client({
    endpoint: `http://localhost:${port}`,
    region: 'us-east-1',
    forcePathStyle: false,
    credentials: credentials('tester'),
    requestHandler: { httpAgent },
  })
}

export function sqsClient(endpoint: string, options: { accessKeyId?: string; attempts?: number } = {}): SQSClient {
  return new SQSClient({
    endpoint,
    region: 'us-east-1',
    credentials: credentials(options.accessKeyId ?? 'tester'),
    maxAttempts: options.attempts ?? 1,
  })
}

/** What a call was answered, where it is to fail: the error's name and its HTTP status. */
export async function failure(call: Promise<unknown>): Promise<{ name: string; status: number | undefined }> {
  try {
    await call
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const metadata = '$metadata' in error ? error.$metadata : undefined
    const status =
      typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
        ? metadata.httpStatusCode
        : undefined
    return { name: error.name, status: typeof status === 'number' ? status : undefined }
  }
  throw new Error('the call succeeded')
}
