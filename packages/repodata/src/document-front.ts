/**
 * What stands before the blocks of a document: the header of its compression, its head, and, in the one or the other, the table of the blocks.
 *
 * A table that fits lies in the header, where readers skip it. A longer one is an XML comment at the end of the head, and the header has the
 * head piece alone, by which it is found:
 *
 *     header with the table         │ head                             │ block │ …
 *     header with the head piece    │ head, <!-- table in base64 -->   │ block │ …
 *
 * So the table goes wherever the document goes, and the digest of the document holds it, too.
 */
import { type BlockContainer, packPiece, unpackPiece } from './block-container.ts'
import {
  type BlockTable,
  openBlockTable,
  openHeadPiece,
  type Piece,
  sealBlockTable,
  sealHeadPiece,
} from './block-table.ts'
import { DocumentError } from './document-error.ts'
import { scanLimits } from './scan.ts'
import type { RandomAccess } from './scratch-file.ts'

export interface Front {
  readonly table: BlockTable
  /** Header and head, compressed. */
  readonly bytes: Buffer
  /** The head, open, as readers get it. */
  readonly head: Buffer
}

const comment = { start: '<!-- repokeeper: where the blocks of this document lie\n', end: '\n-->\n' } as const
/** Of base64 (RFC 4648), in which two hyphens, the end of a comment, never stand. */
const lineLength = 120
/** Stands in the table for the head that it is a part of. */
const itself: Piece = { size: 0, openSize: 0, crc32: 0, packedCrc32: 0 }

/** @param head open; where the table finds no room in the longest head that anybody reads, there is none: such a document is read whole */
export async function formatFront(
  container: BlockContainer,
  head: Buffer,
  rest: Pick<BlockTable, 'blocks' | 'foot'>,
): Promise<Front> {
  const bare = await packPiece(container, head)
  const table = { ...rest, head: bare.piece }
  const note = sealBlockTable(table)
  if (note.length <= container.noteBytesMax) {
    return { table, head, bytes: Buffer.concat([container.formatHeader(note), bare.bytes]) }
  }
  const longHead = Buffer.concat([head, formatComment({ ...rest, head: itself })])
  if (longHead.length > scanLimits.headBytesMax) {
    return { table, head, bytes: Buffer.concat([container.formatHeader(Buffer.alloc(0)), bare.bytes]) }
  }
  const long = await packPiece(container, longHead)
  const header = container.formatHeader(sealHeadPiece(long.piece))
  return { table: { ...rest, head: long.piece }, head: longHead, bytes: Buffer.concat([header, long.bytes]) }
}

/**
 * @returns the table, and how long the header before the head piece is; `undefined` where the file was not written with this container, or its
 * table is none
 */
export async function readFront(
  container: BlockContainer,
  file: RandomAccess,
): Promise<{ readonly table: BlockTable; readonly headerBytes: number } | undefined> {
  const header = container.parseHeader(await file.read(0, Math.min(file.size, container.headerBytesMax)))
  if (header === undefined) return undefined
  const { note, headerBytes } = header
  const head = openHeadPiece(note)
  const table = head === undefined ? openBlockTable(note) : await readComment(container, file, headerBytes, head)
  return table === undefined ? undefined : { table, headerBytes }
}

function formatComment(table: BlockTable): Buffer {
  const text = sealBlockTable(table).toString('base64')
  const lines: string[] = []
  for (let at = 0; at < text.length; at += lineLength) lines.push(text.slice(at, at + lineLength))
  return Buffer.from(`${comment.start}${lines.join('\n')}${comment.end}`)
}

async function readComment(
  container: BlockContainer,
  file: RandomAccess,
  start: number,
  piece: Piece,
): Promise<BlockTable | undefined> {
  const { headBytesMax } = scanLimits
  const isPossible = Math.max(piece.openSize, piece.size) <= headBytesMax && start + piece.size <= file.size
  const head = isPossible ? await unpackHead(container, piece, await file.read(start, piece.size)) : undefined
  const from = head?.lastIndexOf(comment.start) ?? -1
  if (head === undefined || from === -1 || !head.subarray(-comment.end.length).equals(Buffer.from(comment.end))) {
    return undefined
  }
  const text = head.toString('latin1', from + comment.start.length, head.length - comment.end.length)
  const table = openBlockTable(Buffer.from(text, 'base64'))
  return table === undefined ? undefined : { ...table, head: piece }
}

async function unpackHead(container: BlockContainer, piece: Piece, bytes: Buffer): Promise<Buffer | undefined> {
  try {
    return await unpackPiece(container, piece, bytes)
  } catch (error) {
    if (error instanceof DocumentError) return undefined
    throw error
  }
}
