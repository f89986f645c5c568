/**
 * Names that a person gave → the packages that are meant, each once.
 */
import { showNevra } from '@repokeeper/repodata'
import { type MatchedBy, matchPackages } from './match-packages.ts'
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
  names: readonly string[],
  candidates: readonly RemoveCandidate[],
  { allVersions }: { readonly allVersions: boolean },
): { chosen: Chosen[]; unmatched: Unmatched[] } {
  const chosen = new Map<string, Chosen>()
  const unmatched: Unmatched[] = []
  for (const name of names) {
    const match = matchPackages(name, candidates)
    if (match.kind === 'nothing') {
      unmatched.push({ name, code: 'NOTHING_MATCHED', reason: `${name}: no package of that file name, path or NEVRA` })
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

/** `path (NEVRA)`, the NEVRA only where the metadata says one. */
export function labelOf({ path, listed }: RemoveCandidate): string {
  return listed === undefined ? path : `${path} (${showNevra(listed)})`
}

function everyVersionText(name: string, packages: readonly RemoveCandidate[]): string {
  const versions = enumerate(packages.map(labelOf))
  return `${name}: is the name of a package, and stands for ${versions}; name one of these, or say --all-versions`
}
