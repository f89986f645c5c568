/**
 * Documents in memory, for small repositories where no disk is wanted.
 */
import { MemoryFile, type RandomAccess, type ScratchFile } from '@repokeeper/repodata'
import { type DocumentCache, type DocumentDigest, digestName } from './document-cache.ts'
import { DocumentCheck } from './document-check.ts'
import { LastRepomds } from './last-repomds.ts'

export class MemoryCache implements DocumentCache {
  readonly lastRepomds = new LastRepomds()
  readonly #documents = new Map<string, Buffer>()
  readonly #bytesMax: number
  #bytes = 0

  /** @param bytesMax of the documents together: the oldest go first */
  constructor(bytesMax = Number.POSITIVE_INFINITY) {
    this.#bytesMax = bytesMax
  }

  async *read(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    yield await this.#ensure(digest, size, fetch)
  }

  async access(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): Promise<RandomAccess> {
    const file = new MemoryFile()
    await file.append(await this.#ensure(digest, size, fetch))
    return file
  }

  async #ensure(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): Promise<Buffer> {
    const known = this.#documents.get(digestName(digest))
    if (known !== undefined) return known
    const check = new DocumentCheck(digest, size)
    const pieces: Uint8Array[] = []
    for await (const piece of fetch()) {
      check.update(piece)
      pieces.push(piece)
    }
    check.finish()
    const bytes = Buffer.concat(pieces)
    this.#keep(digest, bytes)
    return bytes
  }

  async newDraft(): Promise<ScratchFile> {
    return new MemoryFile()
  }

  async newScratch(): Promise<ScratchFile> {
    return new MemoryFile()
  }

  async adopt(draft: ScratchFile, digest: DocumentDigest): Promise<void> {
    if (!(draft instanceof MemoryFile)) throw new Error('the draft was made by another cache')
    this.#keep(digest, draft.contents())
  }

  async retire(digests: readonly DocumentDigest[]): Promise<void> {
    for (const digest of digests) {
      this.#bytes -= this.#documents.get(digestName(digest))?.length ?? 0
      this.#documents.delete(digestName(digest))
    }
  }

  distrust(): void {
    this.#documents.clear()
    this.#bytes = 0
  }

  async restore(): Promise<void> {}

  #keep(digest: DocumentDigest, bytes: Buffer): void {
    if (this.#documents.has(digestName(digest))) return
    this.#documents.set(digestName(digest), bytes)
    this.#bytes += bytes.length
    for (const [name, { length }] of this.#documents) {
      if (this.#bytes <= this.#bytesMax || this.#documents.size === 1) return
      this.#documents.delete(name)
      this.#bytes -= length
    }
  }
}
