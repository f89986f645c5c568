import type { ObjectStore } from '@repokeeper/object-store'
import type { RepositoryPlace, RepositoryRoot } from '@repokeeper/repository'
import type { WorkerEvents } from './events.ts'
import type { ReconcileContext } from './reconcile.ts'
import type { UpkeepJob } from './upkeep.ts'

/**
 * Looks again in the stead of publishers that were killed between their swap and their last look. Gives the keys that were looked at.
 * @throws where it could not be done: then nothing is forgotten.
 */
export type KeepPledges = (
  location: { readonly store: ObjectStore; readonly root: RepositoryRoot },
  context: ReconcileContext,
) => Promise<readonly string[]>

export interface SecondLookJobOptions {
  readonly keepPledges: KeepPledges
  readonly singleWriter: boolean
  /** The store of a bucket of which it is known that it honours conditions. */
  readonly openForPublish: (place: RepositoryPlace) => Promise<ObjectStore>
  readonly events: WorkerEvents
}

/** One listing of a prefix under which there is nothing, mostly. */
const intervalMs = 60_000
/** Who starts may come after one that was killed: what that one left needn't wait for an interval more. */
const firstWithinMs = 5_000

export function secondLookJob({ keepPledges, singleWriter, openForPublish, events }: SecondLookJobOptions): UpkeepJob {
  return {
    name: 'second look',
    intervalMs,
    firstWithinMs,
    async run({ bucket, root }, signal) {
      const store = await openForPublish({ bucket, root })
      const onEvent: ReconcileContext['onEvent'] = (event) => events.emit('repository', { ...event, bucket, root })
      const context = { signal, singleWriter, onEvent }
      const keys = await keepPledges({ store, root }, context)
      if (keys.length > 0) events.emit('looked-again', { bucket, root, keys: keys.length })
      return 'done'
    },
  }
}
