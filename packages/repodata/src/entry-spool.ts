/**
 * Entries laid aside in a file, to be read again in another order. Memory holds only where they are.
 */
import type { ScratchFile } from './scratch-file.ts'

/** Where an entry lies in the spool, in bytes. */
export interface SpoolSpan {
  readonly start: number
  readonly length: number
}

/** Small entries are gathered before they are written. */
const gatheredBytesMax = 2 ** 20

export class EntrySpool {
  readonly #file: ScratchFile
  #gathered: Uint8Array[] = []
  #gatheredBytes = 0
  #end = 0
  /** Settles when all that was flushed is in the file. */
  #written: Promise<void> = Promise.resolve()

  /** @param file an empty one, which is the spool's from now on */
  constructor(file: ScratchFile) {
    this.#file = file
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
    return this.#file.read(span.start, span.length)
  }

  async close(): Promise<void> {
    await this.#file.discard()
  }

  /** Several may read and append at once: everybody waits for what is being written. */
  #flush(): Promise<void> {
    if (this.#gatheredBytes > 0) {
      const bytes = Buffer.concat(this.#gathered)
      this.#gathered = []
      this.#gatheredBytes = 0
      this.#written = this.#written.then(() => this.#file.append(bytes))
    }
    return this.#written
  }
}
