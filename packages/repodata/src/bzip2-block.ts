/**
 * One block of a bzip2 stream: Huffman codes, move to front, Burrows-Wheeler transform, run lengths, undone one after the
 * other. There is no specification; this follows the format as bzip2 1.0.8 reads it (decompress.c, huffman.c, bzlib.c).
 */
import type { BitReader } from './bzip2-bits.ts'
import { DocumentError } from './document-error.ts'

/** Symbols a Huffman table is used for before the next selector (`BZ_G_SIZE`). */
const groupSymbols = 50
/** Longest code (`BZ_MAX_CODE_LEN` is 20 on reading). */
const codeBitsMax = 20
const tablesMax = 6

/**
 * The bytes of a block, behind its magic number, in pieces: a block of less than 900 KB can stand for 45 MB of one byte.
 *
 * @param symbols room for the block, one number for each byte before the last run lengths; is overwritten
 * @returns the block's own CRC, checked
 * @throws DocumentError `BROKEN_COMPRESSION`
 */
export function* readBzip2Block(bits: BitReader, symbols: Uint32Array, pieceBytes: number): Generator<Buffer, number> {
  const expectedCrc = bits.read32()
  if (bits.read(1) === 1) throw broken('a randomised block, as bzip2 before 0.9.5 wrote')
  const origin = bits.read(24)
  const alphabet = readAlphabet(bits)
  const { selectors, tables } = readTables(bits, alphabet.length + 2)
  const length = readSymbols(bits, alphabet, selectors, tables, symbols)
  if (origin >= length) throw broken('a block begins outside itself')
  invertTransform(symbols, length)
  const runs = new RunLengths(symbols, length, origin)
  while (true) {
    const piece = Buffer.allocUnsafe(pieceBytes)
    const filled = runs.fill(piece)
    if (filled > 0) yield piece.subarray(0, filled)
    if (filled < pieceBytes) break
  }
  if (runs.crc !== expectedCrc) throw broken('the checksum of a block is wrong')
  return runs.crc
}

/** The bytes that occur, in order: a map of 16 ranges, then a map of 16 bytes for each range that is used. */
function readAlphabet(bits: BitReader): Uint8Array {
  const ranges = bits.read(16)
  const used: number[] = []
  for (let range = 0; range < 16; range += 1) {
    if ((ranges & (0x8000 >> range)) === 0) continue
    const map = bits.read(16)
    for (let low = 0; low < 16; low += 1) if ((map & (0x8000 >> low)) !== 0) used.push(range * 16 + low)
  }
  if (used.length === 0) throw broken('a block without bytes')
  return Uint8Array.from(used)
}

/** A canonical code. `limits[n]` is the highest code of n bits, `offsets[n]` what is taken off to find its symbol. */
interface HuffmanTable {
  readonly bitsMin: number
  readonly limits: Int32Array
  readonly offsets: Int32Array
  readonly symbols: Uint16Array
}

function readTables(bits: BitReader, symbolCount: number): { selectors: Uint8Array; tables: HuffmanTable[] } {
  const count = bits.read(3)
  if (count < 2 || count > tablesMax) throw broken(`${count} Huffman tables`)
  const selectors = new Uint8Array(bits.read(15))
  if (selectors.length === 0) throw broken('no selectors')
  const order = Array.from({ length: count }, (_, at) => at)
  for (let at = 0; at < selectors.length; at += 1) {
    let place = 0
    while (bits.read(1) === 1) {
      place += 1
      if (place >= count) throw broken('a selector of no table')
    }
    const [table = 0] = order.splice(place, 1)
    order.unshift(table)
    selectors[at] = table
  }
  return { selectors, tables: order.map(() => readTable(bits, symbolCount)) }
}

/** Code lengths, each as steps up or down from the one before. */
function readTable(bits: BitReader, symbolCount: number): HuffmanTable {
  const lengths = new Uint8Array(symbolCount)
  let length = bits.read(5)
  for (let symbol = 0; symbol < symbolCount; symbol += 1) {
    while (true) {
      if (length < 1 || length > codeBitsMax) throw broken(`a code of ${length} bits`)
      if (bits.read(1) === 0) break
      length += bits.read(1) === 0 ? 1 : -1
    }
    lengths[symbol] = length
  }
  return canonicalTable(lengths)
}

function canonicalTable(lengths: Uint8Array): HuffmanTable {
  const symbols = new Uint16Array(lengths.length)
  const limits = new Int32Array(codeBitsMax + 1).fill(-1)
  const offsets = new Int32Array(codeBitsMax + 1)
  let code = 0
  let placed = 0
  for (let length = 1; length <= codeBitsMax; length += 1) {
    offsets[length] = code - placed
    for (let symbol = 0; symbol < lengths.length; symbol += 1) {
      if (lengths[symbol] !== length) continue
      symbols[placed] = symbol
      placed += 1
      code += 1
    }
    limits[length] = code - 1
    code <<= 1
  }
  return { bitsMin: lengths.reduce((least, length) => Math.min(least, length), codeBitsMax), limits, offsets, symbols }
}

/** Fills `into` with the block's bytes, still transformed, and says how many there are. */
function readSymbols(
  bits: BitReader,
  alphabet: Uint8Array,
  selectors: Uint8Array,
  tables: readonly HuffmanTable[],
  into: Uint32Array,
): number {
  const front = Uint8Array.from(alphabet)
  const end = alphabet.length + 1
  let length = 0
  let run = 0
  let runDigit = 1
  for (const selector of selectors) {
    const table = tables[selector]
    if (table === undefined) throw broken('a selector of no table')
    for (let at = 0; at < groupSymbols; at += 1) {
      const symbol = readSymbol(bits, table)
      // RUNA and RUNB: the length of a run in digits 1 and 2 of base two, the lowest first.
      if (symbol <= 1) {
        run += runDigit << symbol
        runDigit <<= 1
        if (run > into.length) throw broken('a run is longer than its block')
        continue
      }
      if (run > 0) {
        if (length + run > into.length) throw broken('a block is longer than its header says')
        into.fill(front[0] ?? 0, length, length + run)
        length += run
        run = 0
        runDigit = 1
      }
      if (symbol === end) return length
      if (length >= into.length) throw broken('a block is longer than its header says')
      const place = symbol - 1
      const byte = front[place] ?? 0
      for (let to = place; to > 0; to -= 1) front[to] = front[to - 1] ?? 0
      front[0] = byte
      into[length] = byte
      length += 1
    }
  }
  throw broken('a block has no end')
}

function readSymbol(bits: BitReader, { bitsMin, limits, offsets, symbols }: HuffmanTable): number {
  let length = bitsMin
  let code = bits.read(length)
  while (code > (limits[length] ?? -1)) {
    length += 1
    if (length > codeBitsMax) throw broken('a code that its table does not have')
    code = (code << 1) | bits.read(1)
  }
  const symbol = symbols[code - (offsets[length] ?? 0)]
  if (symbol === undefined) throw broken('a code that its table does not have')
  return symbol
}

/** Puts into the upper 24 bits of each number the place of the byte that follows. */
function invertTransform(symbols: Uint32Array, length: number): void {
  const counts = new Uint32Array(256)
  for (let at = 0; at < length; at += 1) {
    const byte = (symbols[at] ?? 0) & 0xff
    counts[byte] = (counts[byte] ?? 0) + 1
  }
  const places = new Uint32Array(256)
  for (let byte = 1; byte < 256; byte += 1) places[byte] = (places[byte - 1] ?? 0) + (counts[byte - 1] ?? 0)
  for (let at = 0; at < length; at += 1) {
    const byte = (symbols[at] ?? 0) & 0xff
    const place = places[byte] ?? 0
    symbols[place] = (symbols[place] ?? 0) | (at << 8)
    places[byte] = place + 1
  }
}

/** Follows the transform through the block and writes runs out: four equal bytes are followed by the number of further ones. */
class RunLengths {
  readonly #symbols: Uint32Array
  #next: number
  #left: number
  #equal = 0
  #last = -1
  /** Copies of `#last` that are still to come. */
  #copies = 0
  #crc = -1

  constructor(symbols: Uint32Array, length: number, origin: number) {
    this.#symbols = symbols
    this.#left = length
    this.#next = (symbols[origin] ?? 0) >>> 8
  }

  /** Of what came out so far. */
  get crc(): number {
    return ~this.#crc
  }

  /** Fills the piece as far as there is something to fill it with, and says how far. */
  fill(piece: Uint8Array): number {
    const symbols = this.#symbols
    const size = piece.length
    let [next, left, equal, last, copies] = [this.#next, this.#left, this.#equal, this.#last, this.#copies]
    let crc = this.#crc
    let filled = 0
    while (filled < size) {
      if (copies > 0) copies -= 1
      else {
        if (left === 0) break
        const entry = symbols[next] ?? 0
        next = entry >>> 8
        left -= 1
        const byte = entry & 0xff
        if (equal === 4) {
          copies = byte
          equal = 0
          continue
        }
        equal = byte === last && equal > 0 ? equal + 1 : 1
        last = byte
      }
      piece[filled] = last
      filled += 1
      crc = (crc << 8) ^ (crcTable[(crc >>> 24) ^ last] ?? 0)
    }
    this.#next = next
    this.#left = left
    this.#equal = equal
    this.#last = last
    this.#copies = copies
    this.#crc = crc
    return filled
  }
}

/** CRC-32 with the polynomial of zlib's, but the highest bit first: zlib's own cannot be used. */
const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0)
  return crc
})

function broken(why: string): DocumentError {
  return new DocumentError('BROKEN_COMPRESSION', `broken bzip2: ${why}`)
}
