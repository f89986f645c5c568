import type { RepositoryRoot } from '@repokeeper/repository'

/** What a publisher has to tell. */
export type PublisherEvent =
  | {
      readonly kind: 'published'
      readonly root: RepositoryRoot
      readonly added: number
      readonly replaced: number
      readonly removed: number
      readonly publishes: number
      readonly milliseconds: number
    }
  /** It lies in the store, and is not listed. */
  | { readonly kind: 'refused'; readonly key: string; readonly code: string; readonly reason: string }
  /** It is tried again. */
  | {
      readonly kind: 'publish failed'
      readonly root: RepositoryRoot
      readonly retryMs: number
      readonly error: unknown
    }
  /** Nobody can say where this belongs; it is found again by the next audit. */
  | { readonly kind: 'not placed'; readonly key: string; readonly error: unknown }
  /** An audit has found what nobody had told. `healing`: it is looked at again like a change. */
  | {
      readonly kind: 'drift'
      readonly root: RepositoryRoot
      readonly path: string
      readonly problem: string
      readonly healing: boolean
    }
  | { readonly kind: 'cleaned up'; readonly root: RepositoryRoot; readonly objects: number }
  | { readonly kind: 'upkeep failed'; readonly root: RepositoryRoot; readonly error: unknown }
  /** What was missed before the start is not known; the next audit finds it. */
  | { readonly kind: 'survey failed'; readonly error: unknown }
  /** Changes may have been missed from here on; audits find them. */
  | { readonly kind: 'watch failed'; readonly error: unknown }
