export type RepositoryErrorCode =
  /** repomd.xml or a document that it names cannot be read: what is published stays, a rebuild mends it. */
  | 'BROKEN_METADATA'
  /** A document that repomd.xml names is not in the store. */
  | 'MISSING_DOCUMENT'
  /** Others published all the time, so that no attempt came through; trying again later helps. */
  | 'CONTENTION'
  /** Somebody has signed its metadata, and nobody has said with which key, or that it is to be unsigned from now on. */
  | 'SIGNED'
  /** Where the site of a repository is to be there are pages of somebody else. */
  | 'NOT_A_SITE'
  /** The record of a site cannot be read: a person has to say anew what the site says. */
  | 'BROKEN_SITE'
  /** It is not published in generations. */
  | 'NO_GENERATIONS'
  /** It is not kept, or was never published. */
  | 'NO_SUCH_GENERATION'
  /** A snapshot of that name is of another generation. */
  | 'SNAPSHOT_EXISTS'

/** A repository that cannot be worked on now. The message says which one, why, and what to do. */
export class RepositoryError extends Error {
  override readonly name = 'RepositoryError'
  readonly code: RepositoryErrorCode
  /** For people: `s3://bucket/root/` or a path. */
  readonly repository: string

  constructor(code: RepositoryErrorCode, message: string, repository: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.repository = repository
  }
}
