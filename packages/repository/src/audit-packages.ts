/**
 * The packages of an audit: one listing of the bucket beside the index of primary, as it streams by.
 */
import type { ListedObject, ObjectHead } from '@repokeeper/object-store'
import { type ListedPackage, type PackageIndex, parseLocation, pathOf } from '@repokeeper/repodata'
import { packageFinding } from './audit-finding.ts'
import type { Suspect } from './audit-generation.ts'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { modifiedSeconds } from './package-reader.ts'
import { passOverKey } from './roots.ts'
import { liesInNested, nestedRootOf } from './survey.ts'

export interface PackageComparison {
  readonly suspects: readonly Suspect[]
  /** Packages in the bucket; those of repositories below are theirs. */
  readonly inBucket: number
  readonly passedOver: readonly { readonly path: string; readonly reason: string }[]
  /** By ordinal of the index: the path of the object that the entry stands for. */
  readonly places: readonly (string | undefined)[]
  /** What else was asked for and is there, by key. */
  readonly found: ReadonlyMap<string, ListedObject>
}

/**
 * Only what differs is kept: memory is that of the index.
 *
 * A listing tells size and time of an object, and a publish wrote both into its entry (`package@size`, `time@file`). What was
 * put under the same key later has another time. The digest is not in a listing.
 *
 * @param index `undefined`: there is nothing to compare with, and packages are only counted
 * @param wanted keys of what else is to be found on the way
 * @throws StoreError
 */
export async function comparePackages(
  location: RepositoryLocation,
  index: PackageIndex | undefined,
  wanted: ReadonlySet<string>,
  context: RepositoryContext,
): Promise<PackageComparison> {
  const { store, root } = location
  const places: (string | undefined)[] = new Array(index?.packages.length ?? 0)
  const found = new Map<string, ListedObject>()
  const passedOver: { path: string; reason: string }[] = []
  const nested = new Set<string>()
  const perDirectory = new Map<string, number>()
  const differing: Differing[] = []
  const perhapsEncoded: ListedObject[] = []
  const withPercent = new Set<string>()

  const compare = (object: ListedObject, listed: readonly ListedPackage[]): void => {
    const path = object.key.slice(root.length)
    for (const { ordinal } of listed) places[ordinal] = path
    const kind = compareOne(object, listed)
    if (kind !== undefined) differing.push({ kind, path, object, listed })
  }
  for await (const object of store.list(root, withSignal(context))) {
    const { key } = object
    if (wanted.has(key)) found.set(key, object)
    const below = nestedRootOf(key, root)
    if (below !== undefined) nested.add(below)
    const why = passOverKey(key)
    const path = key.slice(root.length)
    if (why === 'not safe as a location') passedOver.push({ path, reason: why })
    if (why !== undefined) continue
    const directory = key.slice(0, key.lastIndexOf('/') + 1)
    perDirectory.set(directory, (perDirectory.get(directory) ?? 0) + 1)
    if (index === undefined) continue
    if (path.includes('%')) withPercent.add(path)
    if (index.atDecoded(path).length > 0) perhapsEncoded.push(object)
    else compare(object, index.at(path))
  }
  // An encoded entry stands for the decoded path only where nothing lies at the path it spells: that is known by now.
  for (const object of perhapsEncoded) {
    const path = object.key.slice(root.length)
    const encoded = index?.atDecoded(path).filter((listed) => !withPercent.has(pathOf(listed) ?? '')) ?? []
    compare(object, [...(index?.at(path) ?? []), ...encoded])
  }

  const isNested = (path: string): boolean => nested.size > 0 && liesInNested(`${root}${path}`, root, nested)
  const own = differing.filter(({ path }) => !isNested(path))
  return {
    suspects: [...own, ...withoutObject(index, places, isNested)].map((one) => suspect(location, one, context)),
    inBucket: [...perDirectory].reduce((sum, [directory, count]) => {
      return nested.size > 0 && liesInNested(directory, root, nested) ? sum : sum + count
    }, 0),
    passedOver,
    places,
    found,
  }
}

/** An object and its entries that do not agree; without an object, entries that stand for none of this repository. */
interface Differing {
  readonly kind: 'unlisted' | 'changed' | 'listed-twice' | 'vanished' | 'misplaced'
  readonly path: string
  readonly object: ListedObject | undefined
  readonly listed: readonly ListedPackage[]
}

/** `undefined` where size and time are as the entry has them. */
export function compareOne(
  object: Pick<ObjectHead, 'size' | 'lastModified'>,
  listed: readonly ListedPackage[],
): 'unlisted' | 'changed' | 'listed-twice' | undefined {
  const [only, ...more] = listed
  if (only === undefined) return 'unlisted'
  if (more.length > 0) return 'listed-twice'
  // An entry of another tool need not say either.
  const sameSize = only.size === undefined || only.size === object.size
  const sameTime = only.modified === undefined || only.modified === modifiedSeconds(object)
  return sameSize && sameTime ? undefined : 'changed'
}

function withoutObject(
  index: PackageIndex | undefined,
  places: readonly (string | undefined)[],
  isNested: (path: string) => boolean,
): Differing[] {
  const byPath = new Map<string, Differing>()
  for (const one of index?.packages ?? []) {
    const path = pathOf(one)
    if (path === undefined) continue
    const place = places[one.ordinal]
    const misplaced = isNested(place ?? path) || parseLocation(path) === undefined
    if (place !== undefined && !misplaced) continue
    const listed = [...(byPath.get(path)?.listed ?? []), one]
    byPath.set(path, { kind: misplaced ? 'misplaced' : 'vanished', path, object: undefined, listed })
  }
  return [...byPath.values()]
}

function suspect(location: RepositoryLocation, differing: Differing, context: RepositoryContext): Suspect {
  const { kind, path, object, listed } = differing
  const entries = describeEntries(listed)
  return {
    finding: packageFinding(kind, path, problemOf(differing)),
    async holds({ index }) {
      if (index === undefined) return false
      const paths = listed.length === 0 ? [path] : listed.map((one) => pathOf(one) ?? '')
      const now = new Set(paths.flatMap((one) => index.at(one)))
      if (describeEntries([...now]) !== entries) return false
      if (kind === 'misplaced') return true
      const head = await location.store.head(`${location.root}${path}`, withSignal(context))
      if (head === undefined || object === undefined) return head === object
      return isSameObject(head, object) && compareOne(head, listed) === kind
    },
  }
}

/** Entries as they were: one that was written meanwhile is another. */
export function describeEntries(listed: readonly ListedPackage[]): string {
  return listed.map(({ href, pkgid, size, modified }) => [href, pkgid, size, modified].join(' ')).join('\n')
}

/** The same version of an object. A listing may round its time to another second than a HEAD does. */
export function isSameObject(
  a: Pick<ObjectHead, 'etag' | 'lastModified'>,
  b: Pick<ObjectHead, 'etag' | 'lastModified'>,
): boolean {
  return a.etag === b.etag && Math.abs(modifiedSeconds(a) - modifiedSeconds(b)) <= 1
}

function problemOf({ kind, object, listed }: Differing): string {
  switch (kind) {
    case 'unlisted':
      return 'it is there, but not listed: clients do not see it'
    case 'vanished':
      return 'it is listed, but not there: clients fail to download it'
    case 'misplaced':
      return 'it is listed here, but lies outside this repository or in another one below it'
    case 'listed-twice':
      return `${listed.length} entries stand for it`
    case 'changed':
      return changeOf(object, listed[0])
  }
}

function changeOf(object: ListedObject | undefined, listed: ListedPackage | undefined): string {
  if (object === undefined || listed === undefined) return 'it is listed as it was before'
  if (listed.size !== undefined && listed.size !== object.size) {
    return `it is listed with ${listed.size} bytes, but has ${object.size}: clients refuse it`
  }
  const [then, now] = [listed.modified ?? 0, modifiedSeconds(object)].map(isoTime)
  return `it is listed as of ${then}, but was stored ${now}: it may have been replaced`
}

/** A time of another tool's entry may be beyond what a date can be. */
function isoTime(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : date.toISOString().replace('.000Z', 'Z')
}
