import type { ObjectStore } from '@repokeeper/object-store'
import type { RepositoryRoot } from '@repokeeper/repository'
import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'
import type { UpkeepJob } from './upkeep.ts'

/**
 * Deletes superseded documents that nothing has named for longer than the retention.
 * @throws where it cannot be told what is named: then nothing is deleted.
 */
export type CollectGarbage = (
  location: { readonly store: ObjectStore; readonly root: RepositoryRoot },
  options: { readonly retentionMs: number; readonly keepGenerations: number; readonly signal: AbortSignal },
) => Promise<{ readonly delete: readonly { readonly size: number }[] }>

export interface CleanUpJobOptions {
  readonly collectGarbage: CollectGarbage
  readonly intervalMs: number
  readonly retentionMs: number
  readonly keepGenerations: number
  readonly openBucket: (bucket: string) => ObjectStore
  readonly clock: Clock
  readonly events: WorkerEvents
}

export function cleanUpJob(options: CleanUpJobOptions): UpkeepJob {
  const { collectGarbage, intervalMs, retentionMs, keepGenerations, openBucket, clock, events } = options
  return {
    name: 'clean-up',
    intervalMs,
    async run({ bucket, root }, signal) {
      const startedAt = clock.now()
      const deleted = await collectGarbage(
        { store: openBucket(bucket), root },
        { retentionMs, keepGenerations, signal },
      )
      const bytes = deleted.delete.reduce((sum, { size }) => sum + size, 0)
      const objects = deleted.delete.length
      events.emit('cleaned-up', { bucket, root, objects, bytes, durationMs: clock.now() - startedAt })
      return 'done'
    },
  }
}
