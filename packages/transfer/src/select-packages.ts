/**
 * Which of upstream's packages are wanted: plain data in, plain data out.
 */
import { moduleArtifact } from '@repokeeper/repository'
import { compareEvr } from '@repokeeper/rpm-parser'
import type { UpstreamPackage } from './read-upstream.ts'

export interface PackageSelection {
  /** By what it is called; others are left out. Default: all. */
  readonly isMeant?: (candidate: UpstreamPackage) => boolean
  /** Only these architectures; empty: all. */
  readonly arches: readonly string[]
  /** So many of the newest versions of each name and architecture; `undefined`: all. Streams of modules are not cut. */
  readonly newest: number | undefined
  /** Only files that are not older, in seconds since 1970. What upstream gives no time is taken. */
  readonly sinceSeconds: number | undefined
}

/** The versions are counted among those that the other conditions leave. @returns in the order of `packages` */
export function selectPackages<Package extends UpstreamPackage>(
  packages: readonly Package[],
  inModules: ReadonlySet<string>,
  { isMeant = () => true, arches, newest, sinceSeconds }: PackageSelection,
): Package[] {
  const meant = packages.filter(
    (one) =>
      (arches.length === 0 || arches.includes(one.arch)) &&
      (sinceSeconds === undefined || one.modified === undefined || one.modified >= sinceSeconds) &&
      isMeant(one),
  )
  if (newest === undefined) return meant
  const ordinary = meant.filter((one) => !inModules.has(moduleArtifact(one)))
  const old = new Set(versionsBeyond(newest, ordinary))
  return meant.filter((one) => !old.has(one))
}

/** Those whose version comes after the first `newest`. Files of one version (`1.0` and `1.00` are one to rpm) have one place. */
function versionsBeyond<Package extends UpstreamPackage>(newest: number, packages: readonly Package[]): Package[] {
  const groups = Map.groupBy(packages, ({ name, arch }) => JSON.stringify([name, arch]))
  return [...groups.values()].flatMap((group) => {
    const newestFirst = group.toSorted((a, b) => compareEvr(b, a))
    let place = 0
    let before: Package | undefined
    return newestFirst.filter((one) => {
      if (before === undefined || compareEvr(before, one) !== 0) place += 1
      before = one
      return place > newest
    })
  })
}
