/**
 * A bucket of S3 itself, not what is in it: for who sets one up, or looks whether it is set up well.
 */
import type { BucketLocationConstraint } from '@aws-sdk/client-s3'
import { abortable, askForUrl, connectS3, headBucket, type S3Connection, type S3StoreOptions } from './s3-connection.ts'
import { readFault, type S3Fault, s3Error } from './s3-fault.ts'
import {
  addNotifications,
  type BucketNotifications,
  type NotificationsAdded,
  type QueueNotification,
  readNotifications,
} from './s3-notifications.ts'

export interface S3Bucket {
  /** `s3://bucket` */
  readonly name: string
  readonly arn: string
  readonly region: string
  /** Whether there are credentials to sign with; throws nothing. */
  findCredentials(): Promise<{ readonly kind: 'found' } | { readonly kind: 'missing'; readonly reason: string }>
  /** `closed`: it is there, but is somebody else's, or may not be looked at. @throws StoreError */
  look(): Promise<'there' | 'absent' | 'closed'>
  /** @returns false where it was there already, and is one's own. @throws StoreError */
  create(): Promise<boolean>
  /** @throws StoreError */
  readNotifications(): Promise<BucketNotifications>
  /** Adds these to all that the bucket has, but for those that are among them. @throws StoreError */
  addNotifications(added: readonly QueueNotification[]): Promise<NotificationsAdded>
  /** Where a client without credentials finds an object: `https://bucket.s3.eu-central-1.amazonaws.com/path`. */
  urlOf(key: string): Promise<string>
  close(): void
}

/** @throws what the SDK throws where region or profile cannot be read */
export async function openS3Bucket(options: S3StoreOptions, signal?: AbortSignal): Promise<S3Bucket> {
  const connection = await connectS3(options)
  const { client, store, region } = connection
  return {
    name: store,
    arn: `arn:aws:s3:::${options.bucket}`,
    region,
    async findCredentials() {
      try {
        await client.config.credentials()
        return { kind: 'found' }
      } catch (error) {
        return { kind: 'missing', reason: error instanceof Error ? error.message : String(error) }
      }
    },
    look: () => look(connection, signal),
    create: () => create(connection, signal),
    readNotifications: () => readNotifications(connection, signal),
    addNotifications: (added) => addNotifications(connection, added, signal),
    urlOf: async (key) =>
      `${(await askForUrl(connection, options)) ?? `${store}/`}${key.split('/').map(encodeURIComponent).join('/')}`,
    close: () => client.destroy(),
  }
}

async function look(connection: S3Connection, signal: AbortSignal | undefined): Promise<'there' | 'absent' | 'closed'> {
  try {
    await connection.client.send(headBucket(connection), abortable(signal))
    return 'there'
  } catch (thrown) {
    const fault = readFault(thrown, signal)
    if (fault.status === 404) return 'absent'
    if (fault.status === 403) return 'closed'
    throw s3Error(connection, fault, 'cannot find the bucket')
  }
}

// AWS, CreateBucket: us-east-1 is where no constraint leads, and may not be named as one.
async function create(connection: S3Connection, signal: AbortSignal | undefined): Promise<boolean> {
  const { sdk, client, bucket, region } = connection
  const constraint = { LocationConstraint: region as BucketLocationConstraint }
  const place = region === 'us-east-1' ? {} : { CreateBucketConfiguration: constraint }
  try {
    await client.send(new sdk.CreateBucketCommand({ Bucket: bucket, ...place }), abortable(signal))
    return true
  } catch (thrown) {
    const fault = readFault(thrown, signal)
    if (fault.code === 'BucketAlreadyOwnedByYou') return false
    throw s3Error(connection, explainTaken(fault), 'cannot create the bucket')
  }
}

function explainTaken(fault: S3Fault): S3Fault {
  if (fault.code !== 'BucketAlreadyExists') return fault
  return { ...fault, message: 'somebody else has a bucket of this name; choose another name' }
}
