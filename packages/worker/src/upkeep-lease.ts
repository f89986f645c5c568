import type { ObjectStore } from '@repokeeper/object-store'
import type { LeaseOutcome, RepositoryRoot } from '@repokeeper/repository'
import type { WorkerEvents } from './events.ts'
import type { ReconcileContext } from './reconcile.ts'
import type { UpkeepJob } from './upkeep.ts'

/**
 * Does work on a repository while no other worker does any.
 * @throws what the work throws, and where it cannot be told whether others are at it
 */
export type HoldLease = <T>(
  location: { readonly store: ObjectStore; readonly root: RepositoryRoot },
  job: UpkeepJob['name'],
  context: ReconcileContext,
  work: (signal: AbortSignal) => Promise<T>,
) => Promise<LeaseOutcome<T>>

export interface LeasedJobOptions {
  readonly holdLease: HoldLease
  readonly singleWriter: boolean
  readonly openBucket: (bucket: string) => ObjectStore
  readonly events: WorkerEvents
}

/** The job, of one repository by one worker at a time. */
export function leasedJob(
  job: UpkeepJob,
  { holdLease, singleWriter, openBucket, events }: LeasedJobOptions,
): UpkeepJob {
  return {
    ...job,
    async run(place, signal) {
      const { bucket, root } = place
      const onEvent: ReconcileContext['onEvent'] = (event) => events.emit('repository', { ...event, bucket, root })
      const context = { signal, singleWriter, onEvent }
      const outcome = await holdLease({ store: openBucket(bucket), root }, job.name, context, (heeded) =>
        job.run(place, heeded),
      )
      if (outcome.kind === 'done') return outcome.value
      events.emit('left-to-others', { job: job.name, bucket, root, theirs: outcome.job })
      return 'left to others'
    },
  }
}
