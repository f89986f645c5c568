import type { ObjectStore } from '@repokeeper/object-store'
import { placeId, type RepositoryRoot } from '@repokeeper/repository'
import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'
import type { ReconcileContext } from './reconcile.ts'
import type { UpkeepJob } from './upkeep.ts'

/**
 * Writes the pages of a repository that are not there as they should be; `undefined` where nothing is published.
 * @throws where the metadata cannot be read, or the pages not be written: then it is to be tried again.
 */
export type WriteSite = (
  location: { readonly store: ObjectStore; readonly root: RepositoryRoot },
  context: ReconcileContext,
) => Promise<{ readonly files: number; readonly written: number; readonly deleted: number } | undefined>

export interface SiteJobOptions {
  readonly writeSite: WriteSite
  readonly singleWriter: boolean
  readonly openBucket: (bucket: string) => ObjectStore
  readonly clock: Clock
  readonly events: WorkerEvents
}

/** The pages are listed and their record is read for it: once for all publishes of a minute. */
const intervalMs = 60_000

/** After each publish of this worker, and once at its start: the publisher before it may have been killed before it came to this. */
export function siteJob({ writeSite, singleWriter, openBucket, clock, events }: SiteJobOptions): UpkeepJob {
  const written = new Set<string>()
  return {
    name: 'site',
    intervalMs,
    isDue: (place) => !written.has(placeId(place)),
    published: (place) => void written.delete(placeId(place)),
    async run(place, signal) {
      const { bucket, root } = place
      const startedAt = clock.now()
      // What is published from here on is due again.
      written.add(placeId(place))
      try {
        const onEvent: ReconcileContext['onEvent'] = (event) => events.emit('repository', { ...event, bucket, root })
        const report = await writeSite({ store: openBucket(bucket), root }, { signal, singleWriter, onEvent })
        if (report === undefined) return 'done'
        const { files, written, deleted } = report
        events.emit('site-written', { bucket, root, files, written, deleted, durationMs: clock.now() - startedAt })
        return 'done'
      } catch (error) {
        written.delete(placeId(place))
        throw error
      }
    },
  }
}
