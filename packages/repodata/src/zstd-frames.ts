/**
 * The ends of zstd frames, found without decompressing.
 *
 * A zstd file may hold several frames (RFC 8878, section 3), and Node's decoder stops after the first. So the compressed
 * bytes are cut here: a frame's length follows from its header and the headers of its blocks (sections 3.1.1.1, 3.1.1.2).
 */
import { DocumentError } from './document-error.ts'

export interface ZstdPiece {
  /** Bytes of one frame, as far as they have arrived. */
  readonly bytes: Uint8Array
  /** The frame ends with these bytes. */
  readonly last: boolean
  /** A skippable frame: it holds nothing to decompress. */
  readonly skippable: boolean
}

/** @throws DocumentError `BROKEN_COMPRESSION` where a frame does not start as one, or the input ends inside one */
export async function* cutZstdFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ZstdPiece> {
  const walk = new FrameWalk()
  for await (const chunk of chunks) yield* walk.feed(chunk)
  walk.end()
}

/** What the next bytes are. `header` bytes are gathered until they say how long the rest is. */
type Expected = 'magic' | 'skippable size' | 'frame header' | 'block header' | 'content'

class FrameWalk {
  #expected: Expected = 'magic'
  #gathered: number[] = []
  #needed = 4
  #skippable = false
  #checksum = false
  #lastBlock = false
  /** What comes when the content has been passed. */
  #then: Expected | 'frame end' = 'magic'
  /** The first bytes of a frame, kept back until its magic number says what kind it is. */
  #held: Uint8Array[] = []

  end(): void {
    if (this.#expected !== 'magic' || this.#gathered.length > 0) throw broken('it ends inside a frame')
  }

  *feed(chunk: Uint8Array): Generator<ZstdPiece> {
    let start = 0
    let at = 0
    while (at < chunk.length) {
      let frameEnds = false
      if (this.#expected === 'content') {
        const step = Math.min(this.#needed, chunk.length - at)
        at += step
        this.#needed -= step
        if (this.#needed === 0) frameEnds = this.#afterContent()
      } else {
        this.#gathered.push(chunk[at] ?? 0)
        at += 1
        if (this.#gathered.length === this.#needed) frameEnds = this.#afterHeader()
      }
      if (frameEnds) {
        yield this.#piece(chunk.subarray(start, at), true)
        start = at
        this.#expect('magic', 4)
      }
    }
    if (start === chunk.length) return
    if (this.#expected === 'magic') this.#held.push(chunk.subarray(start))
    else yield this.#piece(chunk.subarray(start), false)
  }

  #piece(bytes: Uint8Array, last: boolean): ZstdPiece {
    const all = this.#held.length === 0 ? bytes : Buffer.concat([...this.#held, bytes])
    this.#held = []
    return { bytes: all, last, skippable: this.#skippable }
  }

  #expect(what: Expected, needed: number): void {
    this.#expected = what
    this.#needed = needed
    this.#gathered = []
  }

  /** Passes over `length` bytes; true where that ends the frame at once. */
  #pass(length: number, then: Expected | 'frame end'): boolean {
    this.#then = then
    this.#expect('content', length)
    return length === 0 ? this.#afterContent() : false
  }

  #afterContent(): boolean {
    if (this.#then === 'frame end') return true
    this.#expect(this.#then, 3)
    return false
  }

  #afterHeader(): boolean {
    const bytes = Uint8Array.from(this.#gathered)
    const view = new DataView(bytes.buffer)
    switch (this.#expected) {
      case 'magic': {
        const magic = view.getUint32(0, true)
        this.#skippable = magic >= 0x184d2a50 && magic <= 0x184d2a5f
        if (!this.#skippable && magic !== zstdMagic) throw broken('a frame does not begin with the zstd magic number')
        this.#expect(this.#skippable ? 'skippable size' : 'frame header', this.#skippable ? 4 : 1)
        return false
      }
      case 'skippable size':
        return this.#pass(view.getUint32(0, true), 'frame end')
      case 'frame header': {
        const descriptor = bytes[0] ?? 0
        this.#checksum = (descriptor & 0x04) !== 0
        return this.#pass(frameHeaderRest(descriptor), 'block header')
      }
      default: {
        const header = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8) | ((bytes[2] ?? 0) << 16)
        this.#lastBlock = (header & 1) !== 0
        const type = (header >> 1) & 3
        if (type === 3) throw broken('a block has the reserved type')
        const runLength = type === 1
        const length = (runLength ? 1 : header >> 3) + (this.#lastBlock && this.#checksum ? 4 : 0)
        return this.#pass(length, this.#lastBlock ? 'frame end' : 'block header')
      }
    }
  }
}

export const zstdMagic = 0xfd2fb528

/** Window descriptor, dictionary id and content size behind the frame header's descriptor (RFC 8878, 3.1.1.1.1). */
function frameHeaderRest(descriptor: number): number {
  const singleSegment = (descriptor & 0x20) !== 0
  const dictionaryId = [0, 1, 2, 4][descriptor & 3] ?? 0
  const sizeFlag = descriptor >> 6
  const contentSize = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 2 ** sizeFlag
  return (singleSegment ? 0 : 1) + dictionaryId + contentSize
}

function broken(why: string): DocumentError {
  return new DocumentError('BROKEN_COMPRESSION', `broken zstd: ${why}`)
}
