import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ByteRange } from './range.ts'

/** The bytes of objects and parts: files that are written once and never changed. */
export class Blobs {
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }

  /** @param isNamed a blob that no record names is what a crash left behind; it goes. */
  static async open(directory: string, isNamed: (blob: string) => boolean): Promise<Blobs> {
    await mkdir(directory, { recursive: true })
    for (const file of await readdir(directory)) if (!isNamed(file)) await rm(join(directory, file), { force: true })
    return new Blobs(directory)
  }

  /** Writes as the bytes come, with one chunk in memory. Leaves nothing where the source fails. */
  async write(source: AsyncIterable<Uint8Array>): Promise<{ blob: string; size: number }> {
    const blob = randomUUID()
    let size = 0
    try {
      await pipeline(
        source,
        async function* (chunks: AsyncIterable<Uint8Array>) {
          for await (const chunk of chunks) {
            size += chunk.length
            yield chunk
          }
        },
        createWriteStream(this.#path(blob), { flags: 'wx' }),
      )
    } catch (cause) {
      await this.remove(blob)
      throw cause
    }
    return { blob, size }
  }

  /** Stays readable after the blob is removed. `undefined`: it was removed already. */
  async open(blob: string): Promise<FileHandle | undefined> {
    try {
      return await open(this.#path(blob), 'r')
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
      throw cause
    }
  }

  async remove(blob: string): Promise<void> {
    await rm(this.#path(blob), { force: true })
  }

  #path(blob: string): string {
    return join(this.#directory, blob)
  }
}

/** The stream closes the file. */
export function streamRange(file: FileHandle, range: ByteRange): Readable {
  return file.createReadStream({ start: range.start, end: range.end, highWaterMark: 256 * 1024 })
}
