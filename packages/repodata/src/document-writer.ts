/**
 * Writes a document as one gzip member whose deflate stream is cut into blocks by full flushes: each block starts with an
 * empty window and ends on a byte, so that it can later be copied, or replaced, without touching its neighbours.
 */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, crc32, deflateRaw, deflateRawSync } from 'node:zlib'
import { endsBlock } from './block-cut.ts'
import { type DocumentKind, formatFoot, formatHead } from './document-kind.ts'

/** Takes compressed bytes in order; a promise holds the writer back. */
export type DocumentSink = (bytes: Uint8Array) => void | Promise<void>

/** What a record of repomd.xml says of a document, and the number of its entries. Digests are SHA-256 in lower-case hex. */
export interface WrittenDocument {
  readonly kind: DocumentKind
  readonly packages: number
  readonly sha256: string
  readonly size: number
  readonly openSha256: string
  readonly openSize: number
}

/** Blocks that may be compressed at once: the thread pool has four threads, and the memory of each block is taken. */
const blocksInFlightMax = 4
const level = 6

/** Entries come in the order of their locations; how many there will be is said first, because the head holds the number. */
export class DocumentWriter {
  readonly #kind: DocumentKind
  readonly #packages: number
  readonly #sink: DocumentSink
  readonly #digest = createHash('sha256')
  readonly #openDigest = createHash('sha256')
  #size = 0
  #openSize = 0
  #crc = 0
  #written = 0
  #block: Uint8Array[] = []
  #blockPackages = 0
  readonly #inFlight: Promise<Buffer>[] = []

  constructor(kind: DocumentKind, packages: number, sink: DocumentSink) {
    this.#kind = kind
    this.#packages = packages
    this.#sink = sink
    this.#inFlight.push(Promise.resolve(gzipHeader))
    this.#compress(formatHead(kind, packages))
  }

  /** @param entry from `<package` to `</package>`, without a line end */
  async add(location: string, entry: Uint8Array): Promise<void> {
    this.#block.push(entry, lineEnd)
    this.#blockPackages += 1
    this.#written += 1
    if (endsBlock(location, this.#blockPackages)) await this.#endBlock()
  }

  /** @throws Error where another number of entries came than was promised */
  async finish(): Promise<WrittenDocument> {
    if (this.#written !== this.#packages) {
      throw new Error(`${this.#kind} was to hold ${this.#packages} packages, ${this.#written} were written`)
    }
    await this.#endBlock()
    this.#compress(formatFoot(this.#kind))
    while (this.#inFlight.length > 0) await this.#writeOldest()
    await this.#write(gzipTrailer(this.#crc, this.#openSize))
    return {
      kind: this.#kind,
      packages: this.#packages,
      sha256: this.#digest.digest('hex'),
      size: this.#size,
      openSha256: this.#openDigest.digest('hex'),
      openSize: this.#openSize,
    }
  }

  async #endBlock(): Promise<void> {
    if (this.#blockPackages === 0) return
    this.#compress(Buffer.concat(this.#block))
    this.#block = []
    this.#blockPackages = 0
    while (this.#inFlight.length > blocksInFlightMax) await this.#writeOldest()
  }

  #compress(open: Buffer): void {
    this.#openDigest.update(open)
    this.#openSize += open.length
    this.#crc = crc32(open, this.#crc)
    const compressed = deflateBlock(open)
    // Awaited in order by #writeOldest; until then a failure must not count as unhandled.
    compressed.catch(() => {})
    this.#inFlight.push(compressed)
  }

  async #writeOldest(): Promise<void> {
    const oldest = this.#inFlight.shift()
    if (oldest !== undefined) await this.#write(await oldest)
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#digest.update(bytes)
    this.#size += bytes.length
    await this.#sink(bytes)
  }
}

const deflateAside = promisify<Buffer, object, Buffer>(deflateRaw)
const blockOptions = { level, finishFlush: constants.Z_FULL_FLUSH }
/** Up to so many bytes are compressed in a millisecond, sooner than they would come back from another thread. */
const atOnceBytesMax = 2 ** 15

async function deflateBlock(open: Buffer): Promise<Buffer> {
  return open.length <= atOnceBytesMax ? deflateRawSync(open, blockOptions) : await deflateAside(open, blockOptions)
}

const lineEnd = Buffer.from('\n')

/** RFC 1952, section 2.3: deflate, no flags, no time, unknown system. Nothing in it depends on when or where it was written. */
const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])

/** An empty last block (RFC 1951, 3.2.3: final, fixed codes, end of block), then CRC-32 and length, low byte first. */
function gzipTrailer(crc: number, openSize: number): Buffer {
  const trailer = Buffer.alloc(10)
  trailer.writeUInt16LE(0x0003, 0)
  trailer.writeUInt32LE(crc, 2)
  trailer.writeUInt32LE(openSize % 2 ** 32, 6)
  return trailer
}
