/**
 * The port: a repository that is read, wherever it lies and whoever made it.
 */
import type { CopySource } from '@repokeeper/object-store'

/** Which bytes an answer had, as the place itself tells them apart: an ETag, or the time of the last change. Opaque. */
export type SourceVersion = string & { readonly __brand: 'SourceVersion' }

export type SourceAnswer =
  | {
      readonly kind: 'found'
      /** `undefined` where the place does not say. */
      readonly version: SourceVersion | undefined
      /** Read once: to its end, or given up with `return()`. */
      readonly body: AsyncIterable<Uint8Array>
    }
  | { readonly kind: 'absent' }
  /** It is still the version that was named. */
  | { readonly kind: 'unchanged' }

export interface SourceRequest {
  /** Only where it is not this version any more. */
  readonly unless?: SourceVersion | undefined
  /** These bytes alone, `end` excluded: where the place knows no ranges, they are cut out of what it gives. */
  readonly range?: ByteRange | undefined
}

export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface RepositorySource {
  /** For messages, with no slash at its end, and without a password. */
  readonly name: string
  /** The same for the same repository, from wherever it is named. Absent: the name is. */
  readonly identity?: string
  /**
   * @param path below the root of the repository, not percent-encoded
   * @throws StoreError, WebError; so does the body where it breaks off
   */
  open(path: string, options?: SourceRequest): Promise<SourceAnswer>
  /**
   * The object at a path, for a store that may be able to copy it by itself; `undefined` where there is none.
   * Absent: what lies here can only be read.
   */
  locate?(path: string): Promise<CopySource | undefined>
  close(): Promise<void>
}

/** The bytes at a path as they come; `undefined` where nothing is there. @throws StoreError, WebError */
export async function openBody(source: RepositorySource, path: string): Promise<AsyncIterable<Uint8Array> | undefined> {
  const answer = await source.open(path)
  return answer.kind === 'found' ? answer.body : undefined
}
