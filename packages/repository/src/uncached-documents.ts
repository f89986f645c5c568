/**
 * Documents as the store has them now, whatever is kept of them here: for who asks whether they are still what they were.
 */
import type { ScratchFile } from '@repokeeper/repodata'
import type { DocumentCache, DocumentDigest } from './document-cache.ts'
import { DocumentCheck } from './document-check.ts'
import { LastRepomds } from './last-repomds.ts'

export class UncachedDocuments implements DocumentCache {
  readonly lastRepomds = new LastRepomds()
  readonly #cache: DocumentCache

  /** @param cache for files of what is under way */
  constructor(cache: DocumentCache) {
    this.#cache = cache
  }

  /** What comes is given out at once, and found wrong at its end. Who gives up before has not checked it. */
  async *read(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    const check = new DocumentCheck(digest, size)
    for await (const piece of fetch()) {
      check.update(piece)
      yield piece
    }
    check.finish()
  }

  async access(): Promise<undefined> {}

  newDraft(): Promise<ScratchFile> {
    return this.#cache.newDraft()
  }

  newScratch(): Promise<ScratchFile> {
    return this.#cache.newScratch()
  }

  adopt(draft: ScratchFile, digest: DocumentDigest): Promise<void> {
    return this.#cache.adopt(draft, digest)
  }

  retire(digests: readonly DocumentDigest[]): Promise<void> {
    return this.#cache.retire(digests)
  }

  distrust(): void {
    this.#cache.distrust()
  }

  restore(): Promise<void> {
    return this.#cache.restore()
  }
}
