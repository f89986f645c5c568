import { StoreError } from '@repokeeper/object-store'

/**
 * Whether a fault says nothing of the messages: the store is out, or this machine's disk is full, gone or read-only. Delivering the messages
 * again, here or elsewhere, would only spend their deliveries, until good ones end in the dead-letter queue.
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === 'UNAVAILABLE'
  // Node's system errors: ENOSPC, EROFS, EACCES, EMFILE, ENOENT, EIO …
  return error instanceof Error && 'syscall' in error && 'code' in error
}
