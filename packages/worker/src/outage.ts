import { StoreError } from '@repokeeper/object-store'
import { RepositoryError } from '@repokeeper/repository'

/**
 * Whether a fault says nothing of the messages: the store is out, this machine's disk is full, gone or read-only, or what signs does not (a key
 * that is over, a program that fails, no key at all for a repository that is signed). Delivering the messages
 * again, here or elsewhere, would only spend their deliveries, until good ones end in the dead-letter queue.
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === 'UNAVAILABLE'
  if (error instanceof RepositoryError) return error.code === 'SIGNED'
  // By its name: what signs is loaded only by who signs.
  if (error instanceof Error && error.name === 'SigningError') return true
  // Node's system errors: ENOSPC, EROFS, EACCES, EMFILE, ENOENT, EIO …
  return error instanceof Error && 'syscall' in error && 'code' in error
}
