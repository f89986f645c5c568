import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readJsonFile, writeJsonFile } from '../json-file.ts'
import { Lock } from '../lock.ts'
import { Blobs } from './blobs.ts'
import { MultipartUploads } from './multipart-uploads.ts'
import { notificationConfigurationSchema } from './notification-configuration.ts'
import { type ObjectRecord, objectRecordSchema } from './object-record.ts'
import { SortedKeys } from './sorted-keys.ts'

export const bucketConfigurationSchema = z.object({
  name: z.string(),
  /** Milliseconds since the epoch. */
  created: z.int(),
  region: z.string(),
  notification: notificationConfigurationSchema,
  /** JSON, as it was put. */
  policy: z.string().optional(),
  publicAccessBlock: z.record(z.string(), z.boolean()).optional(),
})
export type BucketConfiguration = z.output<typeof bucketConfigurationSchema>

/**
 * A bucket and its objects. On disk:
 *
 *     bucket.json          the configuration
 *     objects/HH/HEX.json  a record for each object, named by the SHA-256 of its key, so that any key is a file name
 *     blobs/UUID           the bytes that records name
 *     uploads/ID/          multipart uploads under way
 *
 * Renaming the record over the old one is the moment at which a write takes effect; a blob without a record is rubbish.
 */
export class Bucket {
  readonly blobs: Blobs
  readonly uploads: MultipartUploads
  readonly keys: SortedKeys
  readonly #directory: string
  readonly #records: Map<string, ObjectRecord>
  readonly #lock = new Lock()
  #configuration: BucketConfiguration

  private constructor(
    directory: string,
    configuration: BucketConfiguration,
    records: Map<string, ObjectRecord>,
    uploads: MultipartUploads,
    blobs: Blobs,
  ) {
    this.#directory = directory
    this.#configuration = configuration
    this.#records = records
    this.uploads = uploads
    this.blobs = blobs
    this.keys = new SortedKeys(records.keys())
  }

  static async create(directory: string, configuration: BucketConfiguration): Promise<Bucket> {
    await mkdir(directory, { recursive: true })
    await writeJsonFile(join(directory, 'bucket.json'), configuration)
    return Bucket.open(directory)
  }

  static async open(directory: string): Promise<Bucket> {
    const configuration = await readJsonFile(join(directory, 'bucket.json'), bucketConfigurationSchema)
    const records = await readRecords(join(directory, 'objects'))
    const uploads = await MultipartUploads.open(join(directory, 'uploads'))
    const named = new Set([...records.values()].map((record) => record.blob))
    for (const blob of uploads.blobs()) named.add(blob)
    const blobs = await Blobs.open(join(directory, 'blobs'), (blob) => named.has(blob))
    return new Bucket(directory, configuration, records, uploads, blobs)
  }

  get configuration(): BucketConfiguration {
    return this.#configuration
  }

  async configure(change: Partial<BucketConfiguration>): Promise<void> {
    await this.#lock.run('', async () => {
      const changed = { ...this.#configuration, ...change }
      await writeJsonFile(join(this.#directory, 'bucket.json'), changed)
      this.#configuration = changed
    })
  }

  find(key: string): ObjectRecord | undefined {
    return this.#records.get(key)
  }

  /** An object and its bytes, of one version, whatever is written meanwhile. */
  async open(key: string): Promise<{ record: ObjectRecord; file: FileHandle } | undefined> {
    for (;;) {
      const record = this.#records.get(key)
      if (record === undefined) return undefined
      const file = await this.blobs.open(record.blob)
      if (file !== undefined) return { record, file }
      // The bytes went between the two lines above: then the record is another by now, or gone.
      if (this.#records.get(key) === record)
        throw new Error(`the bytes of ${key} in ${this.#configuration.name} are missing`)
    }
  }

  /**
   * Checks and replaces in one step: no other write or removal of the key comes between.
   * @param check throws where the write must not be; it sees the object as it is now.
   * @param onStored called once the write has taken effect, before another one of the same key can.
   */
  async put(
    record: ObjectRecord,
    check: (current: ObjectRecord | undefined) => void,
    onStored: () => void,
  ): Promise<void> {
    await this.#lock.run(`key ${record.key}`, async () => {
      const current = this.#records.get(record.key)
      check(current)
      const path = this.#recordPath(record.key)
      await mkdir(join(path, '..'), { recursive: true })
      await writeJsonFile(path, record)
      this.#records.set(record.key, record)
      this.keys.add(record.key)
      onStored()
      if (current !== undefined) await this.blobs.remove(current.blob)
    })
  }

  /**
   * Removes the object, if there is one.
   * @param check as of `put`.
   * @param onRemoved as of `put`; not called where there was nothing to remove.
   */
  async remove(key: string, check: (current: ObjectRecord | undefined) => void, onRemoved: () => void): Promise<void> {
    await this.#lock.run(`key ${key}`, async () => {
      const current = this.#records.get(key)
      check(current)
      if (current === undefined) return
      await rm(this.#recordPath(key), { force: true })
      this.#records.delete(key)
      this.keys.delete(key)
      onRemoved()
      await this.blobs.remove(current.blob)
    })
  }

  async destroy(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }

  #recordPath(key: string): string {
    const digest = createHash('sha256').update(key).digest('hex')
    return join(this.#directory, 'objects', digest.slice(0, 2), `${digest}.json`)
  }
}

async function readRecords(directory: string): Promise<Map<string, ObjectRecord>> {
  await mkdir(directory, { recursive: true })
  const records = new Map<string, ObjectRecord>()
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    if (entry.name.endsWith('.json')) {
      const record = await readJsonFile(path, objectRecordSchema)
      records.set(record.key, record)
    } else {
      await rm(path, { force: true }) // a temporary file that a crash left behind
    }
  }
  return records
}
