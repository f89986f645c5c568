/**
 * Packages that an older generation lists and that a client no longer gets as it lists them: gone from the bucket since, or replaced.
 */
import type { ListedObject } from '@repokeeper/object-store'
import { decodedPathOf, type ListedPackage, pathOf } from '@repokeeper/repodata'
import { compareOne } from './audit-packages.ts'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { digestOf } from './object-digest.ts'

export interface LostPackage {
  /** Relative to the repository's root. */
  readonly path: string
  /** `perhaps replaced`: stored anew since, with as many bytes, and the store does not say whether with the same. */
  readonly fate: 'gone' | 'replaced' | 'perhaps replaced'
}

/** So many are named; the rest are counted. */
const namedMax = 5
const verbs = { gone: 'is gone', replaced: 'was replaced', 'perhaps replaced': 'may have been replaced' } as const

/** For people: `a.rpm is gone, b.rpm was replaced, and 12 more`. */
export function describeLostPackages(lost: readonly LostPackage[]): string {
  const named = lost.slice(0, namedMax).map(({ path, fate }) => `${path} ${verbs[fate]}`)
  const more = lost.length > namedMax ? [`and ${lost.length - namedMax} more`] : []
  return [...named, ...more].join(', ')
}

export interface LostPackagesOptions {
  /** Each is read through, and its digest taken. */
  readonly deep?: boolean
}

/**
 * @param objects of the bucket, by key, as a listing has them
 * @returns by path. Packages at another place than below the root (`xml:base`) are none of the bucket's: see `withoutOwnBase`
 * @throws StoreError
 */
export async function findLostPackages(
  location: RepositoryLocation,
  packages: readonly ListedPackage[],
  objects: ReadonlyMap<string, ListedObject>,
  context: Pick<RepositoryContext, 'signal' | 'packageReadsMax'>,
  { deep = false }: LostPackagesOptions = {},
): Promise<LostPackage[]> {
  const looked = await inParallel(packages, context.packageReadsMax, async (listed): Promise<LostPackage[]> => {
    const path = pathOf(listed)
    if (path === undefined) return []
    const [object] = placesOf(listed).flatMap((place) => objects.get(`${location.root}${place}`) ?? [])
    if (object === undefined) return [{ path, fate: 'gone' }]
    const fate = await fateOf(location, listed, object, context, deep)
    return fate === undefined ? [] : [{ path, fate }]
  })
  return looked.flat().toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

/** Paths below the root at which a client may find it: other tools encode the path of an entry as in a URL. */
export function placesOf(listed: ListedPackage): string[] {
  return [pathOf(listed), decodedPathOf(listed)].filter((path) => path !== undefined)
}

async function fateOf(
  location: RepositoryLocation,
  listed: ListedPackage,
  object: ListedObject,
  context: Pick<RepositoryContext, 'signal'>,
  deep: boolean,
): Promise<LostPackage['fate'] | undefined> {
  if (listed.size !== undefined && listed.size !== object.size) return 'replaced'
  if (deep) {
    const digest = await digestOf(location, object, listed.checksumType, context)
    return digest === undefined || digest === listed.pkgid ? undefined : 'replaced'
  }
  if (compareOne(object, [listed]) === undefined) return undefined
  // Stored anew: the same once more, or another of the same size.
  const head = await location.store.head(object.key, withSignal(context))
  if (head === undefined) return 'gone'
  if (head.sha256 === undefined || listed.checksumType !== 'sha256') return 'perhaps replaced'
  return head.sha256 === listed.pkgid ? undefined : 'replaced'
}
