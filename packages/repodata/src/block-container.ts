/**
 * How the pieces of a document, compressed each for itself, are put together to what readers take for one compressed file.
 */
import { crc32 } from 'node:zlib'
import type { BlockTable, Piece } from './block-table.ts'
import { DocumentError } from './document-error.ts'

export interface BlockContainer {
  readonly compression: 'gzip' | 'zstd'
  /** What a note may take in the header. */
  readonly noteBytesMax: number
  /** What the header may take, its note included. */
  readonly headerBytesMax: number
  /** @param note of ours, which readers skip; an empty one is left out */
  formatHeader(note: Uint8Array): Buffer
  /**
   * @param bytes the first ones of a file, `headerBytesMax` of them or all
   * @returns the note, and how long the header is; `undefined` where the file was not written here, or has none
   */
  parseHeader(bytes: Buffer): { readonly note: Buffer; readonly headerBytes: number } | undefined
  formatTrailer(table: BlockTable): Buffer
  compress(open: Buffer): Promise<Buffer>
  /** @throws where the bytes are no piece, or more than `openBytesMax` come out of them */
  uncompress(bytes: Buffer, openBytesMax: number): Promise<Buffer>
  /** Whether bytes look like a piece: cheap, and not more than a look. */
  isPiece(bytes: Buffer): boolean
}

export async function packPiece(
  { compress }: BlockContainer,
  open: Buffer,
): Promise<{ readonly piece: Piece; readonly bytes: Buffer }> {
  const bytes = await compress(open)
  const piece = { size: bytes.length, openSize: open.length, crc32: crc32(open), packedCrc32: crc32(bytes) }
  return { piece, bytes }
}

/** @throws DocumentError `BROKEN_TABLE` where the bytes are not what the table says of them */
export async function unpackPiece({ uncompress }: BlockContainer, piece: Piece, bytes: Buffer): Promise<Buffer> {
  let open: Buffer
  try {
    open = await uncompress(bytes, piece.openSize)
  } catch (cause) {
    throw brokenTable(cause)
  }
  if (open.length !== piece.openSize || crc32(open) !== piece.crc32) throw brokenTable()
  return open
}

/** Of bytes that are copied unread. @throws DocumentError `BROKEN_TABLE` where they are not what the table says of them */
export function checkPacked({ isPiece }: BlockContainer, piece: Piece, bytes: Buffer): void {
  if (!isPiece(bytes) || crc32(bytes) !== piece.packedCrc32) throw brokenTable()
}

/**
 * For zlib: a piece comes out in one chunk, unless it is much longer than most are. In chunks of 16 KiB, Node's own, each is a way to another thread
 * and back, and a change of 1,000 packages took 240 ms in place of 155.
 */
export function openLimits(openBytesMax: number): { readonly maxOutputLength: number; readonly chunkSize: number } {
  return {
    maxOutputLength: Math.max(1, openBytesMax),
    chunkSize: Math.min(Math.max(chunkBytesMin, openBytesMax), chunkBytesMax),
  }
}

/** The least that zlib takes, and what may be taken in memory before a table is found to promise too much. */
const [chunkBytesMin, chunkBytesMax] = [64, 2 ** 21]

export function brokenTable(cause?: unknown): DocumentError {
  return new DocumentError('BROKEN_TABLE', 'its blocks are not what its own table says', { cause })
}
