/**
 * How what was stored comes into the metadata: who writes asks here, and need not know whether this process publishes, or a worker
 * elsewhere.
 */
export type Published =
  | { readonly kind: 'published' }
  /** It lies in the store, and is not listed. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Not yet. It goes on. */
  | { readonly kind: 'later'; readonly reason: string }

export interface Change {
  readonly key: string
  /** Of the package that lies there now; `undefined`: none does. */
  readonly sha256: string | undefined
}

export interface Publication {
  /**
   * Tells of a change that has taken effect.
   *
   * @returns what resolves once the metadata says so. It never rejects; when the signal is aborted it is `later`.
   */
  changed(change: Change): { wait(signal: AbortSignal): Promise<Published> }
}
