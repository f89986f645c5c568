export type TransferErrorCode =
  /** There is no repository at the source. */
  | 'NO_METADATA'
  /** What the source says cannot be, or not be had: a wrong digest, a listed package that is not there. */
  | 'BAD_SOURCE'
  /** The signature of the source's repomd.xml is none of a key that one was told to trust. */
  | 'BAD_SIGNATURE'
  /** The target holds something that was not pulled from this source. */
  | 'NOT_A_REPLICA'
  /** The target is a replica, in which nothing else may be. */
  | 'IS_A_REPLICA'
  /** What a mirror remembers of its upstream cannot be read. */
  | 'BROKEN_RECORD'
  /** The source, or the target, was changed by others during every attempt. */
  | 'CONTENTION'

/** A repository cannot be taken over as it is; `message` says which, why, and what to do. Nothing that was published is touched. */
export class TransferError extends Error {
  override readonly name = 'TransferError'
  readonly code: TransferErrorCode

  constructor(code: TransferErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
