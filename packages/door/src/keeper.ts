/**
 * Keeps the repositories of a store published: what changes, what was missed, and what is to be done now and then.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectStore } from '@repokeeper/object-store'
import type { BatchWindows, RepositoryContext, RootPattern } from '@repokeeper/repository'
import { ChangePublisher } from './change-publisher.ts'
import type { Clock } from './clock.ts'
import { PackagePlaces } from './package-places.ts'
import type { Publication } from './publication.ts'
import type { PublisherEvent } from './publisher-event.ts'
import { SettledFiles } from './settled-files.ts'
import { surveyAll } from './survey-all.ts'
import { Upkeep, type UpkeepSettings } from './upkeep.ts'
import { type WatchedFolder, watchFolder } from './watch-folder.ts'

export interface KeeperOptions extends UpkeepSettings {
  readonly store: ObjectStore
  /** The part of the store that is kept: empty, or with its slash at the end. */
  readonly prefix: string
  readonly patterns: readonly RootPattern[]
  /** Of a store that is a folder of this machine: whatever changes in it is published. */
  readonly folder?: { readonly directory: string; readonly pollMs?: number | undefined }
  readonly context: (signal: AbortSignal) => RepositoryContext
  readonly clock: Clock
  readonly windows?: BatchWindows
  readonly onEvent: (event: PublisherEvent) => void
}

export class Keeper {
  readonly publication: Publication
  readonly #publisher: ChangePublisher
  readonly #files: SettledFiles
  readonly #upkeep: Upkeep
  readonly #stopping = new AbortController()
  #watched: WatchedFolder | undefined
  #surveyed: Promise<void> = Promise.resolve()

  private constructor(options: KeeperOptions) {
    const { context, clock, onEvent } = options
    const places = new PackagePlaces({ ...options, now: () => clock.now() })
    this.#publisher = new ChangePublisher({ ...options, places })
    this.publication = this.#publisher
    this.#files = new SettledFiles({
      look: (key) => stateOf(options, key),
      clock,
      onSettled: (keys) => {
        for (const key of keys) this.#publisher.changed({ key })
      },
      onFault: (key, error) => onEvent({ kind: 'not placed', key, error }),
    })
    this.#upkeep = new Upkeep({ ...options, publisher: this.#publisher, context })
  }

  /** Resolves when every change from now on is heard of; what was missed before is looked for meanwhile. @throws DoorError */
  static async open(options: KeeperOptions): Promise<Keeper> {
    const { folder, onEvent } = options
    const keeper = new Keeper(options)
    if (folder !== undefined) {
      keeper.#watched = await watchFolder({
        ...folder,
        onChange: (key) => keeper.#files.touch(key),
        onError: (error) => onEvent({ kind: 'watch failed', error }),
      })
    }
    // Only now: what comes between a survey and the watch would be missed by both.
    keeper.#surveyed = keeper.#survey(options)
    keeper.#upkeep.start()
    return keeper
  }

  /** What is being published may end; what has not begun, the next start finds. */
  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#watched?.close()
    this.#files.close()
    await this.#surveyed
    await this.#upkeep.stop()
    await this.#publisher.close()
  }

  /** Never rejects. */
  async #survey(options: KeeperOptions): Promise<void> {
    const { signal } = this.#stopping
    const { store, prefix, onEvent, clock, context } = options
    try {
      await surveyAll({
        ...{ store, prefix, context: context(signal) },
        places: new PackagePlaces({ ...options, now: () => clock.now() }),
        onRoot: (root) => this.#publisher.know(root),
        onDifference: (key) => this.#files.touch(key),
      })
    } catch (error) {
      if (!signal.aborted) onEvent({ kind: 'survey failed', error })
    }
  }
}

/** Cheaper than to open it: of thousands each is looked at twice. */
async function stateOf({ store, folder }: KeeperOptions, key: string): Promise<string | undefined> {
  if (folder === undefined) return (await store.head(key))?.etag
  const found = await stat(join(folder.directory, key), { bigint: true }).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  })
  return found && `${found.ino}-${found.size}-${found.mtimeNs}`
}
