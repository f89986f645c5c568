/**
 * bzip2, read as a stream in bounded memory.
 *
 * The registry's decoders were tried: unbzip2-stream holds a whole block in an array of numbers and does not wait for its
 * reader (a file of 2 KB took more than a gigabyte), seek-bzip and the WebAssembly builds want the whole file, and some loop for
 * ever on a damaged run length.
 */
import { BitReader } from './bzip2-bits.ts'
import { readBzip2Block } from './bzip2-block.ts'
import { DocumentError } from './document-error.ts'

/** The longest that a block can be: 900,000 symbols of at most 20 bits, 32,767 selectors of 6, six tables, and its head. */
const blockBytesMax = 2_400_000
/** Symbols in a block for each step of the level. */
const levelSymbols = 100_000
const pieceBytes = 2 ** 18

/**
 * Uncompresses one stream or several, one behind the other, as pbzip2 writes them.
 *
 * @throws DocumentError `BROKEN_COMPRESSION` where it is cut off, damaged, or followed by something else
 */
export async function* uncompressBzip2(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]()
  const bits = new BitReader()
  const symbols = new Uint32Array(9 * levelSymbols)
  try {
    await fill(bits, source)
    do {
      yield* readStream(bits, source, symbols)
      await fill(bits, source)
    } while (bits.bytesLeft > 0)
  } finally {
    await source.return?.()
  }
}

/** `BZh9`, blocks, and the end with a checksum over the blocks' own. */
async function* readStream(
  bits: BitReader,
  source: AsyncIterator<Uint8Array>,
  symbols: Uint32Array,
): AsyncGenerator<Uint8Array> {
  if (bits.read(24) !== 0x425a68) throw broken('something else follows its end')
  const level = bits.read(8) - 0x30
  if (level < 1 || level > 9) throw broken('its header is damaged')
  const room = symbols.subarray(0, level * levelSymbols)
  let streamCrc = 0
  while (true) {
    await fill(bits, source)
    const magic = bits.read(24) * 2 ** 24 + bits.read(24)
    if (magic === streamEnd) break
    if (magic !== blockStart) throw broken('a block does not begin as one')
    const blockCrc = yield* readBzip2Block(bits, room, pieceBytes)
    streamCrc = ((streamCrc << 1) | (streamCrc >>> 31)) ^ blockCrc
  }
  if (bits.read32() !== streamCrc) throw broken('the checksum of the whole is wrong')
  bits.align()
}

/** The digits of pi, and of its square root. */
const blockStart = 0x314159265359
const streamEnd = 0x177245385090

/** Lets the reader hold a whole block, or all there is. */
async function fill(bits: BitReader, source: AsyncIterator<Uint8Array>): Promise<void> {
  if (bits.bytesLeft >= blockBytesMax) return
  const read: Uint8Array[] = []
  let length = bits.bytesLeft
  while (length < 2 * blockBytesMax) {
    const next = await source.next()
    if (next.done === true) break
    read.push(next.value)
    length += next.value.length
  }
  if (read.length > 0) bits.append(read)
}

function broken(why: string): DocumentError {
  return new DocumentError('BROKEN_COMPRESSION', `broken bzip2: ${why}`)
}
