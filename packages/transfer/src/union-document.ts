/**
 * Several documents of one kind as one: each part once, in an order that depends on nothing but the parts. What a part is, the form
 * says; no document is held whole.
 */
import { DocumentError, type ScratchFile } from '@repokeeper/repodata'

export interface UnionPart {
  /** Two parts with one key speak of the same thing. Parts are written in the order of their keys. */
  readonly key: string
  readonly bytes: Buffer
}

export interface UnionForm {
  /** For messages: `updateinfo`. */
  readonly what: string
  readonly head: string
  readonly foot: string
  /** @param chunks the uncompressed bytes of one document @throws DocumentError */
  parts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<UnionPart>
}

export interface UnionSource {
  /** The uncompressed bytes. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** What it is that cannot be read, and whose fault that is. */
  blame(error: DocumentError): Error
}

/** The largest updateinfo of a distribution has some 20,000 advisories. */
const partsMax = 1_000_000
/** So much is written at once. */
const pieceBytes = 2 ** 18

/**
 * @param documents the one whose parts win first
 * @param spool an empty file of the caller's, for the parts until their order is known
 * @param output an empty file of the caller's
 * @throws what `blame` makes of a document that cannot be read
 */
export async function uniteDocuments(
  form: UnionForm,
  documents: readonly UnionSource[],
  spool: ScratchFile,
  output: ScratchFile,
): Promise<void> {
  const spans = new Map<string, { readonly start: number; readonly length: number }>()
  const spooled = new PiecedFile(spool)
  for (const { chunks, blame } of documents) {
    try {
      for await (const { key, bytes } of form.parts(chunks)) {
        if (spans.has(key)) continue
        if (spans.size === partsMax)
          throw new DocumentError('TOO_LARGE', `${form.what} has more than ${partsMax} parts`)
        spans.set(key, { start: spooled.length, length: bytes.length })
        await spooled.append(bytes)
      }
    } catch (error) {
      throw error instanceof DocumentError ? blame(error) : error
    }
  }
  await spooled.flush()
  const written = new PiecedFile(output)
  await written.append(Buffer.from(form.head))
  const byKey = [...spans].toSorted(([a], [b]) => (a < b ? -1 : 1))
  for (const [, { start, length }] of byKey) await written.append(await spool.read(start, length))
  await written.append(Buffer.from(form.foot))
  await written.flush()
}

/** Small writes, gathered. */
class PiecedFile {
  readonly #file: ScratchFile
  #pieces: Buffer[] = []
  #held = 0
  length = 0

  constructor(file: ScratchFile) {
    this.#file = file
  }

  async append(bytes: Buffer): Promise<void> {
    this.#pieces.push(bytes)
    this.#held += bytes.length
    this.length += bytes.length
    if (this.#held >= pieceBytes) await this.flush()
  }

  async flush(): Promise<void> {
    await this.#file.append(Buffer.concat(this.#pieces))
    this.#pieces = []
    this.#held = 0
  }
}
