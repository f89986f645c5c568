import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { Lock } from '../lock.ts'
import { Bucket } from './bucket.ts'
import { S3Error } from './error.ts'
import { type ObjectEvent, type QueueConfiguration, wants } from './notification-configuration.ts'
import { createSequencer, formatNotification, formatTestEvent } from './notification-message.ts'

/** Where notifications go. */
export interface NotificationTarget {
  /** Nothing happens where there is no such queue. */
  deliver(queueArn: string, body: string): void
  exists(queueArn: string): boolean
}

export interface StoreOptions {
  readonly clock: Clock
  readonly target: NotificationTarget
  /** Bytes of every part but the last one; S3: 5 MiB. */
  readonly partBytesMin: number
}

/** Who caused a change, as its notification says. */
export interface Cause {
  readonly requestId: string
  readonly sourceIpAddress: string
}

/** All buckets; on disk a directory for each, which its name can be: S3's rules leave no name that isn't one. */
export class Store {
  readonly clock: Clock
  readonly partBytesMin: number
  readonly #directory: string
  readonly #target: NotificationTarget
  readonly #buckets: Map<string, Bucket>
  readonly #lock = new Lock()
  readonly #sequencer = createSequencer()

  private constructor(directory: string, options: StoreOptions, buckets: Map<string, Bucket>) {
    this.#directory = directory
    this.clock = options.clock
    this.partBytesMin = options.partBytesMin
    this.#target = options.target
    this.#buckets = buckets
  }

  static async open(directory: string, options: StoreOptions): Promise<Store> {
    await mkdir(directory, { recursive: true })
    const buckets = new Map<string, Bucket>()
    for (const name of await readdir(directory)) buckets.set(name, await Bucket.open(join(directory, name)))
    return new Store(directory, options, buckets)
  }

  /** By name. */
  list(): readonly Bucket[] {
    return [...this.#buckets.values()].sort((a, b) => (a.configuration.name < b.configuration.name ? -1 : 1))
  }

  /** @throws S3Error NoSuchBucket */
  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) throw new S3Error('NoSuchBucket', undefined, [['BucketName', name]])
    return bucket
  }

  /** @returns false where it was there already. */
  async create(name: string, region: string): Promise<boolean> {
    return await this.#lock.run(name, async () => {
      if (this.#buckets.has(name)) return false
      const configuration = { name, region, created: this.clock.now(), notification: [] }
      this.#buckets.set(name, await Bucket.create(join(this.#directory, name), configuration))
      return true
    })
  }

  /** @throws S3Error NoSuchBucket, BucketNotEmpty */
  async delete(name: string): Promise<void> {
    await this.#lock.run(name, async () => {
      const bucket = this.bucket(name)
      if (bucket.keys.size > 0) throw new S3Error('BucketNotEmpty', undefined, [['BucketName', name]])
      this.#buckets.delete(name)
      await bucket.destroy()
    })
  }

  /** Sends what the bucket's configuration asks for. A queue that has gone since gets nothing, as on AWS. */
  notify(
    bucket: Bucket,
    event: ObjectEvent,
    object: { readonly key: string; readonly size: number; readonly etag: string },
    cause: Cause,
  ): void {
    const { name, region, notification } = bucket.configuration
    const at = this.clock.now()
    const change = {
      event,
      bucket: name,
      region,
      key: object.key,
      ...(event !== 'ObjectRemoved:Delete' && { created: { size: object.size, etag: object.etag } }),
      at,
      sequencer: this.#sequencer(at),
      ...cause,
    }
    for (const configuration of notification) {
      if (wants(configuration, event, object.key)) {
        this.#target.deliver(configuration.queueArn, formatNotification(change, configuration))
      }
    }
  }

  /** @throws S3Error InvalidArgument where there is no such queue */
  assertQueues(configurations: readonly QueueConfiguration[]): void {
    const missing = configurations.filter(({ queueArn }) => !this.#target.exists(queueArn))
    if (missing.length === 0) return
    throw new S3Error(
      'InvalidArgument',
      'Unable to validate the following destination configurations',
      missing.flatMap(({ queueArn }) => [
        ['ArgumentName', queueArn],
        ['ArgumentValue', 'The destination queue does not exist'],
      ]),
    )
  }

  sendTestEvents(bucket: Bucket, configurations: readonly QueueConfiguration[], requestId: string): void {
    const message = formatTestEvent(bucket.configuration.name, this.clock.now(), requestId)
    for (const { queueArn } of configurations) this.#target.deliver(queueArn, message)
  }
}
