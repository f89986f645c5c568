import type { Bounded, ChangelogDetail, FileDetail, PrimaryDetails } from '@repokeeper/repodata'
import { compareEvr } from '@repokeeper/rpm-parser'

/** One package, from its three entries. */
export interface SitePackage extends PrimaryDetails {
  readonly files: Bounded<FileDetail>
  readonly changelogs: Bounded<ChangelogDetail>
}

/** What is listed under one name. */
export interface SiteName {
  readonly name: string
  /** The newest of them, the newest first; `keptMax` at most, and at least one. */
  readonly packages: readonly SitePackage[]
  readonly newest: SitePackage
  /** All of them. */
  readonly count: number
  /** Of the file that was changed last, in seconds since 1970. */
  readonly modified: number
}

/** So many packages of one name are told of: those of years of nightly builds would fill memory, and no page could hold them. */
const keptMax = 200

/** @throws TypeError where there is none */
export async function siteName(name: string, packages: AsyncIterable<SitePackage>): Promise<SiteName> {
  let kept: SitePackage[] = []
  let count = 0
  let modified = 0
  for await (const one of packages) {
    kept.push(one)
    count += 1
    modified = Math.max(modified, one.facts.modified ?? 0)
    if (kept.length === 2 * keptMax) kept = newestOf(kept)
  }
  kept = newestOf(kept)
  const [newest] = kept
  if (newest === undefined) throw new TypeError(`nothing is listed as ${name}`)
  return { name, packages: kept, newest, count, modified }
}

function newestOf(packages: readonly SitePackage[]): SitePackage[] {
  return packages.toSorted(compareByAge).slice(0, keptMax)
}

/** Those that the version alone does not order have an order all the same, or the bytes would depend on that of the metadata. */
function compareByAge({ facts: a }: SitePackage, { facts: b }: SitePackage): number {
  return -compareEvr(a, b) || compare(a.arch, b.arch) || compare(a.href, b.href) || compare(a.pkgid, b.pkgid)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** `2.4-1`, with the epoch where it is not 0. */
export function versionOf({ facts: { epoch, version, release } }: SitePackage): string {
  return `${epoch === '0' ? '' : `${epoch}:`}${version}${release === '' ? '' : `-${release}`}`
}

export function nevraOf(one: SitePackage): string {
  return `${one.facts.name}-${versionOf(one)}.${one.facts.arch}`
}
