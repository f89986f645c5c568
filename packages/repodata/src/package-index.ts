/**
 * What primary lists, in the order in which it lists it: enough to plan a change, and to find each package's entries again.
 */
import { type PrimaryFacts, readPrimaryFacts } from './entry-facts.ts'
import { compareLocations } from './identity.ts'
import { readEntries, type StoredDocument } from './stored-document.ts'

/** A package as primary lists it. `ordinal` counts the entries from 0. */
export interface ListedPackage extends PrimaryFacts {
  readonly ordinal: number
}

/** Finds the listed packages by the object they stand for. */
export interface PackageLookup {
  /** How many are listed. */
  readonly count: number
  /**
   * Every entry that stands for the object at this path below the repository's root; more than one only in bad metadata.
   * @throws DocumentError where they cannot be read
   */
  at(path: string): readonly ListedPackage[] | Promise<readonly ListedPackage[]>
  /**
   * Entries whose href would be this path if it were percent-encoded, as some tools write it. They stand for the object at
   * this path only where there is none at the path as it is written (`pathOf`).
   */
  atDecoded(path: string): readonly ListedPackage[] | Promise<readonly ListedPackage[]>
}

/** All of them, in memory, for who looks at all. */
export class PackageIndex implements PackageLookup {
  readonly packages: readonly ListedPackage[]
  readonly #byPath: ReadonlyMap<string, readonly ListedPackage[]>
  readonly #byDecodedPath: ReadonlyMap<string, readonly ListedPackage[]>

  constructor(packages: readonly ListedPackage[]) {
    this.packages = packages
    this.#byPath = groupBy(packages, pathOf)
    this.#byDecodedPath = groupBy(packages, decodedPathOf)
  }

  get count(): number {
    return this.packages.length
  }

  at(path: string): readonly ListedPackage[] {
    return this.#byPath.get(path) ?? []
  }

  atDecoded(path: string): readonly ListedPackage[] {
    return this.#byDecodedPath.get(path) ?? []
  }
}

export const emptyIndex = new PackageIndex([])

/** @throws DocumentError where primary cannot be read or holds an entry that names no package */
export async function readPackageIndex(primary: StoredDocument): Promise<PackageIndex> {
  const packages: ListedPackage[] = []
  for await (const listed of readListedPackages(primary)) packages.push(listed)
  return new PackageIndex(packages)
}

/** One after the other, without keeping them. */
export async function* readListedPackages(primary: StoredDocument): AsyncGenerator<ListedPackage> {
  let ordinal = 0
  for await (const entry of readEntries('primary', primary)) {
    yield { ...readPrimaryFacts(entry), ordinal }
    ordinal += 1
  }
}

/** By location, and where two packages have one, by the base they lie below. */
export function compareListed(a: { href: string; base?: string }, b: { href: string; base?: string }): number {
  return compareLocations(a.href, b.href) || compareLocations(a.base ?? '', b.base ?? '')
}

/** The path below the root that an entry stands for; some tools write `./x.rpm`. With `xml:base` the package lies elsewhere. */
export function pathOf({ href, base }: Pick<PrimaryFacts, 'href' | 'base'>): string | undefined {
  return base === undefined ? href.replace(/^(?:\.\/+)+/, '') : undefined
}

/** Whether the object at a path is found by looking for an entry with this href, in the order of the entries. */
export function isRegular(place: Pick<PrimaryFacts, 'href' | 'base'>): boolean {
  return pathOf(place) === place.href && decodedPathOf(place) === undefined
}

/** The path that its href would be if it were percent-encoded; `undefined` where that is no other. */
export function decodedPathOf(listed: Pick<PrimaryFacts, 'href' | 'base'>): string | undefined {
  const path = pathOf(listed)
  if (path === undefined || !path.includes('%')) return undefined
  const decoded = decodePercent(path)
  return decoded === path ? undefined : decoded
}

function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function groupBy(
  packages: readonly ListedPackage[],
  keyOf: (listed: ListedPackage) => string | undefined,
): Map<string, ListedPackage[]> {
  const groups = new Map<string, ListedPackage[]>()
  for (const listed of packages) {
    const key = keyOf(listed)
    if (key === undefined) continue
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [listed])
    else group.push(listed)
  }
  return groups
}
