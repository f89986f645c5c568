/**
 * The table of a document's blocks: what has to be known of each to copy it, and to tell which one lists a location.
 *
 * Where it stands in the document: document-front.ts.
 * All numbers are LEB128, seven bits a byte, the lowest first; a CRC-32 is four bytes, the lowest first:
 *
 *     version (1), number of blocks, head piece,
 *     for each block: packages, irregular packages, the first location (bytes shared with the one before, further bytes, these bytes),
 *                     number of pieces, pieces
 *     foot piece
 *     CRC-32 of all this
 *     a piece: bytes, open bytes, CRC-32 of the open bytes, CRC-32 of the bytes as they lie
 *
 * Only primary has locations and counts irregular packages; in the other documents both are 0.
 */
import { crc32 } from 'node:zlib'
import { blockLimits } from './block-cut.ts'
import { scanLimits } from './scan.ts'

/** A run of the deflate stream between two full flushes: it begins and ends on a byte, and needs no other to be read. */
export interface Piece {
  /** Bytes, compressed and open. */
  readonly size: number
  readonly openSize: number
  /** Of the open bytes. */
  readonly crc32: number
  /** Of the compressed ones: by it a piece is checked that is copied unread. */
  readonly packedCrc32: number
}

/** Packages that stand together in each of the three documents (block-cut.ts). */
export interface Block {
  readonly packages: number
  /** Packages that a location does not find: below another base, or with an href that is not their path as it is. */
  readonly irregular: number
  /** Of its first package; empty in filelists and other. */
  readonly firstLocation: string
  /** One or more; an entry never spreads over two. */
  readonly pieces: readonly Piece[]
}

export interface BlockTable {
  readonly head: Piece
  readonly blocks: readonly Block[]
  readonly foot: Piece
}

const version = 1
/**
 * Bytes of all first locations together. They share their beginnings, so that a table of few bytes could make gigabytes of them; those of a million
 * packages are some 300 KB.
 */
const locationsBytesMax = 4 * 2 ** 20
const headPieceVersion = 2
const sealBytes = 4
/** A piece ends with the entry that makes it `pieceBytes` long; what does not compress takes a little more than it is long. */
const pieceSizeMax = scanLimits.entryBytesMax + 2 * blockLimits.pieceBytes

export function formatBlockTable({ head, blocks, foot }: BlockTable): Buffer {
  const writer = new TableWriter()
  writer.number(version)
  writer.number(blocks.length)
  writer.piece(head)
  let before = Buffer.alloc(0)
  for (const { packages, irregular, firstLocation, pieces } of blocks) {
    writer.number(packages)
    writer.number(irregular)
    const location = Buffer.from(firstLocation)
    const shared = sharedBytes(before, location)
    writer.number(shared)
    writer.number(location.length - shared)
    writer.bytes(location.subarray(shared))
    before = location
    writer.number(pieces.length)
    for (const piece of pieces) writer.piece(piece)
  }
  writer.piece(foot)
  return writer.finish()
}

/** `undefined` for anything that `formatBlockTable` would not have written. */
export function parseBlockTable(bytes: Uint8Array): BlockTable | undefined {
  const reader = new TableReader(bytes)
  if (reader.number() !== version) return undefined
  const count = reader.number()
  const head = reader.piece()
  const blocks: Block[] = []
  let before = Buffer.alloc(0)
  let locationsBytes = 0
  while (blocks.length < count && reader.isWhole) {
    const packages = reader.number()
    const irregular = reader.number()
    const shared = reader.number()
    const location = Buffer.concat([before.subarray(0, shared), reader.bytes(reader.number())])
    locationsBytes += location.length
    if (locationsBytes > locationsBytesMax) return undefined
    const firstLocation = location.toString()
    const pieces: Piece[] = []
    for (let left = reader.number(); left > 0 && reader.isWhole; left -= 1) pieces.push(reader.piece())
    if (shared > before.length || packages === 0 || irregular > packages || pieces.length === 0) return undefined
    if (!Buffer.from(firstLocation).equals(location)) return undefined
    before = location
    blocks.push({ packages, irregular, firstLocation, pieces })
  }
  const foot = reader.piece()
  return reader.isWhole && reader.isAtEnd && blocks.length === count ? { head, blocks, foot } : undefined
}

/** The table as it stands in a document: with a CRC-32 behind it, for who keeps the document for long may keep it badly. */
export function sealBlockTable(table: BlockTable): Buffer {
  return seal(formatBlockTable(table))
}

/** `undefined` for anything that `sealBlockTable` would not have written. */
export function openBlockTable(sealed: Buffer): BlockTable | undefined {
  const bytes = unseal(sealed)
  return bytes === undefined ? undefined : parseBlockTable(bytes)
}

/** The head piece alone, sealed, for where the table stands in the head itself. */
export function sealHeadPiece(head: Piece): Buffer {
  const writer = new TableWriter()
  writer.number(headPieceVersion)
  writer.piece(head)
  return seal(writer.finish())
}

/** `undefined` for anything that `sealHeadPiece` would not have written. */
export function openHeadPiece(sealed: Buffer): Piece | undefined {
  const bytes = unseal(sealed)
  if (bytes === undefined) return undefined
  const reader = new TableReader(bytes)
  const isHeadPiece = reader.number() === headPieceVersion
  const head = reader.piece()
  return isHeadPiece && reader.isWhole && reader.isAtEnd ? head : undefined
}

function seal(bytes: Buffer): Buffer {
  const mark = Buffer.alloc(sealBytes)
  mark.writeUInt32LE(crc32(bytes))
  return Buffer.concat([bytes, mark])
}

function unseal(sealed: Buffer): Buffer | undefined {
  if (sealed.length < sealBytes) return undefined
  const bytes = sealed.subarray(0, -sealBytes)
  return crc32(bytes) === sealed.readUInt32LE(bytes.length) ? bytes : undefined
}

/** All pieces in the order in which they lie, head and foot among them. */
export function* piecesOf({ head, blocks, foot }: BlockTable): Generator<Piece> {
  yield head
  for (const { pieces } of blocks) yield* pieces
  yield foot
}

class TableWriter {
  #bytes = Buffer.alloc(2 ** 12)
  #length = 0

  number(value: number): void {
    this.#makeRoom(8)
    let rest = value
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80))
      this.#length = this.#bytes.writeUInt8((rest % 0x80) | 0x80, this.#length)
    this.#length = this.#bytes.writeUInt8(rest, this.#length)
  }

  bytes(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  piece({ size, openSize, crc32, packedCrc32 }: Piece): void {
    this.number(size)
    this.number(openSize)
    this.#crc32(crc32)
    this.#crc32(packedCrc32)
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #crc32(crc32: number): void {
    this.#makeRoom(4)
    this.#length = this.#bytes.writeUInt32LE(crc32, this.#length)
  }

  #makeRoom(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    this.#bytes = Buffer.concat([this.#bytes], 2 * (this.#length + bytes))
  }
}

/** Where the bytes end too early or make no sense, `isWhole` is false from then on, and what is read means nothing. */
class TableReader {
  readonly #bytes: Buffer
  #at = 0
  isWhole = true

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  number(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 42; scale *= 0x80) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined) break
      this.#at += 1
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    this.isWhole = false
    return 0
  }

  bytes(length: number): Buffer {
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    if (bytes.length < length) this.isWhole = false
    this.#at += bytes.length
    return bytes
  }

  piece(): Piece {
    const size = this.number()
    const openSize = this.number()
    if (size > pieceSizeMax || openSize > pieceSizeMax) this.isWhole = false
    return { size, openSize, crc32: this.#crc32(), packedCrc32: this.#crc32() }
  }

  #crc32(): number {
    const bytes = this.bytes(4)
    return bytes.length === 4 ? bytes.readUInt32LE() : 0
  }
}

function sharedBytes(a: Uint8Array, b: Uint8Array): number {
  let shared = 0
  while (shared < a.length && shared < b.length && a[shared] === b[shared]) shared += 1
  return shared
}
