/**
 * The port of conditional object storage. One `ObjectStore` is one bucket (or one directory, or one map in memory);
 * keys are relative to it, with `/` between segments and never a leading one.
 *
 * Expected outcomes are values (`absent`, `conflict`, `changed`); everything else is thrown as a `StoreError`. Two
 * things pass through as they are: the `reason` of an aborted signal, and what the caller's own source throws in `put`.
 */

/** An opaque version of an object's content, always in double quotes, never weak. Compare only for equality. */
export type ETag = string & { readonly __brand: 'ETag' }

/** What a store says of an object without its bytes. */
export interface ObjectHead {
  readonly key: string
  readonly etag: ETag
  /** Bytes. */
  readonly size: number
  /** By the store's clock; S3 knows whole seconds only. A store that does not say counts as "just now": no one deletes too early. */
  readonly lastModified: Date
  /**
   * Lower-case hex of the SHA-256 over the whole object, only where the store vouches for it (S3: `FULL_OBJECT`, never
   * composite). Only `head` asks S3 for it; a directory never knows it.
   */
  readonly sha256?: string
}

/** A listing knows no checksum. */
export type ListedObject = Omit<ObjectHead, 'sha256'>

/** Bytes to store: whole in memory, or a source that can be opened again for a retry. */
export type PutBody = Uint8Array | PutSource

export interface PutSource {
  readonly size: number
  open(): AsyncIterable<Uint8Array>
  /**
   * A file of this machine that holds these bytes and that nobody changes meanwhile: a store that lies on this machine has the kernel copy
   * it, and holds the copy to `sha256`.
   */
  readonly path?: string | undefined
}

/** Every write states its condition. */
export type PutCondition =
  | { readonly if: 'always' }
  /** S3: `If-None-Match: *`. */
  | { readonly if: 'absent' }
  /** S3: `If-Match`. An object that is gone is a conflict too. */
  | { readonly if: 'unchanged'; readonly etag: ETag }

export interface PutOptions {
  /** Lower-case hex; bytes that differ are refused and not stored (S3: `x-amz-checksum-sha256`), and S3 vouches for it in `head`. */
  readonly sha256?: string
  readonly contentType?: string
  readonly cacheControl?: string
  readonly signal?: AbortSignal
  /** Called with the bytes sent so far, of one attempt. */
  readonly onProgress?: (bytesSent: number) => void
}

export type PutOutcome =
  | { readonly kind: 'stored'; readonly etag: ETag }
  /**
   * The condition did not hold (S3: 412), or another write was under way (409), or the object is gone (404 with
   * `If-Match`). Never of `always`. It means "look again", not "nothing was stored": a write that took effect while its
   * answer was lost meets itself when it is tried again.
   */
  | { readonly kind: 'conflict' }

/** The object that is to be copied, of any store, as `head` gave it: this version of it and no other. */
export interface CopySource extends Pick<ObjectHead, 'key' | 'etag' | 'size' | 'sha256'> {
  readonly store: ObjectStore
}

export interface CopyOptions {
  readonly contentType?: string
  readonly signal?: AbortSignal
}

export type CopyOutcome =
  | PutOutcome
  /** Another version of the source stands there now, or none. */
  | { readonly kind: 'changed' }

export interface GetOptions {
  /** Bytes `start` to `end` (exclusive, may lie beyond the end of the object). A `start` at or beyond the end yields no bytes. */
  readonly range?: { readonly start: number; readonly end: number }
  /** Only this version: otherwise `changed`. */
  readonly ifMatch?: ETag
  /** Not this version: then `unchanged`. */
  readonly ifNoneMatch?: ETag
  readonly signal?: AbortSignal
}

export type GetOutcome =
  | {
      readonly kind: 'found'
      /** `size` is that of the whole object, whatever the range. */
      readonly head: ObjectHead
      /** Read once: to its end, or given up with `return()` (see `discardBody`). All bytes are of the one version in `head`. */
      readonly body: AsyncIterable<Uint8Array>
    }
  | { readonly kind: 'absent' }
  /** `ifMatch` did not hold: another version stands there now. */
  | { readonly kind: 'changed' }
  /** `ifNoneMatch` did not hold: it is still that version. */
  | { readonly kind: 'unchanged' }

export interface DeleteOptions {
  /** Only this version is deleted; `conflict` where another one stands there. S3: HEAD, then `If-Match`, which many others ignore. */
  readonly ifMatch?: ETag
  readonly signal?: AbortSignal
}

export interface ListOptions {
  /** Only keys after this one, in byte order of their UTF-8. */
  readonly startAfter?: string
  readonly signal?: AbortSignal
}

export interface ClockOptions {
  /** A key whose clock is meant and that may be read: S3 is asked about it, a directory by the file system that it is on. */
  readonly near?: string
  readonly signal?: AbortSignal
}

export interface ObjectStore {
  /** For messages to people: `s3://bucket` or a path. */
  readonly name: string
  get(key: string, options?: GetOptions): Promise<GetOutcome>
  /** `undefined`: no such object. */
  head(key: string, options?: { readonly signal?: AbortSignal }): Promise<ObjectHead | undefined>
  put(key: string, body: PutBody, condition: PutCondition, options?: PutOptions): Promise<PutOutcome>
  /**
   * What `put` would do with the bytes of the source. Where the storage can copy by itself (S3 from S3), no byte comes by here, and S3 vouches
   * for the SHA-256 of the copy; anything else is streamed, and bytes that do not have the `sha256` of the source are refused.
   */
  copy(source: CopySource, key: string, condition: PutCondition, options?: CopyOptions): Promise<CopyOutcome>
  /** Deleting what is not there is no error, with `ifMatch` neither. */
  delete(key: string, options?: DeleteOptions): Promise<{ readonly kind: 'deleted' } | { readonly kind: 'conflict' }>
  /** Keys that start with `prefix`, in byte order of their UTF-8. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject>
  /**
   * What time it is by the clock that `lastModified` is of, whatever the clock here says; S3 knows whole seconds only. No other
   * right is needed than to read.
   */
  clock(options?: ClockOptions): Promise<Date>
  /** Gives up connections and files; the store is not used after. */
  close(): Promise<void>
}

export type StoreErrorCode =
  /** The credentials may not do this (S3: 401, 403). */
  | 'ACCESS_DENIED'
  /** The bucket or directory itself is not there. */
  | 'NO_SUCH_STORE'
  /** Nothing says which AWS region is meant. */
  | 'NO_REGION'
  /** What says where the store is is no URL. */
  | 'BAD_ENDPOINT'
  /** A key that the store cannot hold: empty, absolute, with `.` or `..` segments, too long (see key.ts). */
  | 'BAD_KEY'
  /** The bytes that were sent do not have the digest that was promised. */
  | 'BAD_DIGEST'
  /** The store cannot do what the condition asks (S3: 501 and the like). */
  | 'UNSUPPORTED'
  /** The store could not be reached, or answered 5xx or a time-out after all retries; trying later may help. */
  | 'UNAVAILABLE'
  /** Anything else, with the cause. */
  | 'FAILED'

/** A fault of a store: what was tried, on which key, and what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  readonly store: string
  readonly key: string | undefined

  constructor(
    code: StoreErrorCode,
    message: string,
    subject: { store: string; key?: string | undefined },
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
    this.store = subject.store
    this.key = subject.key
  }
}
