/**
 * The packages of the generations that a person keeps: those of snapshots, and that to which the mirrorlist is pinned.
 *
 * Others are kept for a while, too, for clients that have their repomd.xml still. But each of them lists what is listed now: what could not be
 * pruned for their sake could never be.
 */
import type { ChecksumType, ListedPackage } from '@repokeeper/repodata'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { type GenerationHolders, keptGenerations, readGenerationHolders } from './generation-holders.ts'
import { readKeptListing } from './kept-listing.ts'
import { placesOf } from './lost-packages.ts'
import type { GenerationId } from './mirrorlist.ts'

/** A package that may go. */
export interface PlacedPackage {
  /** Below the repository's root: that of its object. */
  readonly path: string
  readonly checksumType: ChecksumType
  /** The digest of the file. */
  readonly pkgid: string
}

/** Path → who keeps the package that is there, for people: `snapshot 2026-11`, `pinned generation ID`. */
export type HeldPaths = ReadonlyMap<string, readonly string[]>

/** Some of those that were to go, as they are held just now. */
export interface DeletionBatch<Going> {
  readonly free: readonly Going[]
  /** Somebody has come to keep them. */
  readonly held: readonly { readonly path: string; readonly keptBy: readonly string[] }[]
}

/** So many are deleted between two looks: some seconds' work, and a look is a request for each snapshot. */
const batchMax = 100

/** Which of some packages are held. It can be asked again: a generation never changes, and each is read once. */
export class HeldPackages {
  readonly #location: RepositoryLocation
  readonly #packages: ReadonlyMap<string, PlacedPackage>
  readonly #context: RepositoryContext
  /** Paths of those of them that it lists. */
  readonly #pathsIn = new Map<GenerationId, ReadonlySet<string>>()

  constructor(location: RepositoryLocation, packages: readonly PlacedPackage[], context: RepositoryContext) {
    this.#location = location
    this.#packages = new Map(packages.map((one) => [one.path, one]))
    this.#context = context
  }

  /** @throws RepositoryError where it cannot be told what a kept generation lists. StoreError */
  look(): Promise<HeldPaths> {
    return this.#lookAt([...this.#packages.keys()])
  }

  /**
   * Looks before each batch: who deletes is done with one before the next is asked for. A snapshot that is taken meanwhile loses no more than what
   * of one batch goes after it.
   *
   * @param going of the packages that are looked at
   * @throws like `look`
   */
  async *batchesOf<Going extends { readonly path: string }>(
    going: readonly Going[],
  ): AsyncGenerator<DeletionBatch<Going>> {
    for (let start = 0; start < going.length; start += batchMax) {
      const batch = going.slice(start, start + batchMax)
      const held = await this.#lookAt(batch.map(({ path }) => path))
      yield {
        free: batch.filter(({ path }) => !held.has(path)),
        held: batch.flatMap(({ path }) => {
          const keptBy = held.get(path)
          return keptBy === undefined ? [] : [{ path, keptBy }]
        }),
      }
    }
  }

  async #lookAt(paths: readonly string[]): Promise<HeldPaths> {
    const held = new Map<string, string[]>()
    const holders = await readGenerationHolders(this.#location, this.#context)
    // One after the other: each is held in memory as a whole.
    for (const { id, keptBy } of keptGenerations(holders)) {
      const listed = this.#pathsIn.get(id) ?? (await this.#readPaths(id, holders))
      this.#pathsIn.set(id, listed)
      for (const path of paths) {
        if (!listed.has(path)) continue
        const keepers = held.get(path)
        if (keepers === undefined) held.set(path, [...keptBy])
        else keepers.push(...keptBy)
      }
    }
    return held
  }

  async #readPaths(id: GenerationId, holders: GenerationHolders): Promise<ReadonlySet<string>> {
    const paths = new Set<string>()
    for (const listed of await readKeptListing(this.#location, id, holders, this.#context)) {
      for (const path of placesOf(listed)) {
        const there = this.#packages.get(path)
        if (there !== undefined && isAsListed(there, listed)) paths.add(path)
      }
    }
    return paths
  }
}

/** What was replaced since is another package. Digests of two kinds tell nothing: then it is taken for the same. */
function isAsListed(there: PlacedPackage, listed: ListedPackage): boolean {
  return there.checksumType !== listed.checksumType || there.pkgid === listed.pkgid
}
