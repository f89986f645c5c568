import { StoreError } from '@repokeeper/object-store'
import { RepositoryError } from '@repokeeper/repository'

/** What is out: the store; this machine's disk, which is full, gone or read-only; or what signs, which fails, is over, or was not given. */
export type Outage = 'store' | 'disk' | 'signing'

/**
 * What is out by a fault that says nothing of the messages: to deliver them again, here or elsewhere, would only spend their deliveries, until good
 * ones end in the dead-letter queue. `undefined`: it is no such fault.
 */
export function outageOf(error: unknown): Outage | undefined {
  if (error instanceof StoreError) return error.code === 'UNAVAILABLE' ? 'store' : undefined
  if (error instanceof RepositoryError) return error.code === 'SIGNED' ? 'signing' : undefined
  if (!(error instanceof Error)) return undefined
  // By its name: what signs is loaded only by who signs.
  if (error.name === 'SigningError') return 'signing'
  // Node's system errors: ENOSPC, EROFS, EACCES, EMFILE, ENOENT, EIO …
  return 'syscall' in error && 'code' in error ? 'disk' : undefined
}
