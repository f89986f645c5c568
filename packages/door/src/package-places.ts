/**
 * Which repository a package of a store belongs to.
 */
import type { ObjectStore } from '@repokeeper/object-store'
import { passOverKey, placeByPatterns, type RepositoryRoot, RootFinder, type RootPattern } from '@repokeeper/repository'

export interface PackagePlacesOptions {
  readonly store: Pick<ObjectStore, 'head'>
  /** The part of the store that is looked at: empty, or with its slash at the end. */
  readonly prefix: string
  /** Repositories by name or pattern. Empty: the nearest directory with metadata above a package, else its own. */
  readonly patterns: readonly RootPattern[]
  /** Milliseconds, of any clock that doesn't run backwards. */
  readonly now: () => number
}

export class PackagePlaces {
  readonly #options: PackagePlacesOptions
  readonly #finder: RootFinder

  constructor(options: PackagePlacesOptions) {
    this.#options = options
    this.#finder = new RootFinder(options)
  }

  /** @returns `undefined` where the key is no package of any repository here @throws StoreError */
  async rootOf(key: string, signal?: AbortSignal): Promise<RepositoryRoot | undefined> {
    const { prefix, patterns } = this.#options
    if (!key.startsWith(prefix)) return undefined
    const place =
      patterns.length > 0 ? placeByPatterns(key, patterns) : await this.#finder.find(key, signal && { signal })
    return place.kind === 'package' ? place.root : undefined
  }
}

/**
 * Whether something of this name may be a package, and is no file on its way: rsync writes `.x.rpm.Ab3xYz`, or into `.~tmp~/` and
 * `.rsync-partial/`; others write `x.rpm.part`.
 */
export function isFinished(path: string): boolean {
  return passOverKey(path) === undefined && !path.split('/').some((segment) => segment.startsWith('.'))
}
