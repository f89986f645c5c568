/**
 * Entries laid aside in a file, to be read again in another order. Memory holds only where they are.
 */
import { type FileHandle, open, unlink } from 'node:fs/promises'

/** Where an entry lies in the spool, in bytes. */
export interface SpoolSpan {
  readonly start: number
  readonly length: number
}

/** Small entries are gathered before they are written. */
const gatheredBytesMax = 2 ** 20

export class EntrySpool {
  readonly #file: FileHandle
  #gathered: Uint8Array[] = []
  #gatheredBytes = 0
  #end = 0
  /** Settles when all that was flushed is in the file. */
  #written: Promise<void> = Promise.resolve()

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** @param path a new file's; it is unlinked at once, so that it goes with the process whatever happens */
  static async create(path: string): Promise<EntrySpool> {
    const file = await open(path, 'wx+', 0o600)
    await unlink(path)
    return new EntrySpool(file)
  }

  async append(entry: Uint8Array): Promise<SpoolSpan> {
    const span = { start: this.#end, length: entry.length }
    // A copy: the entry may be a view of a far larger piece, which must not be kept for it.
    this.#gathered.push(Uint8Array.from(entry))
    this.#gatheredBytes += entry.length
    this.#end += entry.length
    if (this.#gatheredBytes >= gatheredBytesMax) await this.#flush()
    return span
  }

  async read(span: SpoolSpan): Promise<Buffer> {
    await this.#flush()
    const bytes = Buffer.allocUnsafe(span.length)
    let read = 0
    while (read < span.length) {
      const { bytesRead } = await this.#file.read(bytes, read, span.length - read, span.start + read)
      if (bytesRead === 0) throw new Error(`the spool ends at ${span.start + read}, inside an entry`)
      read += bytesRead
    }
    return bytes
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  /** Several may read and append at once: everybody waits for what is being written. */
  #flush(): Promise<void> {
    if (this.#gatheredBytes > 0) {
      const bytes = Buffer.concat(this.#gathered)
      const start = this.#end - this.#gatheredBytes
      this.#gathered = []
      this.#gatheredBytes = 0
      this.#written = this.#written.then(() => this.#write(bytes, start))
    }
    return this.#written
  }

  async #write(bytes: Buffer, start: number): Promise<void> {
    let written = 0
    while (written < bytes.length) {
      const { bytesWritten } = await this.#file.write(bytes, written, bytes.length - written, start + written)
      written += bytesWritten
    }
  }
}
