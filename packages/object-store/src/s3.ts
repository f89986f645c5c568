import { copyByStreaming } from './copy-by-streaming.ts'
import type { FolderEntry, FolderStore } from './folder.ts'
import { checkKey } from './key.ts'
import {
  type ClockOptions,
  type CopyOptions,
  type CopyOutcome,
  type CopySource,
  type DeleteOptions,
  type GetOptions,
  type GetOutcome,
  type ListedObject,
  type ListOptions,
  type ObjectHead,
  type ObjectStore,
  type PutBody,
  type PutCondition,
  type PutOptions,
  type PutOutcome,
  StoreError,
} from './port.ts'
import { readS3Clock } from './s3-clock.ts'
import { connectS3, type S3Connection, type S3StoreOptions } from './s3-connection.ts'
import { copyObject } from './s3-copy.ts'
import { deleteObject } from './s3-delete.ts'
import { listS3Folder } from './s3-folder.ts'
import { getObject } from './s3-get.ts'
import { headObject } from './s3-head.ts'
import { listObjects } from './s3-list.ts'
import { presignGet } from './s3-presign.ts'
import { putObject } from './s3-put.ts'

/**
 * One bucket of Amazon S3, or of a server that speaks its protocol. Throttling, 5xx and faults of the network are tried again a
 * bounded number of times, then `UNAVAILABLE`; a server that falls silent counts as gone.
 */
export class S3Store implements FolderStore {
  readonly name: string
  readonly #options: S3StoreOptions
  #connecting: Promise<S3Connection> | undefined

  constructor(options: S3StoreOptions) {
    this.name = `s3://${options.bucket}`
    this.#options = options
  }

  async get(key: string, options: GetOptions = {}): Promise<GetOutcome> {
    checkKey(key, this.name)
    return getObject(await this.#connect(options.signal), key, options)
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<ObjectHead | undefined> {
    checkKey(key, this.name)
    return headObject(await this.#connect(options.signal), key, options.signal)
  }

  async put(key: string, body: PutBody, condition: PutCondition, options: PutOptions = {}): Promise<PutOutcome> {
    checkKey(key, this.name)
    return putObject(await this.#connect(options.signal), key, body, condition, options)
  }

  async copy(
    source: CopySource,
    key: string,
    condition: PutCondition,
    options: CopyOptions = {},
  ): Promise<CopyOutcome> {
    checkKey(key, this.name)
    const bucket = this.#reaches(source.store)
    if (bucket !== undefined) {
      const outcome = await copyObject(
        await this.#connect(options.signal),
        { ...source, bucket },
        key,
        condition,
        options,
      )
      if (outcome.kind !== 'cannot') return outcome
    }
    return copyByStreaming(source, this, key, condition, options)
  }

  async delete(
    key: string,
    options: DeleteOptions = {},
  ): Promise<{ readonly kind: 'deleted' } | { readonly kind: 'conflict' }> {
    checkKey(key, this.name)
    return deleteObject(await this.#connect(options.signal), key, options)
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    yield* listObjects(await this.#connect(options.signal), prefix, options)
  }

  async *listFolder(prefix: string, options: ListOptions = {}): AsyncGenerator<FolderEntry> {
    yield* listS3Folder(await this.#connect(options.signal), prefix, options)
  }

  /** A URL by which anybody may read this object for so long, whatever the bucket's policy says. */
  async presignGet(
    key: string,
    { expiresSeconds, signal }: { readonly expiresSeconds: number; readonly signal?: AbortSignal },
  ): Promise<string> {
    checkKey(key, this.name)
    return presignGet(await this.#connect(signal), key, expiresSeconds)
  }

  async clock({ near = 'repokeeper-clock', signal }: ClockOptions = {}): Promise<Date> {
    checkKey(near, this.name)
    return readS3Clock(await this.#connect(signal), near, signal)
  }

  async close(): Promise<void> {
    const connection = await this.#connecting?.catch(() => undefined)
    connection?.client.destroy()
  }

  /** The bucket of a store that the same server reaches, with the same credentials. */
  #reaches(other: ObjectStore): string | undefined {
    if (!(other instanceof S3Store)) return undefined
    const [here, there] = [this.#options, other.#options]
    const isSame =
      here.endpoint === there.endpoint &&
      here.anonymous === there.anonymous &&
      here.credentials?.accessKeyId === there.credentials?.accessKeyId
    return isSame ? there.bucket : undefined
  }

  async #connect(signal: AbortSignal | undefined): Promise<S3Connection> {
    signal?.throwIfAborted()
    this.#connecting ??= connectS3(this.#options)
    try {
      return await this.#connecting
    } catch (cause) {
      if (cause instanceof StoreError) throw cause
      // What is wrong is in the environment or the profile, and says so itself.
      const words = cause instanceof Error ? cause.message : String(cause)
      throw new StoreError(
        'FAILED',
        `${this.name}: cannot set up the S3 client: ${words}`,
        { store: this.name },
        { cause },
      )
    }
  }
}
