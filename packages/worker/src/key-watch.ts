import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'
import { expiringSoon, type WatchedKey } from './key-expiry.ts'

export interface KeyWatchOptions {
  readonly keys: () => readonly WatchedKey[]
  readonly clock: Clock
  /** The time of day. */
  readonly date: () => Date
}

/** A log is looked at now and then: what was said at a start some weeks ago nobody sees. */
const saidEveryMs = 86_400_000

/** Says which keys are over soon: at once, and every day. Gives what ends that. */
export function watchKeys(events: WorkerEvents, { keys, clock, date }: KeyWatchOptions): () => void {
  let cancel = () => {}
  const tell = (): void => {
    const now = date()
    for (const key of expiringSoon(keys(), now)) events.emit('key-expires', { ...key, now })
    cancel = clock.after(saidEveryMs, tell)
  }
  tell()
  return () => cancel()
}
