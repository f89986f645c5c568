import { S3Error } from './error.ts'

/** A chunk's line holds its length and, signed, 64 hex digits; a trailer's a checksum. AWS's own limit is not documented. */
const lineBytesMax = 8 * 1024
const trailersMax = 32

/**
 * Takes the framing off a body of `Content-Encoding: aws-chunked`, signed or not. Signatures are not verified.
 * Source: AWS, "Signature calculations for the Authorization header: transferring payload in multiple chunks" and
 * "… including trailing headers".
 *
 * @param onTrailer called for each trailing header, its name in lower case, after the last byte was yielded.
 * @throws S3Error IncompleteBody where the body ends early or is not framed so.
 */
export async function* decodeAwsChunked(
  body: AsyncIterable<Uint8Array>,
  onTrailer: (name: string, value: string) => void,
): AsyncGenerator<Uint8Array> {
  const reader = new Reader(body)
  for (;;) {
    // "10000;chunk-signature=ad80c7…\r\n"
    const line = await reader.line()
    const length = /^([0-9a-f]{1,12})(?:;.*)?$/i.exec(line ?? '')?.[1]
    if (length === undefined) throw incomplete(`a chunk starts with ${JSON.stringify(line ?? 'nothing')}`)
    let left = Number.parseInt(length, 16)
    if (left === 0) break
    while (left > 0) {
      const piece = await reader.bytes(left)
      if (piece === undefined) throw incomplete(`a chunk lacks ${left} bytes`)
      left -= piece.length
      yield piece
    }
    if ((await reader.line()) !== '') throw incomplete('a chunk is longer than it says')
  }
  // "x-amz-checksum-crc32:AAAAAA==\r\n", then "x-amz-trailer-signature:…" where signed, then an empty line or the end.
  for (let count = 0; ; count++) {
    const line = await reader.line()
    if (line === undefined || line === '') break
    if (count >= trailersMax) throw incomplete(`there are more than ${trailersMax} trailers`)
    const colon = line.indexOf(':')
    if (colon <= 0) throw incomplete(`a trailer is ${JSON.stringify(line)}`)
    onTrailer(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  await reader.rest()
}

class Reader {
  readonly #source: AsyncIterator<Uint8Array>
  #buffer: Buffer = Buffer.alloc(0)

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#source = body[Symbol.asyncIterator]()
  }

  /** Without its CRLF; `undefined` at the end of the body. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#buffer.indexOf('\n')
      if (end >= 0) {
        const line = this.#buffer.toString('latin1', 0, end).replace(/\r$/, '')
        this.#buffer = this.#buffer.subarray(end + 1)
        return line
      }
      if (this.#buffer.length > lineBytesMax) throw incomplete(`a line has more than ${lineBytesMax} bytes`)
      if (!(await this.#fill())) {
        if (this.#buffer.length > 0) throw incomplete('the body ends in the middle of a line')
        return undefined
      }
    }
  }

  /** At least one byte and at most `max`; `undefined` at the end of the body. */
  async bytes(max: number): Promise<Buffer | undefined> {
    if (this.#buffer.length === 0 && !(await this.#fill())) return undefined
    const piece = this.#buffer.subarray(0, max)
    this.#buffer = this.#buffer.subarray(piece.length)
    return piece
  }

  /** Reads to the end, so that the connection can take another request. */
  async rest(): Promise<void> {
    while (await this.#fill()) this.#buffer = Buffer.alloc(0)
  }

  async #fill(): Promise<boolean> {
    for (;;) {
      const next = await this.#source.next()
      if (next.done) return false
      if (next.value.length === 0) continue
      const chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
      this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
      return true
    }
  }
}

function incomplete(what: string): S3Error {
  return new S3Error('IncompleteBody', `The aws-chunked request body is malformed: ${what}.`)
}
