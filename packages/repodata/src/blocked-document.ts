/**
 * A document that this project wrote, read by blocks: its table first, and of its entries only those that are asked for.
 *
 * The table is believed as far as it goes: its sums must be those of the file, and what is inflated or copied must have the length and the
 * CRC-32 that it says. Who could write a false one could as well write a false document.
 */
import { type BlockContainer, brokenTable, unpackPiece } from './block-container.ts'
import { type Block, type BlockTable, type Piece, piecesOf } from './block-table.ts'
import { DocumentError } from './document-error.ts'
import { readFront } from './document-front.ts'
import type { DocumentKind } from './document-kind.ts'
import { gzipContainer } from './gzip-member.ts'
import { compareLocations } from './identity.ts'
import { readAhead } from './read-ahead.ts'
import { type ScannedEntry, scanEntries } from './scan.ts'
import type { RandomAccess } from './scratch-file.ts'
import { zstdContainer } from './zstd-member.ts'

/** A block and where it lies. */
export interface PlacedBlock {
  readonly block: Block
  readonly file: RandomAccess
  /** Its first byte in the file. */
  readonly start: number
}

const containers: readonly BlockContainer[] = [gzipContainer, zstdContainer]
/** Pieces that may be read and uncompressed before their turn. */
const piecesAhead = 3

export class BlockedDocument {
  readonly container: BlockContainer
  readonly table: BlockTable
  readonly packages: number
  /** Bytes of the document when it is uncompressed. */
  readonly openSize: number
  readonly #kind: DocumentKind
  readonly #file: RandomAccess
  /** The first byte of each block, and, one further, of the foot. */
  readonly #starts: readonly number[]

  private constructor(
    kind: DocumentKind,
    file: RandomAccess,
    container: BlockContainer,
    table: BlockTable,
    at: number,
  ) {
    this.#kind = kind
    this.#file = file
    this.container = container
    this.table = table
    this.packages = table.blocks.reduce((sum, { packages }) => sum + packages, 0)
    this.openSize = sumOf(piecesOf(table), 'openSize')
    const starts = [at + table.head.size]
    for (const { pieces } of table.blocks) starts.push((starts.at(-1) ?? 0) + sumOf(pieces, 'size'))
    this.#starts = starts
  }

  /** @returns `undefined` where the file was not written here, or its table is not its own: then it has to be read whole */
  static async open(kind: DocumentKind, file: RandomAccess): Promise<BlockedDocument | undefined> {
    for (const container of containers) {
      const front = await readFront(container, file)
      if (front === undefined) continue
      const { table, headerBytes } = front
      if (!areInOrder(table.blocks)) return undefined
      const trailer = container.formatTrailer(table)
      const trailerAt = headerBytes + sumOf(piecesOf(table), 'size')
      if (trailerAt + trailer.length !== file.size) return undefined
      if (!(await file.read(trailerAt, trailer.length)).equals(trailer)) return undefined
      return new BlockedDocument(kind, file, container, table, headerBytes)
    }
    return undefined
  }

  placed(first: number, count: number): PlacedBlock[] {
    return this.table.blocks
      .slice(first, first + count)
      .map((block, at) => ({ block, file: this.#file, start: this.#starts[first + at] ?? 0 }))
  }

  /**
   * The entries of `count` blocks from `first` on, in order. Not checked again: they were when they came in.
   * @throws DocumentError `BROKEN_TABLE` where they are not what the table says
   */
  async *entries(first: number, count: number): AsyncGenerator<ScannedEntry> {
    const placed = this.placed(first, count)
    const promised = placed.reduce((sum, { block }) => sum + block.packages, 0)
    let found = 0
    try {
      for await (const entry of scanEntries(this.#kind, readPieces(this.container, placed))) {
        found += 1
        yield entry
      }
    } catch (cause) {
      throw cause instanceof DocumentError && cause.code !== 'BROKEN_TABLE' ? brokenTable(cause) : cause
    }
    if (found !== promised) throw brokenTable()
  }
}

/** The open bytes of blocks, a piece at a time. */
export function readPieces(container: BlockContainer, blocks: readonly PlacedBlock[]): AsyncGenerator<Buffer> {
  function* jobs(): Generator<() => Promise<Buffer>> {
    for (const { block, file, start } of blocks) {
      let at = start
      for (const piece of block.pieces) {
        const from = at
        yield async () => unpackPiece(container, piece, await file.read(from, piece.size))
        at += piece.size
      }
    }
  }
  return readAhead(jobs(), piecesAhead)
}

function areInOrder(blocks: readonly Block[]): boolean {
  return blocks.every(
    ({ firstLocation }, at) => compareLocations(blocks[at - 1]?.firstLocation ?? '', firstLocation) <= 0,
  )
}

function sumOf(pieces: Iterable<Piece>, size: 'size' | 'openSize'): number {
  let sum = 0
  for (const piece of pieces) sum += piece[size]
  return sum
}
