import type { Bounded, ChangelogDetail, FileDetail, PrimaryDetails } from '@repokeeper/repodata'
import { compareEvr } from '@repokeeper/rpm-parser'

/** One package, from its three entries. */
export interface SitePackage extends PrimaryDetails {
  readonly files: Bounded<FileDetail>
  readonly changelogs: Bounded<ChangelogDetail>
}

/** All that is listed under one name, the newest first. */
export interface SiteName {
  readonly name: string
  /** At least one. */
  readonly packages: readonly SitePackage[]
  readonly newest: SitePackage
}

/** @throws TypeError where there is none */
export function siteName(name: string, packages: readonly SitePackage[]): SiteName {
  const sorted = packages.toSorted(compareByAge)
  const [newest] = sorted
  if (newest === undefined) throw new TypeError(`nothing is listed as ${name}`)
  return { name, packages: sorted, newest }
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
