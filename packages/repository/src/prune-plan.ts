/**
 * Prune: the packages of a repository × how many versions of each are wanted → which go and which stay. Pure, printable data;
 * a dry run prints the same.
 */
import type { ETag } from '@repokeeper/object-store'
import type { ListedPackage } from '@repokeeper/repodata'
import { compareEvr } from '@repokeeper/rpm-parser'
import type { HeldPaths } from './held-packages.ts'

/** An object of the bucket whose entry says which package it is. */
export interface PrunablePackage
  extends Pick<ListedPackage, 'name' | 'epoch' | 'version' | 'release' | 'arch' | 'checksumType' | 'pkgid'> {
  /** Below the repository's root. */
  readonly path: string
  /** Of the object: only this version of it is deleted. */
  readonly etag: ETag
  readonly size: number
  /** By the store's clock. */
  readonly lastModified: Date
}

export interface PruneInput {
  readonly packages: readonly PrunablePackage[]
  /** What time it is by the store's clock. */
  readonly now: Date
  /** `name-epoch:version-release.arch` of what a module stream is made of: its versions belong to each other, not in a row. */
  readonly inModules: ReadonlySet<string>
  /** Those that a snapshot lists, or the generation that the mirrorlist is pinned to. */
  readonly held: HeldPaths
}

export interface PrunePolicy {
  /** So many of the newest versions stay, of each name and architecture: at least one. */
  readonly keep: number
  /** Only what was uploaded longer ago than this goes. */
  readonly olderThanMs?: number | undefined
  /** Others stay, whatever their version. */
  readonly isMeant?: (candidate: PrunablePackage) => boolean
}

export type PruneDecision = PrunablePackage &
  (
    | { readonly decision: 'goes' }
    | {
        readonly decision: 'stays'
        readonly because: 'among the newest' | 'too young' | 'in a module' | 'not meant'
      }
    | {
        readonly decision: 'stays'
        readonly because: 'in a kept generation'
        /** `snapshot 2026-11`, `pinned generation ID`. */
        readonly keptBy: readonly string[]
      }
  )

/** One decision for each package, by name, architecture and version, the newest first. */
export function planPrune(input: PruneInput, policy: PrunePolicy): PruneDecision[] {
  const { keep, isMeant = () => true } = policy
  if (!(keep >= 1)) throw new RangeError(`keep is ${keep}: the last version of a package never goes`)
  const groups = Map.groupBy(input.packages, ({ name, arch }) => JSON.stringify([name, arch]))
  return [...groups.values()]
    .toSorted(([a], [b]) => compareTexts(a?.name ?? '', b?.name ?? '') || compareTexts(a?.arch ?? '', b?.arch ?? ''))
    .flatMap((group) => {
      const newestFirst = group.toSorted((a, b) => compareEvr(b, a) || compareTexts(a.path, b.path))
      const rank = rankVersions(newestFirst.filter((one) => !input.inModules.has(moduleArtifact(one))))
      return newestFirst.map((one): PruneDecision => {
        const stays = (
          because: Exclude<Extract<PruneDecision, { decision: 'stays' }>['because'], 'in a kept generation'>,
        ) => ({ ...one, decision: 'stays', because }) as const
        if (!isMeant(one)) return stays('not meant')
        const place = rank.get(one)
        if (place === undefined) return stays('in a module')
        if (place <= keep) return stays('among the newest')
        if (isYoung(one, input, policy)) return stays('too young')
        const keptBy = input.held.get(one.path)
        if (keptBy === undefined) return { ...one, decision: 'goes' }
        return { ...one, decision: 'stays', because: 'in a kept generation', keptBy }
      })
    })
}

/** A package as modulemd lists it among its artifacts: the epoch always stands there. */
export function moduleArtifact(one: Pick<ListedPackage, 'name' | 'epoch' | 'version' | 'release' | 'arch'>): string {
  return `${one.name}-${one.epoch}:${one.version}-${one.release}.${one.arch}`
}

/** 1 is the newest. Files of one version (`1.0` and `1.00` are one to rpm) have one place. */
function rankVersions(newestFirst: readonly PrunablePackage[]): Map<PrunablePackage, number> {
  const rank = new Map<PrunablePackage, number>()
  let place = 0
  let before: PrunablePackage | undefined
  for (const one of newestFirst) {
    if (before === undefined || compareEvr(before, one) !== 0) place += 1
    rank.set(one, place)
    before = one
  }
  return rank
}

function isYoung({ lastModified }: PrunablePackage, { now }: PruneInput, { olderThanMs }: PrunePolicy): boolean {
  return olderThanMs !== undefined && now.getTime() - lastModified.getTime() <= olderThanMs
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
