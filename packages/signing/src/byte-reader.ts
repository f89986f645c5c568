import { OpenPgpError } from './openpgp-error.ts'

/** Reads what a packet holds from front to back. All bytes it gives are views; a length that leads out of the packet is refused. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get position(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  /** @throws OpenPgpError MALFORMED */
  take(length: number): Uint8Array {
    if (length > this.remaining) {
      const message = `${length} bytes are promised at byte ${this.#at}, and ${this.remaining} are left`
      throw new OpenPgpError('MALFORMED', message)
    }
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /**
   * A big-endian number of up to four bytes.
   *
   * @throws OpenPgpError MALFORMED
   */
  number(width: 1 | 2 | 4): number {
    return this.take(width).reduce((number, byte) => number * 256 + byte, 0)
  }

  /**
   * A multiprecision integer: its bits, then its bytes. Zeros in front, which some writers leave, are dropped.
   *
   * @throws OpenPgpError MALFORMED
   */
  integer(): Uint8Array {
    const bytes = this.take(Math.ceil(this.number(2) / 8))
    const first = bytes.findIndex((byte) => byte !== 0)
    return first === -1 ? bytes.subarray(bytes.length) : bytes.subarray(first)
  }

  /** @throws OpenPgpError MALFORMED where bytes are left */
  end(): void {
    if (this.remaining > 0) throw new OpenPgpError('MALFORMED', `${this.remaining} bytes too many`)
  }
}

/** A number as so many bytes, zeros in front; `undefined` where it has more. */
export function padded(integer: Uint8Array, length: number): Uint8Array | undefined {
  if (integer.length > length) return undefined
  const bytes = new Uint8Array(length)
  bytes.set(integer, length - integer.length)
  return bytes
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
