/**
 * Documents of others may be compressed in any of the ways that createrepo_c knows (compression_wrapper.c). The first
 * bytes say which; the name's suffix is not asked.
 */
import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress, gunzipSync } from 'node:zlib'
import xz from 'xz-decompress'
import { uncompressBzip2 } from './bzip2.ts'
import { DocumentError } from './document-error.ts'
import { cutZstdFrames, type ZstdPiece } from './zstd-frames.ts'

export type Compression = 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'zchunk' | 'none'

/** Bytes that come out at a time: entries are found faster in large pieces. */
const pieceBytes = 2 ** 17

/** By the magic numbers; anything else is taken for plain. At least six bytes are needed for a sure answer. */
export function detectCompression(firstBytes: Uint8Array): Compression {
  const hex = Buffer.from(firstBytes.subarray(0, 6)).toString('hex')
  if (hex.startsWith('1f8b')) return 'gzip'
  if (hex.startsWith('28b52ffd') || /^5.2a4d18/.test(hex)) return 'zstd'
  if (hex.startsWith('fd377a585a00')) return 'xz'
  if (hex.startsWith('425a68')) return 'bzip2'
  if (hex.startsWith('005a434b31')) return 'zchunk'
  return 'none'
}

/**
 * Uncompresses whatever comes.
 *
 * @param openBytesMax more than this is refused: the size that the record promises, or a bound of the caller's
 * @throws DocumentError `BROKEN_COMPRESSION`, `UNKNOWN_COMPRESSION`, or `TOO_LARGE`
 */
export async function* decompress(chunks: AsyncIterable<Uint8Array>, openBytesMax: number): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  try {
    const { first, all } = await peek({ [Symbol.asyncIterator]: () => iterator }, 6)
    let openBytes = 0
    for await (const piece of decoders[detectCompression(first)](all)) {
      openBytes += piece.length
      if (openBytes > openBytesMax) {
        throw new DocumentError('TOO_LARGE', `it uncompresses to more than the ${openBytesMax} bytes that are allowed`)
      }
      yield piece
    }
  } finally {
    // Also where no decoder has begun to read, or one has given up: what the bytes come from is closed.
    await iterator.return?.()
  }
}

type Decoder = (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>

const decoders: Readonly<Record<Compression, Decoder>> = {
  none: (chunks) => chunks,
  gzip: uncompressGzip,
  zstd: uncompressZstd,
  xz: uncompressXz,
  bzip2: uncompressBzip2,
  zchunk: unknown('zchunk'),
}

/** So few bytes are uncompressed at once, without a stream: they hold some 32 MiB at most. */
const atOnceBytesMax = 2 ** 15

async function* uncompressGzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { first, all } = await peek(chunks, atOnceBytesMax)
  if (first.length >= atOnceBytesMax)
    return yield* throughTransform('gzip', createGunzip({ chunkSize: pieceBytes }), all)
  const open = gunzipWhole(first)
  for (let start = 0; start < open.length; start += pieceBytes) yield open.subarray(start, start + pieceBytes)
}

function gunzipWhole(bytes: Uint8Array): Buffer {
  try {
    return gunzipSync(bytes)
  } catch (cause) {
    throw broken('gzip', cause)
  }
}

function broken(name: Compression, cause: unknown): DocumentError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new DocumentError('BROKEN_COMPRESSION', `broken ${name}: ${reason}`, { cause })
}

async function* throughTransform(
  name: Compression,
  transform: Transform,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let fault: unknown
  // A fault of the source must come out as it is; only the decoder's own is a broken document.
  const source = Readable.from(
    remember(chunks, (cause) => (fault = cause)),
    { objectMode: false },
  )
  const pumped = pipeline(source, transform).catch(() => {})
  try {
    for await (const piece of transform) yield piece
  } catch (cause) {
    if (fault !== undefined) throw fault
    throw broken(name, cause)
  } finally {
    transform.destroy()
    await pumped
  }
}

async function* remember(
  chunks: AsyncIterable<Uint8Array>,
  onFault: (cause: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks
  } catch (cause) {
    onFault(cause)
    throw cause
  }
}

/** Frame by frame: Node's decoder stops after the first one. */
async function* uncompressZstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces = cutZstdFrames(chunks)
  try {
    while (true) {
      const first = await pieces.next()
      if (first.done === true) return
      const frame = restOfFrame(first.value, pieces)
      if (first.value.skippable) for await (const _ of frame);
      else yield* throughTransform('zstd', createZstdDecompress({ chunkSize: pieceBytes }), frame)
    }
  } finally {
    await pieces.return(undefined)
  }
}

async function* restOfFrame(first: ZstdPiece, pieces: AsyncGenerator<ZstdPiece>): AsyncGenerator<Uint8Array> {
  yield first.bytes
  let { last } = first
  while (!last) {
    const next = await pieces.next()
    if (next.done === true) return
    last = next.value.last
    yield next.value.bytes
  }
}

async function* uncompressXz(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { first, all } = await peek(chunks, xzCheckAt + 1)
  if (first[xzCheckAt] === xzCheckSha256) {
    throw new DocumentError('UNKNOWN_COMPRESSION', 'it is compressed with xz --check=sha256, which is not read here')
  }
  let fault: unknown
  const rest = all[Symbol.asyncIterator]()
  // Not Readable.toWeb: where reading stops early, what was read ahead comes to a closed stream and ends the process.
  const source = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await rest.next()
          if (next.done === true) controller.close()
          else controller.enqueue(next.value)
        } catch (cause) {
          fault = cause
          throw cause
        }
      },
    },
    { highWaterMark: 0 },
  )
  const reader = new xz.XzReadableStream(source).getReader()
  try {
    while (true) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } catch (cause) {
    if (fault !== undefined) throw fault
    throw broken('xz', cause)
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** The second byte of the stream flags (xz file format, 2.1.1.2). The decoder knows CRC-32 and CRC-64 only. */
const xzCheckAt = 7
const xzCheckSha256 = 0x0a

function unknown(name: Compression): Decoder {
  return async function* () {
    yield* []
    throw new DocumentError('UNKNOWN_COMPRESSION', `it is compressed with ${name}, which is not read here`)
  }
}

/** The first bytes, and all bytes with them. */
async function peek(
  chunks: AsyncIterable<Uint8Array>,
  needed: number,
): Promise<{ first: Uint8Array; all: AsyncIterable<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]()
  const read: Uint8Array[] = []
  let length = 0
  while (length < needed) {
    const next = await iterator.next()
    if (next.done === true) break
    read.push(next.value)
    length += next.value.length
  }
  const all = (async function* () {
    try {
      yield* read
      while (true) {
        const next = await iterator.next()
        if (next.done === true) return
        yield next.value
      }
    } finally {
      await iterator.return?.()
    }
  })()
  return { first: Buffer.concat(read), all }
}
