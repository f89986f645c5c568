/**
 * Files for what is under way: a document that is being written, entries that are laid aside. On disk, so that memory stays
 * flat; in memory for who wants no disk.
 */
import { type FileHandle, open, rm, unlink } from 'node:fs/promises'
import { namingFile } from './naming-file.ts'

/** A file that is read wherever one likes. Offsets and lengths in bytes. */
export interface RandomAccess {
  readonly size: number
  /**
   * @param into where the bytes may be put; else, or where it is too short, they are in memory of their own
   * @throws Error where the file ends before
   */
  read(start: number, length: number, into?: Buffer): Promise<Buffer>
}

/** A file that nobody else knows of. */
export interface ScratchFile extends RandomAccess {
  /** One call after the other: the next one waits for the promise of the last. */
  append(bytes: Uint8Array): Promise<void>
  /** Where it lies on this machine; `undefined` where it has no name there. */
  readonly path: string | undefined
  /** All that was appended, in pieces; as often as it is asked for. */
  bytes(): AsyncGenerator<Uint8Array>
  /** It is gone, and its space free. May be called again, also after the file was given away. */
  discard(): Promise<void>
}

const pieceBytes = 2 ** 18

export class DiskFile implements ScratchFile {
  readonly #file: FileHandle
  /** As it was made, for messages. */
  readonly #name: string
  #path: string | undefined
  #size = 0
  #isOpen = true

  private constructor(file: FileHandle, name: string, path: string | undefined) {
    this.#file = file
    this.#name = name
    this.#path = path
  }

  /** @param path a new file's, which can be given away; where a crash leaves it, somebody has to sweep it up */
  static async create(path: string): Promise<DiskFile> {
    return new DiskFile(await open(path, 'wx+', 0o600), path, path)
  }

  /** Unlinked at once, so that it goes with the process whatever happens. @param path a new file's */
  static async createUnnamed(path: string): Promise<DiskFile> {
    const file = await open(path, 'wx+', 0o600)
    await unlink(path)
    return new DiskFile(file, path, undefined)
  }

  get size(): number {
    return this.#size
  }

  get path(): string | undefined {
    return this.#path
  }

  async append(bytes: Uint8Array): Promise<void> {
    const start = this.#size
    this.#size += bytes.length
    let written = 0
    while (written < bytes.length) {
      const writing = this.#file.write(bytes, written, bytes.length - written, start + written)
      const { bytesWritten } = await namingFile(this.#name, writing)
      written += bytesWritten
    }
  }

  read(start: number, length: number, into?: Buffer): Promise<Buffer> {
    return readAt(this.#file, start, length, into)
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < this.#size; start += pieceBytes) {
      yield await this.read(start, Math.min(pieceBytes, this.#size - start))
    }
  }

  /** Gives the file away: its path, for one rename. @throws Error where it has none, or was given away or discarded */
  async giveAway(): Promise<string> {
    const path = this.#path
    if (path === undefined) throw new Error('a scratch file without a name cannot be given away')
    this.#path = undefined
    await this.#close()
    return path
  }

  async discard(): Promise<void> {
    const path = this.#path
    this.#path = undefined
    await this.#close()
    if (path !== undefined) await rm(path, { force: true })
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#file.close()
  }
}

export class MemoryFile implements ScratchFile {
  readonly path = undefined
  #pieces: Buffer[] = []

  get size(): number {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0)
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(Buffer.from(bytes))
  }

  async read(start: number, length: number): Promise<Buffer> {
    const all = this.contents()
    if (start + length > all.length) throw endsAt(all.length)
    return all.subarray(start, start + length)
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    const all = this.contents()
    for (let start = 0; start < all.length; start += pieceBytes) yield all.subarray(start, start + pieceBytes)
  }

  /** All bytes, in one piece. */
  contents(): Buffer {
    const [first, ...more] = this.#pieces
    const all = first !== undefined && more.length === 0 ? first : Buffer.concat(this.#pieces)
    this.#pieces = [all]
    return all
  }

  async discard(): Promise<void> {
    this.#pieces = []
  }
}

/** All of `length` bytes from `start` on. @param into like that of `RandomAccess` @throws Error where the file ends before */
export async function readAt(file: FileHandle, start: number, length: number, into?: Buffer): Promise<Buffer> {
  const bytes = into !== undefined && into.length >= length ? into.subarray(0, length) : Buffer.allocUnsafe(length)
  let read = 0
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, start + read)
    if (bytesRead === 0) throw endsAt(start + read)
    read += bytesRead
  }
  return bytes
}

function endsAt(offset: number): Error {
  return new Error(`the file ends at ${offset}, before what was to be read`)
}
