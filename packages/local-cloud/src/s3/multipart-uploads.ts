import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readJsonFile, writeJsonFile } from '../json-file.ts'
import { Lock } from '../lock.ts'
import { checksumAlgorithms } from './checksums.ts'

const uploadSchema = z.object({
  id: z.string(),
  key: z.string(),
  /** Milliseconds since the epoch. */
  initiated: z.int(),
  headers: z.record(z.string(), z.string()),
  userMetadata: z.record(z.string(), z.string()),
  /** What was asked for when it was created. */
  checksum: z.object({ algorithm: z.enum(checksumAlgorithms), type: z.enum(['FULL_OBJECT', 'COMPOSITE']) }).optional(),
})

const partSchema = z.object({
  number: z.int(),
  blob: z.string(),
  size: z.int(),
  etag: z.string(),
  lastModified: z.int(),
  checksum: z.object({ algorithm: z.enum(checksumAlgorithms), value: z.string() }).optional(),
})

/** What CreateMultipartUpload was told. */
export type UploadIntent = Omit<z.output<typeof uploadSchema>, 'id'>
export type UploadedPart = z.output<typeof partSchema>

export interface MultipartUpload extends Readonly<z.output<typeof uploadSchema>> {
  readonly parts: Map<number, UploadedPart>
}

/** The multipart uploads under way of one bucket; on disk: `ID/upload.json` and `ID/part-N.json`. */
export class MultipartUploads {
  readonly #directory: string
  readonly #uploads = new Map<string, MultipartUpload>()
  readonly #lock = new Lock()

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async open(directory: string): Promise<MultipartUploads> {
    await mkdir(directory, { recursive: true })
    const uploads = new MultipartUploads(directory)
    for (const id of await readdir(directory)) await uploads.#load(id)
    return uploads
  }

  async create(intent: UploadIntent): Promise<MultipartUpload> {
    const id = randomBytes(32).toString('base64url')
    await mkdir(join(this.#directory, id))
    await writeJsonFile(join(this.#directory, id, 'upload.json'), { id, ...intent })
    const upload = { id, ...intent, parts: new Map<number, UploadedPart>() }
    this.#uploads.set(id, upload)
    return upload
  }

  find(id: string, key: string): MultipartUpload | undefined {
    const upload = this.#uploads.get(id)
    return upload?.key === key ? upload : undefined
  }

  list(): readonly MultipartUpload[] {
    return [...this.#uploads.values()]
  }

  /** A part of the same number is replaced. */
  addPart(
    upload: MultipartUpload,
    part: UploadedPart,
  ): Promise<{ kind: 'added'; replaced?: UploadedPart } | { kind: 'gone' }> {
    return this.#lock.run(upload.id, async () => {
      if (!this.#uploads.has(upload.id)) return { kind: 'gone' }
      await writeJsonFile(join(this.#directory, upload.id, `part-${part.number}.json`), part)
      const replaced = upload.parts.get(part.number)
      upload.parts.set(part.number, part)
      return { kind: 'added', ...(replaced && { replaced }) }
    })
  }

  /** @returns whether it was there: of two that end an upload, one does. */
  remove(upload: MultipartUpload): Promise<boolean> {
    return this.#lock.run(upload.id, async () => {
      if (!this.#uploads.delete(upload.id)) return false
      await rm(join(this.#directory, upload.id), { recursive: true, force: true })
      return true
    })
  }

  /** All blobs that parts name. */
  *blobs(): Generator<string> {
    for (const upload of this.#uploads.values()) for (const part of upload.parts.values()) yield part.blob
  }

  async #load(id: string): Promise<void> {
    const directory = join(this.#directory, id)
    const files = await readdir(directory)
    if (!files.includes('upload.json')) return rm(directory, { recursive: true, force: true })
    const parts = new Map<number, UploadedPart>()
    for (const file of files.filter((name) => /^part-\d+\.json$/.test(name))) {
      const part = await readJsonFile(join(directory, file), partSchema)
      parts.set(part.number, part)
    }
    this.#uploads.set(id, { ...(await readJsonFile(join(directory, 'upload.json'), uploadSchema)), parts })
  }
}
