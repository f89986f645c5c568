/**
 * The bits of a bzip2 stream, the highest of each byte first. Bytes are given as they arrive; what was read is forgotten.
 */
import { DocumentError } from './document-error.ts'

export class BitReader {
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0
  /** Its lowest `#count` bits, fewer than 8 between two calls, are read next. */
  #held = 0
  #count = 0

  /** Whole bytes that are not read yet. */
  get bytesLeft(): number {
    return this.#bytes.length - this.#at
  }

  append(chunks: readonly Uint8Array[]): void {
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...chunks])
    this.#at = 0
  }

  /**
   * @param count 1 to 24
   * @throws DocumentError `BROKEN_COMPRESSION` behind the end
   */
  read(count: number): number {
    while (this.#count < count) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined) throw new DocumentError('BROKEN_COMPRESSION', 'broken bzip2: it is cut off')
      this.#held = (this.#held << 8) | byte
      this.#at += 1
      this.#count += 8
    }
    this.#count -= count
    return (this.#held >>> this.#count) & ((1 << count) - 1)
  }

  /** As a signed number. */
  read32(): number {
    return (this.read(16) << 16) | this.read(16)
  }

  /** Passes over what is left of the byte that was begun. */
  align(): void {
    this.#count = 0
  }
}
