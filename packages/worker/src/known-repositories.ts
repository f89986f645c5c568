import { parseRepositoryRoot, placeId, type RepositoryPlace, type RootPattern } from '@repokeeper/repository'
import type { WorkerEventMap, WorkerEvents } from './events.ts'
import type { Run } from './history.ts'
import { namedPlaces } from './named-places.ts'

/** What this worker knows of one repository. `null`: it has not looked, or not published. */
export interface KnownRepository extends RepositoryPlace {
  readonly packages: number | null
  readonly revision: string | null
  /** ISO 8601, UTC: by this worker, and the generation that is known. */
  readonly publishedAt: string | null
}

export interface KnownRepositoriesOptions {
  readonly date: () => Date
  /** Its runs of before tell which repositories there are. */
  readonly history: { runs(): readonly Pick<Run, 'repository'>[] }
  /** Roots by bucket; `undefined`: none are configured. */
  readonly roots: ReadonlyMap<string, readonly RootPattern[]> | undefined
}

/** Besides those given by name. Messages decide which there are; the one whose last publish is longest ago is forgotten first. */
const othersMax = 1_000

/** The repositories that this worker was given by name, and those that it has published or looked at, now or before it was started anew. */
export class KnownRepositories {
  readonly #options: KnownRepositoriesOptions
  /** By `placeId`; these are never forgotten. */
  readonly #named: ReadonlySet<string>
  /** The one that was published last at the end. */
  readonly #known = new Map<string, KnownRepository>()
  readonly close: () => void

  constructor(events: WorkerEvents, options: KnownRepositoriesOptions) {
    this.#options = options
    const { history, roots } = options
    const named = namedPlaces(roots)
    this.#named = new Set(named.map(placeId))
    for (const place of named) this.#know(place)
    for (const { repository } of history.runs().toReversed()) {
      const place = placeOf(repository)
      // It may have been started with other ones then.
      if (place !== undefined && isAmong(place, roots)) this.#know(place)
    }
    const handlers: { readonly [E in keyof WorkerEventMap]?: (event: WorkerEventMap[E]) => void } = {
      repository: (event) => this.#note(event),
    }
    this.close = events.subscribe((name, event) => handlers[name]?.(event))
  }

  /** The one that was published last first. */
  list(): readonly KnownRepository[] {
    return [...this.#known.values()].toReversed()
  }

  /** @param name `s3://bucket/root/`; the last slash may be left out */
  find(name: string): KnownRepository | undefined {
    const id = name.replace(/^s3:\/\//, '').replace(/\/?$/, '/')
    return name.startsWith('s3://') ? this.#known.get(id) : undefined
  }

  /** Somebody has looked at one that is known. */
  lookedAt(place: RepositoryPlace, seen: { readonly packages: number; readonly revision: string | undefined }): void {
    const { packages, revision = null } = seen
    const known = this.#known.get(placeId(place)) ?? unseen(place)
    const publishedAt = known.revision === revision ? known.publishedAt : null
    this.#known.set(placeId(place), { ...known, packages, revision, publishedAt })
  }

  #note(event: WorkerEventMap['repository']): void {
    const place = { bucket: event.bucket, root: parseRepositoryRoot(event.root) }
    if (event.kind === 'snapshot read') {
      this.#know(place, false)
      this.lookedAt(place, event)
    } else if (event.kind === 'published') {
      const { packages, revision } = event
      this.#know(place)
      this.#known.set(placeId(place), { ...place, packages, revision, publishedAt: this.#options.date().toISOString() })
    }
  }

  /** @param isNews whether it goes to the end of them */
  #know(place: RepositoryPlace, isNews = true): void {
    const id = placeId(place)
    const known = this.#known.get(id) ?? unseen(place)
    if (isNews) this.#known.delete(id)
    this.#known.set(id, known)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= this.#named.size + othersMax) break
      if (!this.#named.has(oldest)) this.#known.delete(oldest)
    }
  }
}

function unseen({ bucket, root }: RepositoryPlace): KnownRepository {
  return { bucket, root, packages: null, revision: null, publishedAt: null }
}

/** @returns `undefined` for what was written by something else */
function placeOf(repository: string): RepositoryPlace | undefined {
  const [, bucket, root] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(repository) ?? []
  if (bucket === undefined || root === undefined) return undefined
  try {
    return { bucket, root: parseRepositoryRoot(root) }
  } catch {
    return undefined
  }
}

function isAmong({ bucket, root }: RepositoryPlace, roots: KnownRepositoriesOptions['roots']): boolean {
  if (roots === undefined) return true
  const directories = root.split('/').slice(0, -1)
  return (roots.get(bucket) ?? []).some(
    ({ segments }) =>
      segments.length === directories.length &&
      segments.every((segment, index) => segment === '*' || segment === directories[index]),
  )
}
