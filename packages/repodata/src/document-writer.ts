/**
 * Writes a document as blocks (block-cut.ts), each compressed for itself: so that a later generation can copy it, or replace it, without
 * touching its neighbours. Blocks of the last generation that did not change are taken as they lie.
 */
import { createHash } from 'node:crypto'
import { type BlockContainer, checkPacked, packPiece } from './block-container.ts'
import { blockLimits, endsBlock } from './block-cut.ts'
import { type Piece, piecesOf } from './block-table.ts'
import { type PlacedBlock, readPieces } from './blocked-document.ts'
import { formatFront } from './document-front.ts'
import { type DocumentKind, formatFoot, formatHead } from './document-kind.ts'
import { isRegular } from './package-index.ts'
import { readAhead } from './read-ahead.ts'
import type { RandomAccess, ScratchFile } from './scratch-file.ts'

/** Takes compressed bytes in order; a promise holds the writer back. */
export type DocumentSink = (bytes: Uint8Array) => void | Promise<void>

/** What a record of repomd.xml says of a document, and the number of its entries. Digests are SHA-256 in lower-case hex. */
export interface WrittenDocument {
  readonly kind: DocumentKind
  readonly compression: BlockContainer['compression']
  readonly packages: number
  readonly sha256: string
  readonly size: number
  /** Absent where it was left out. */
  readonly openSha256?: string
  readonly openSize: number
}

/**
 * Whether repomd.xml says the digest of the open document, for which all of it has to be uncompressed. No client of today looks at it
 * (librepo, libsolv, libzypp and createrepo_c read it and leave it at that), yum 3 did. `auto`: where the document is small.
 */
export type OpenChecksum = 'auto' | 'always' | 'never'

export interface DocumentForm {
  readonly container: BlockContainer
  readonly openChecksum: OpenChecksum
}

/** Bytes, open, from which on `auto` leaves the open checksum out. */
export const openChecksumBytesMax = 64 * 2 ** 20

/** Pieces that may be compressed at once: the thread pool has four threads, and the memory of each piece is taken. */
const piecesInFlightMax = 4
/** A piece and, behind it, most entries. */
const openBufferBytes = blockLimits.pieceBytes + 2 ** 18
/** What a document of a few packages needs: to have more at hand would cost it as much as all else. */
const firstBufferBytes = 2 ** 15
/** Bytes that are copied at a time, unless a single piece is longer, and how many times as many are read ahead. */
const runBytes = 2 ** 20
const runsAhead = 2
const buffersMax = runsAhead + 1

export class DocumentWriter {
  readonly #kind: DocumentKind
  readonly #form: DocumentForm
  readonly #scratch: ScratchFile
  #scratchBytes = 0
  readonly #placed: PlacedBlock[] = []
  /** The block that is being written, and what of it is not yet compressed: the first bytes of `#open`. */
  #block: NewBlock | undefined
  #open: Buffer = Buffer.alloc(0)
  #openBytes = 0
  /** Buffers of pieces that are written. In turns, or the garbage of a large document would cost as much as its compression. */
  readonly #free: Buffer[] = []
  /** Each settles when its piece, and all before it, lie in the scratch file. */
  readonly #inFlight: Promise<void>[] = []

  /** @param scratch an empty file for the blocks that are new, the caller's to discard in the end */
  constructor(kind: DocumentKind, form: DocumentForm, scratch: ScratchFile) {
    this.#kind = kind
    this.#form = form
    this.#scratch = scratch
  }

  /** Whether the last entry ended a block: only then can blocks be copied. */
  get isBetweenBlocks(): boolean {
    return this.#block === undefined
  }

  /**
   * Entries come in the order of their locations.
   * @param entry from `<package` to `</package>`, without a line end; it is copied at once
   */
  async add(place: { readonly href: string; readonly base?: string }, entry: Uint8Array): Promise<void> {
    this.#block ??= this.#beginBlock(place.href)
    const { block } = this.#block
    block.packages += 1
    if (this.#kind === 'primary' && !isRegular(place)) block.irregular += 1
    this.#makeRoom(entry.length + 1)
    this.#open.set(entry, this.#openBytes)
    this.#openBytes = this.#open.writeUInt8(lineFeed, this.#openBytes + entry.length)
    if (endsBlock(place.href, block.packages)) await this.#endBlock()
    else if (this.#openBytes >= blockLimits.pieceBytes) await this.#endPiece()
  }

  /** Takes blocks that were written before, with their compressed bytes. */
  copy(blocks: readonly PlacedBlock[]): void {
    if (!this.isBetweenBlocks) throw new Error('blocks cannot be copied into the middle of one')
    for (const block of blocks) this.#placed.push(block)
  }

  /**
   * @throws DocumentError `BROKEN_TABLE` where copied blocks are not what their table says of them; what went to the sink until then is to be thrown away
   */
  async finish(sink: DocumentSink): Promise<WrittenDocument> {
    await this.#endBlock()
    await Promise.all(this.#inFlight)
    const { container, openChecksum } = this.#form
    const packages = this.#placed.reduce((sum, { block }) => sum + block.packages, 0)
    const foot = await packPiece(container, formatFoot(this.#kind))
    const blocks = this.#placed.map(({ block }) => block)
    const front = await formatFront(container, formatHead(this.#kind, packages), { blocks, foot: foot.piece })
    const { table } = front

    const digest = createHash('sha256')
    let size = 0
    const write = (bytes: Uint8Array): void | Promise<void> => {
      digest.update(bytes)
      size += bytes.length
      return sink(bytes)
    }
    await write(front.bytes)
    for await (const bytes of readBlocks(container, this.#placed)) await write(bytes)
    await write(Buffer.concat([foot.bytes, container.formatTrailer(table)]))

    let openSize = 0
    for (const piece of piecesOf(table)) openSize += piece.openSize
    const isWanted = openChecksum === 'always' || (openChecksum === 'auto' && openSize <= openChecksumBytesMax)
    return {
      kind: this.#kind,
      compression: container.compression,
      packages,
      sha256: digest.digest('hex'),
      size,
      ...(isWanted ? { openSha256: await this.#openDigest(front.head) } : {}),
      openSize,
    }
  }

  #beginBlock(location: string): NewBlock {
    const firstLocation = this.#kind === 'primary' ? location : ''
    return { block: { packages: 0, irregular: 0, firstLocation, pieces: [] }, file: this.#scratch, start: 0 }
  }

  async #endBlock(): Promise<void> {
    if (this.#block === undefined) return
    this.#placed.push(this.#block)
    await this.#endPiece()
    this.#block = undefined
  }

  async #endPiece(): Promise<void> {
    const placed = this.#block
    if (placed === undefined || this.#openBytes === 0) return
    const open = this.#open
    const packed = packPiece(this.#form.container, open.subarray(0, this.#openBytes))
    this.#open = this.#free.pop() ?? Buffer.alloc(0)
    this.#openBytes = 0
    const laidAside = Promise.all([packed, this.#inFlight.at(-1)]).then(async ([{ piece, bytes }]) => {
      if (open.length <= openBufferBytes) this.#free.push(open)
      if (placed.block.pieces.length === 0) placed.start = this.#scratchBytes
      placed.block.pieces.push(piece)
      this.#scratchBytes += bytes.length
      await this.#scratch.append(bytes)
    })
    // Awaited in its turn; until then a failure must not count as unhandled.
    laidAside.catch(() => {})
    this.#inFlight.push(laidAside)
    while (this.#inFlight.length > piecesInFlightMax) await this.#inFlight.shift()
  }

  /** A piece has an entry too many rather than one too few: where that one is long, its buffer is not kept. */
  #makeRoom(bytes: number): void {
    const needed = this.#openBytes + bytes
    if (needed <= this.#open.length) return
    const doubled = Math.min(2 * this.#open.length, openBufferBytes)
    const roomier = Buffer.allocUnsafeSlow(Math.max(needed, doubled, firstBufferBytes))
    roomier.set(this.#open.subarray(0, this.#openBytes))
    this.#open = roomier
  }

  async #openDigest(head: Uint8Array): Promise<string> {
    const digest = createHash('sha256').update(head)
    for await (const open of readPieces(this.#form.container, this.#placed)) digest.update(open)
    return digest.update(formatFoot(this.#kind)).digest('hex')
  }
}

/** A block under way: its pieces and its place are known once they are compressed. */
interface NewBlock {
  readonly block: { packages: number; irregular: number; readonly firstLocation: string; readonly pieces: Piece[] }
  readonly file: RandomAccess
  start: number
}

/** The compressed bytes of blocks, those that lie one behind the other together. Each is good until the next one is asked for. */
function readBlocks(container: BlockContainer, placed: readonly PlacedBlock[]): AsyncGenerator<Buffer> {
  let size = 0
  for (const { block } of placed) for (const piece of block.pieces) size += piece.size
  // In turns, or the garbage of large copies would cost as much as they do.
  const buffers: Buffer[] = []
  function* jobs(): Generator<() => Promise<Buffer>> {
    let number = 0
    for (const run of runsOf(placed)) {
      buffers[number % buffersMax] ??= Buffer.allocUnsafeSlow(Math.min(size, runBytes))
      const into = buffers[number % buffersMax]
      number += 1
      yield () => readRun(container, run, into)
    }
  }
  return readAhead(jobs(), runsAhead)
}

/** Bytes of one file that are read together. */
interface Run {
  readonly file: RandomAccess
  readonly start: number
  readonly pieces: Piece[]
  bytes: number
}

function* runsOf(placed: readonly PlacedBlock[]): Generator<Run> {
  let run: Run | undefined
  for (const { block, file, start } of placed) {
    let at = start
    for (const piece of block.pieces) {
      const follows = run !== undefined && run.file === file && run.start + run.bytes === at
      if (run === undefined || !follows || run.bytes + piece.size > runBytes) {
        if (run !== undefined) yield run
        run = { file, start: at, pieces: [], bytes: 0 }
      }
      run.pieces.push(piece)
      run.bytes += piece.size
      at += piece.size
    }
  }
  if (run !== undefined) yield run
}

async function readRun(
  container: BlockContainer,
  { file, start, pieces, bytes }: Run,
  into: Buffer | undefined,
): Promise<Buffer> {
  const read = await file.read(start, bytes, into)
  let at = 0
  for (const piece of pieces) {
    checkPacked(container, piece, read.subarray(at, at + piece.size))
    at += piece.size
  }
  return read
}

const lineFeed = 0x0a
