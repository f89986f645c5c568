/**
 * Follows the source: an update again and again, until somebody says it is enough.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Replica, ReplicaUpdate } from './replica.ts'
import { TransferError } from './transfer-error.ts'

export interface FollowOptions {
  /** From the end of one look to the begin of the next. A source that has not moved costs one request. */
  readonly everyMs: number
  readonly onUpdate: (update: ReplicaUpdate) => void | Promise<void>
  /** It is tried again after `retryMs`. */
  readonly onFailure: (error: unknown, retryMs: number) => void
  readonly random: () => number
  readonly signal: AbortSignal
}

const retryMsMax = 60_000

/**
 * Resolves once the signal is aborted.
 * @throws TransferError `NOT_A_REPLICA`, which no waiting mends
 */
export async function followSource(
  replica: Pick<Replica, 'update'>,
  { everyMs, onUpdate, onFailure, random, signal }: FollowOptions,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    let waitMs = everyMs
    try {
      await onUpdate(await replica.update())
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof TransferError && error.code === 'NOT_A_REPLICA') throw error
      failures += 1
      waitMs = Math.min(retryMsMax, everyMs * 2 ** Math.min(failures - 1, 10))
      onFailure(error, waitMs)
    }
    // A tenth more or less, so that many replicas do not ask all at once.
    await delay(waitMs * (0.9 + random() / 5), undefined, { signal }).catch(() => {})
  }
}
