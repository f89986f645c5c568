/**
 * Whether the bytes of a document are those that its record promises.
 */
import { createHash, type Hash } from 'node:crypto'
import { DocumentError } from '@repokeeper/repodata'
import { type DocumentDigest, nodeAlgorithm } from './document-cache.ts'

export class DocumentCheck {
  readonly #digest: DocumentDigest
  readonly #size: number | undefined
  readonly #hash: Hash
  #length = 0

  /** @param size in bytes, where the record gives it */
  constructor(digest: DocumentDigest, size: number | undefined) {
    this.#digest = digest
    this.#size = size
    this.#hash = createHash(nodeAlgorithm(digest.type))
  }

  /** @throws DocumentError `DIGEST_MISMATCH` as soon as there is more than was promised */
  update(bytes: Uint8Array): void {
    this.#length += bytes.length
    if (this.#size !== undefined && this.#length > this.#size) {
      throw new DocumentError('DIGEST_MISMATCH', `it is longer than the ${this.#size} bytes of its record`)
    }
    this.#hash.update(bytes)
  }

  /** @throws DocumentError `DIGEST_MISMATCH` */
  finish(): void {
    const { type, hex } = this.#digest
    const found = this.#hash.digest('hex')
    if (found === hex && (this.#size === undefined || this.#size === this.#length)) return
    const promised = `${hex}${this.#size === undefined ? '' : ` over ${this.#size} bytes`}`
    throw new DocumentError(
      'DIGEST_MISMATCH',
      `its ${type} is ${found} over ${this.#length} bytes, its record says ${promised}`,
    )
  }
}
