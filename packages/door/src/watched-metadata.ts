/**
 * Publication by others: workers hear of the change from the bucket. Here it is only looked whether they have.
 */
import { type ObjectStore, StoreError } from '@repokeeper/object-store'
import { type RepositoryContext, RepositoryError, readListedAt } from '@repokeeper/repository'
import type { PackagePlaces } from './package-places.ts'
import type { Change, Publication, Published } from './publication.ts'

export interface WatchedMetadataOptions {
  readonly store: ObjectStore
  readonly places: PackagePlaces
  readonly context: (signal: AbortSignal) => RepositoryContext
}

/** Between two looks: soon at first, since a worker takes seconds. A look costs one conditional request. */
const pause = { firstMs: 250, longestMs: 2_000 } as const

export class WatchedMetadata implements Publication {
  readonly #options: WatchedMetadataOptions

  constructor(options: WatchedMetadataOptions) {
    this.#options = options
  }

  changed(change: Change): { wait(signal: AbortSignal): Promise<Published> } {
    return { wait: (signal) => this.#wait(change, signal) }
  }

  async #wait({ key, sha256 }: Change, signal: AbortSignal): Promise<Published> {
    const context = this.#options.context(signal)
    let reason = 'nobody has published it so far: it takes a worker of this bucket, or a gateway with --publish'
    for (let pauseMs: number = pause.firstMs; ; pauseMs = Math.min(pauseMs * 1.5, pause.longestMs)) {
      try {
        if ((await this.#listed(key, context)) === sha256) return { kind: 'published' }
        await context.sleep(pauseMs, signal)
      } catch (error) {
        if (signal.aborted) return { kind: 'later', reason }
        // What another look may not meet: a server that is busy, metadata that is being replaced.
        if (!(error instanceof StoreError) && !(error instanceof RepositoryError)) throw error
        reason = 'the metadata cannot be read just now'
        await context.sleep(pauseMs, signal).catch(() => {})
      }
    }
  }

  /** The digest of what is listed there, if anything is. */
  async #listed(key: string, context: RepositoryContext): Promise<string | undefined> {
    const { store, places } = this.#options
    const root = await places.rootOf(key, context.signal)
    if (root === undefined) return undefined
    const path = key.slice(root.length)
    const { listed } = await readListedAt({ store, root }, [path], context)
    return listed.get(path)?.[0]?.pkgid
  }
}
