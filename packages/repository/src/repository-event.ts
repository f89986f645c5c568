/**
 * Everything that the stages have to tell, as a typed catalogue: logs, metrics and history subscribe to it.
 */
export type RepositoryEvent = { readonly repository: string } & (
  | { readonly kind: 'snapshot read'; readonly revision: string | undefined; readonly packages: number }
  | { readonly kind: 'planned'; readonly added: number; readonly replaced: number; readonly removed: number }
  | {
      readonly kind: 'published'
      readonly revision: string
      readonly packages: number
      /** Bytes of documents that were sent. */
      readonly bytesSent: number
      readonly milliseconds: number
    }
  /** Somebody else published first: everything is done again. */
  | { readonly kind: 'lost the race'; readonly attempt: number; readonly waitMilliseconds: number }
  /** Keys that changed while the publish was under way: they go round again. */
  | { readonly kind: 'changed meanwhile'; readonly paths: readonly string[] }
  /** An object that is no usable package, or not signed as it has to be. */
  | { readonly kind: 'refused'; readonly path: string; readonly code: string; readonly reason: string }
  /** A package of an inbox that is not let in: it lies elsewhere now, with the reason beside it. */
  | {
      readonly kind: 'rejected'
      readonly key: string
      readonly code: string
      readonly reason: string
      readonly movedTo: string
    }
  /** What is published had no signature, or not its own: a publisher died before he wrote it, or the key is another one now. */
  | { readonly kind: 'signature mended'; readonly was: string }
  /** The mirrorlist named something else than what is published, or what it names was not there. */
  | { readonly kind: 'generation mended'; readonly generation: string; readonly was: string }
  /** A package that was indexed with something left out, or a repository that was taken over with something left out. */
  | { readonly kind: 'warning'; readonly subject: string; readonly message: string }
)
