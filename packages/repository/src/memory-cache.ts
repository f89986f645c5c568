/**
 * Documents in memory, for small repositories where no disk is wanted.
 */
import { MemoryFile, type ScratchFile } from '@repokeeper/repodata'
import { type DocumentCache, type DocumentDigest, digestName } from './document-cache.ts'
import { DocumentCheck } from './document-check.ts'

/** Nothing is ever dropped from it. */
export class MemoryCache implements DocumentCache {
  readonly #documents = new Map<string, Buffer>()

  async *read(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    const known = this.#documents.get(digestName(digest))
    if (known !== undefined) return yield known
    const check = new DocumentCheck(digest, size)
    const pieces: Uint8Array[] = []
    for await (const piece of fetch()) {
      check.update(piece)
      pieces.push(piece)
    }
    check.finish()
    const bytes = Buffer.concat(pieces)
    this.#documents.set(digestName(digest), bytes)
    yield bytes
  }

  async newDraft(): Promise<ScratchFile> {
    return new MemoryFile()
  }

  async newScratch(): Promise<ScratchFile> {
    return new MemoryFile()
  }

  async adopt(draft: ScratchFile, digest: DocumentDigest): Promise<void> {
    if (!(draft instanceof MemoryFile)) throw new Error('the draft was made by another cache')
    this.#documents.set(digestName(digest), draft.contents())
  }

  distrust(): void {
    this.#documents.clear()
  }

  async restore(): Promise<void> {}
}
