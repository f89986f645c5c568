/**
 * Where the documents of a repository are kept between one generation and the next, and the files of what is under way.
 */
import type { ChecksumType, RandomAccess, ScratchFile } from '@repokeeper/repodata'
import type { LastRepomds } from './last-repomds.ts'

/** A digest that names a document. */
export interface DocumentDigest {
  readonly type: ChecksumType
  /** Lower-case hex. */
  readonly hex: string
}

export interface DocumentCache {
  readonly lastRepomds: LastRepomds
  /**
   * The document's bytes, from here or else from `fetch`, checked before they are given out.
   * @throws DocumentError `DIGEST_MISMATCH` where what is fetched has another digest or size
   */
  read(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array>
  /**
   * The same bytes, checked, wherever one likes; `undefined` where nothing is kept.
   * @throws DocumentError like `read`, and so does each reading from it where the bytes had to be fetched again
   */
  access(
    digest: DocumentDigest,
    size: number | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): Promise<RandomAccess | undefined>
  /** A file for a document that is being written. */
  newDraft(): Promise<ScratchFile>
  /** A file for what is laid aside meanwhile. */
  newScratch(): Promise<ScratchFile>
  /** Takes a draft that holds the document with this digest: who reads it next finds it here. */
  adopt(draft: ScratchFile, digest: DocumentDigest): Promise<void>
  /** These are superseded: in a while nobody will ask for them. */
  retire(digests: readonly DocumentDigest[]): Promise<void>
  /** Something read from here made no sense: whatever lies here is checked again before it is believed. */
  distrust(): void
  /** Whoever took the place away meanwhile: it is there again. */
  restore(): Promise<void>
}

/** One name for each digest; `sha` is what createrepo of old calls sha1. */
export function digestName({ type, hex }: DocumentDigest): string {
  return `${nodeAlgorithm(type)}-${hex}`
}

/** As `node:crypto` calls it. */
export function nodeAlgorithm(type: ChecksumType): string {
  return type === 'sha' ? 'sha1' : type
}
