/**
 * Names that a person gave → the packages that are meant, each once.
 */
import { showNevra } from '@repokeeper/repodata'
import { type Match, type MatchedBy, matchPackages } from './match-packages.ts'
import { isStoreUrl, nameBelow } from './name-below.ts'
import type { OpenRepository } from './open-repository.ts'
import type { RemoveCandidate } from './remove-candidates.ts'
import { enumerate } from './text-layout.ts'

export interface Chosen {
  readonly candidate: RemoveCandidate
  readonly name: string
  readonly by: MatchedBy
}

export interface Unmatched {
  readonly name: string
  readonly code: 'NOTHING_MATCHED' | 'EVERY_VERSION'
  readonly reason: string
}

/** As rm(1) does: names that mean nothing do not hold back the others. */
export function chooseCandidates(
  repository: OpenRepository,
  names: readonly string[],
  candidates: readonly RemoveCandidate[],
  { allVersions }: { readonly allVersions: boolean },
): { chosen: Chosen[]; unmatched: Unmatched[] } {
  const chosen = new Map<string, Chosen>()
  const unmatched: Unmatched[] = []
  for (const name of names) {
    const match = matchIn(repository, name, candidates)
    if (match.kind === 'nothing') {
      const isElsewhere = isStoreUrl(name) && nameBelow(name, repository) === undefined
      const reason = isElsewhere ? `it is not below ${repository.name}` : 'no package of that file name, path or NEVRA'
      unmatched.push({ name, code: 'NOTHING_MATCHED', reason: `${name}: ${reason}` })
    } else if (match.kind === 'every version' && !allVersions) {
      unmatched.push({ name, code: 'EVERY_VERSION', reason: everyVersionText(name, match.packages) })
    } else {
      const by = match.kind === 'matched' ? match.by : 'package name'
      for (const candidate of match.packages) {
        if (!chosen.has(candidate.path)) chosen.set(candidate.path, { candidate, name, by })
      }
    }
  }
  return { chosen: [...chosen.values()], unmatched }
}

/** What is said goes first: a repository may have a directory that is called as its own place is. */
function matchIn(
  repository: OpenRepository,
  name: string,
  candidates: readonly RemoveCandidate[],
): Match<RemoveCandidate> {
  const match = matchPackages(name, candidates)
  if (match.kind !== 'nothing') return match
  const below = nameBelow(name, repository)
  return below === undefined ? match : matchPackages(below, candidates)
}

/** `path (NEVRA)`, the NEVRA only where the metadata says one. */
export function labelOf({ path, listed }: RemoveCandidate): string {
  return listed === undefined ? path : `${path} (${showNevra(listed)})`
}

function everyVersionText(name: string, packages: readonly RemoveCandidate[]): string {
  const versions = enumerate(packages.map(labelOf))
  return `${name}: is the name of a package, and stands for ${versions}; name one of these, or say --all-versions`
}
