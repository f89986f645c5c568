/**
 * The packages of the generations that a person keeps, snapshots and what the mirrorlist is pinned to, beside what the bucket holds now.
 */
import type { ListedObject } from '@repokeeper/object-store'
import { count, type ListedPackage, type PackageIndex, pathOf } from '@repokeeper/repodata'
import { generationFinding } from './audit-finding.ts'
import type { Suspect } from './audit-generation.ts'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { generationLocation } from './generation-directory.ts'
import { type KeptGeneration, keptGenerations, readGenerationHolders } from './generation-holders.ts'
import { inParallel } from './in-parallel.ts'
import { describeLostPackages, findLostPackages, type LostPackage, placesOf } from './lost-packages.ts'
import type { GenerationId } from './mirrorlist.ts'
import { withoutOwnBase } from './own-base.ts'
import { RepositoryError } from './repository-error.ts'
import { readIndexedSnapshot } from './snapshot.ts'

export interface KeptPackages extends KeptGeneration {
  /** What it lists, without what is listed now as well: whether that is there is looked at anyway. */
  readonly packages: readonly ListedPackage[]
  /** Why its metadata cannot be read; `packages` is empty then. */
  readonly fault: string | undefined
}

/** @param index of what is listed now; `undefined` where that cannot be read. @throws StoreError */
export async function readKeptPackages(
  location: RepositoryLocation,
  index: PackageIndex | undefined,
  context: RepositoryContext,
): Promise<KeptPackages[]> {
  const holders = await readGenerationHolders(location, context, () => {})
  const all: KeptPackages[] = []
  // One after the other: each is held in memory as a whole.
  for (const kept of keptGenerations(holders)) {
    all.push({ ...kept, ...(await readOne(location, kept.id, index, context)) })
  }
  return all
}

async function readOne(
  location: RepositoryLocation,
  id: GenerationId,
  index: PackageIndex | undefined,
  context: RepositoryContext,
): Promise<Pick<KeptPackages, 'packages' | 'fault'>> {
  const isListedNow = (one: ListedPackage): boolean =>
    index?.at(pathOf(one) ?? '').some(({ pkgid }) => pkgid === one.pkgid) === true
  try {
    const { index: then } = await readIndexedSnapshot(generationLocation(location, id), context)
    const packages = await withoutOwnBase(location, then.packages, context)
    return { packages: packages.filter((one) => !isListedNow(one)), fault: undefined }
  } catch (error) {
    if (!(error instanceof RepositoryError)) throw error
    return { packages: [], fault: error.cause instanceof Error ? error.cause.message : error.message }
  }
}

/** Keys of the objects that `checkKeptPackages` has to know of. */
export function keptKeysOf({ root }: RepositoryLocation, kept: readonly KeptPackages[]): string[] {
  return kept.flatMap(({ packages }) => packages.flatMap(placesOf)).map((path) => `${root}${path}`)
}

/**
 * @param objects of the bucket, by key, as a listing has them
 * @throws StoreError
 */
export async function checkKeptPackages(
  location: RepositoryLocation,
  kept: readonly KeptPackages[],
  objects: ReadonlyMap<string, ListedObject>,
  context: RepositoryContext,
  { deep }: { readonly deep: boolean },
): Promise<Suspect[]> {
  const suspects: Suspect[] = []
  // One look for all.
  let again: Promise<ReadonlySet<GenerationId>> | undefined
  for (const { id, keptBy, packages } of kept) {
    const lost = await findLostPackages(location, packages, objects, context, { deep })
    if (lost.length === 0) continue
    const paths = new Set(lost.map(({ path }) => path))
    const suspected = packages.filter((one) => paths.has(pathOf(one) ?? ''))
    suspects.push({
      finding: generationFinding('lost-packages', `generations/${id}/`, describeLost(lost, keptBy), 'by-hand'),
      async holds() {
        again ??= readKeptIds(location, context)
        if (!(await again).has(id)) return false
        const there = await lookAt(location, suspected, context)
        return (await findLostPackages(location, suspected, there, context, { deep })).length > 0
      },
    })
  }
  return suspects
}

async function readKeptIds(
  location: RepositoryLocation,
  context: RepositoryContext,
): Promise<ReadonlySet<GenerationId>> {
  const holders = await readGenerationHolders(location, context, () => {})
  return new Set(keptGenerations(holders).map(({ id }) => id))
}

function describeLost(lost: readonly LostPackage[], keptBy: readonly string[]): string {
  const what = count(lost.length, 'package that it lists is', 'packages that it lists are')
  const whom = lost.length === 1 ? 'it' : 'them'
  return `${what} not there as listed (${describeLostPackages(lost)}): clients of ${keptBy.join(' and ')} fail on ${whom}`
}

async function lookAt(
  { store, root }: RepositoryLocation,
  packages: readonly ListedPackage[],
  context: RepositoryContext,
): Promise<ReadonlyMap<string, ListedObject>> {
  const keys = packages.flatMap(placesOf).map((path) => `${root}${path}`)
  const heads = await inParallel(keys, context.packageReadsMax, (key) => store.head(key, withSignal(context)))
  return new Map(heads.flatMap((head) => (head === undefined ? [] : [[head.key, head]])))
}
