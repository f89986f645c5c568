/**
 * What a mirror would do: plain data, from what is wanted of upstream, what the repository holds, and what it remembers.
 */
import type { Checksum, MirrorRecord } from './mirror-record.ts'
import type { UpstreamPackage } from './read-upstream.ts'
import { type HeldFile, planReplica } from './replica-plan.ts'
import type { ImpossiblePackage, SettledPlaces } from './settle-places.ts'

export interface MirrorPlanInput extends SettledPlaces {
  /** Their paths, also of those that are impossible, are those below the root of the repository. */
  readonly wanted: readonly UpstreamPackage[]
  /** Packages that the repository holds, by path, with the digest that its metadata gives where that lists them. */
  readonly held: ReadonlyMap<string, HeldFile>
  readonly record: MirrorRecord
  /** What other mirrors have brought, by path. */
  readonly others: ReadonlyMap<string, Checksum>
}

export interface MirrorPlan {
  /** Nothing stands at these paths. */
  readonly fetch: readonly UpstreamPackage[]
  /** A file of that size stands there, and no metadata says what it is. */
  readonly check: readonly UpstreamPackage[]
  /** Another file stands there. */
  readonly different: readonly UpstreamPackage[]
  readonly kept: readonly UpstreamPackage[]
  /** Chosen, and yet not to be had. What is there of it stays. */
  readonly impossible: readonly ImpossiblePackage[]
  /** What came from upstream earlier, and is not wanted any more: upstream or the selection has dropped it. No other mirror wants it. */
  readonly dropped: readonly { readonly path: string; readonly checksum: Checksum }[]
  /** Why nothing that is dropped should go, before a person says so. */
  readonly doubt: string | undefined
}

export function planMirror({ wanted, impossible, held, record, others }: MirrorPlanInput): MirrorPlan {
  const known = new Map(wanted.flatMap((file) => knownAs(file, held.get(file.path), record)))
  const { fetch, check, replace } = planReplica({ wanted, held: known, isDoubted: () => false, isOwn: () => true })
  const byPath = new Map(wanted.map((file) => [file.path, file]))
  const packagesAt = (files: readonly { readonly path: string }[]): UpstreamPackage[] =>
    files.flatMap(({ path }) => byPath.get(path) ?? [])
  const changing = new Set([...fetch, ...check, ...replace].map(({ path }) => path))
  const listed = new Set([...byPath.keys(), ...impossible.map(({ file }) => file.path)])
  const gone = [...record.packages].filter(([path]) => !listed.has(path) && !others.has(path))
  return {
    fetch: packagesAt(fetch),
    check: packagesAt(check),
    different: packagesAt(replace),
    kept: wanted.filter(({ path }) => !changing.has(path)),
    impossible,
    dropped: gone.map(([path, checksum]) => ({ path, checksum })),
    doubt: doubtOf(listed.size, record),
  }
}

/** Metadata that names a package with another kind of digest says nothing; then it is what it was when a mirror brought it. */
function knownAs(
  { path, checksum }: UpstreamPackage,
  there: HeldFile | undefined,
  { packages }: MirrorRecord,
): [string, HeldFile][] {
  if (there === undefined) return []
  const isListedAlike = there.checksum?.type === checksum.type
  const remembered = there.checksum === undefined ? undefined : packages.get(path)
  return [[path, isListedAlike ? there : { ...there, checksum: remembered ?? there.checksum }]]
}

/** A broken upstream must not empty a repository. */
function doubtOf(wanted: number, record: MirrorRecord): string | undefined {
  if (record.wanted === 0 || (wanted > 0 && wanted * 2 >= record.wanted)) return undefined
  return `of ${record.wanted} packages that were wanted of ${record.upstream} there ${wanted === 1 ? 'is' : 'are'} ${wanted} left`
}
