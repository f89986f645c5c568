import type { ETag, ObjectStore } from '@repokeeper/object-store'
import { placeId, type RepositoryRoot, repomdKey } from '@repokeeper/repository'
import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'
import type { ReconcileContext } from './reconcile.ts'
import type { UpkeepJob } from './upkeep.ts'

/**
 * Writes the pages of a repository that are not there as they should be, and says of which generation they are: the ETag of its repomd.xml.
 * `undefined` where nothing is published.
 * @throws where the metadata cannot be read, or the pages not be written: then it is to be tried again.
 */
export type WriteSite = (
  location: { readonly store: ObjectStore; readonly root: RepositoryRoot },
  context: ReconcileContext,
) => Promise<
  { readonly generation: ETag; readonly files: number; readonly written: number; readonly deleted: number } | undefined
>

export interface SiteJobOptions {
  readonly writeSite: WriteSite
  readonly singleWriter: boolean
  readonly openBucket: (bucket: string) => ObjectStore
  readonly clock: Clock
  readonly events: WorkerEvents
}

/** A look is one request; the pages are listed and their record is read once for all publishes of a minute. */
const intervalMs = 60_000
/** Of more repositories the one whose pages were written longest ago is forgotten: they are looked through once more then. */
const placesMax = 10_000

/**
 * Whenever another generation is published than the pages were made of, whoever has published it: this worker, one that was killed right
 * after, or a person. And once at its start, when nobody can tell of which generation they are.
 */
export function siteJob({ writeSite, singleWriter, openBucket, clock, events }: SiteJobOptions): UpkeepJob {
  const madeOf = new Map<string, ETag | undefined>()
  return {
    name: 'site',
    intervalMs,
    async isDue(place, signal) {
      const id = placeId(place)
      if (!madeOf.has(id)) return true
      const published = await openBucket(place.bucket).head(repomdKey(place.root), { signal })
      return published?.etag !== madeOf.get(id)
    },
    // Then nobody need look; and what was seen before this worker had signed it is seen once more.
    published: (place) => void madeOf.delete(placeId(place)),
    async run(place, signal) {
      const { bucket, root } = place
      const id = placeId(place)
      const startedAt = clock.now()
      madeOf.delete(id)
      madeOf.set(id, undefined)
      for (const oldest of madeOf.keys()) {
        if (madeOf.size <= placesMax) break
        madeOf.delete(oldest)
      }
      try {
        const onEvent: ReconcileContext['onEvent'] = (event) => events.emit('repository', { ...event, bucket, root })
        const report = await writeSite({ store: openBucket(bucket), root }, { signal, singleWriter, onEvent })
        // What this worker has published meanwhile is due again.
        if (madeOf.has(id)) madeOf.set(id, report?.generation)
        if (report === undefined) return 'done'
        const { files, written, deleted } = report
        events.emit('site-written', { bucket, root, files, written, deleted, durationMs: clock.now() - startedAt })
        return 'done'
      } catch (error) {
        madeOf.delete(id)
        throw error
      }
    },
  }
}
