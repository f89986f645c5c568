/**
 * The one gzip member that a document is (RFC 1952): a header with a note of ours, the pieces of the deflate stream, an empty last
 * block, CRC-32 and length. Nothing in it depends on when or where it was written.
 */
import { promisify } from 'node:util'
import { constants, deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib'
import { type BlockContainer, openLimits } from './block-container.ts'
import { type BlockTable, piecesOf } from './block-table.ts'
import { combineCrc32 } from './crc32-combine.ts'

/** Deflate, no time, no flags, unknown system; in the one case there are further fields. */
const start = { withNote: [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff], without: [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff] }
/** The name of the subfield, which this project gave itself. */
const subfield = Buffer.from('RK')
/** The field's length, then the subfield's name and its length. */
const fieldHeadBytes = 6
/** The length of a subfield is 16 bits, and so is that of the field, which holds the subfield's name and length besides. */
const noteBytesMax = 0xffff - 4

const level = 6
/**
 * zlib's output comes in chunks of so many bytes: more than most pieces take, for each further one is a way to another thread and back. It is
 * part of what is written: where a flush falls on the end of a chunk, zlib may write its mark twice.
 */
const chunkSize = 2 ** 18
/** Up to so many bytes are done with in a millisecond, sooner than they would come back from another thread. */
const atOnceBytesMax = 2 ** 15
const deflateAside = promisify<Buffer, object, Buffer>(deflateRaw)
const inflateAside = promisify<Buffer, object, Buffer>(inflateRaw)

export const gzipContainer: BlockContainer = {
  compression: 'gzip',
  noteBytesMax,
  headerBytesMax: start.withNote.length + fieldHeadBytes + noteBytesMax,

  formatHeader(note) {
    if (note.length === 0) return Buffer.from(start.without)
    const head = Buffer.alloc(fieldHeadBytes)
    head.writeUInt16LE(note.length + 4, 0)
    subfield.copy(head, 2)
    head.writeUInt16LE(note.length, 4)
    return Buffer.concat([Buffer.from(start.withNote), head, note])
  },

  parseHeader(bytes) {
    const at = start.withNote.length
    const noteAt = at + fieldHeadBytes
    if (bytes.length < noteAt || !bytes.subarray(0, at).equals(Buffer.from(start.withNote))) return undefined
    const length = bytes.readUInt16LE(at + 4)
    const isOurs = bytes.subarray(at + 2, at + 4).equals(subfield) && bytes.readUInt16LE(at) === length + 4
    if (!isOurs || bytes.length < noteAt + length) return undefined
    return { note: bytes.subarray(noteAt, noteAt + length), headerBytes: noteAt + length }
  },

  /** An empty last block (RFC 1951, 3.2.3: final, fixed codes, end of block), then CRC-32 and length, low byte first. */
  formatTrailer(table) {
    const { crc32, openSize } = totalsOf(table)
    const trailer = Buffer.alloc(10)
    trailer.writeUInt16LE(0x0003, 0)
    trailer.writeUInt32LE(crc32, 2)
    trailer.writeUInt32LE(openSize % 2 ** 32, 6)
    return trailer
  },

  /** Starts with an empty window and ends on a byte. */
  async compress(open) {
    const options = { level, chunkSize, finishFlush: constants.Z_FULL_FLUSH }
    return open.length <= atOnceBytesMax ? deflateRawSync(open, options) : await deflateAside(open, options)
  },

  async uncompress(bytes, openBytesMax) {
    const options = { ...openLimits(openBytesMax), finishFlush: constants.Z_SYNC_FLUSH }
    return openBytesMax <= atOnceBytesMax ? inflateRawSync(bytes, options) : await inflateAside(bytes, options)
  },

  /** RFC 1951, 3.2.4, as zlib flushes: an empty stored block, byte-aligned. */
  isPiece(bytes) {
    return bytes.length >= 5 && bytes.readUInt32BE(bytes.length - 4) === 0x0000ffff
  },
}

function totalsOf(table: BlockTable): { crc32: number; openSize: number } {
  let crc32 = 0
  let openSize = 0
  for (const piece of piecesOf(table)) {
    crc32 = combineCrc32(crc32, piece.crc32, piece.openSize)
    openSize += piece.openSize
  }
  return { crc32, openSize }
}
