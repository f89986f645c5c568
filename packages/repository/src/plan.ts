/**
 * Plan: what is published × what was observed → what to change. Pure, printable data; `--dry-run` prints the same.
 */
import type { DocumentKind, ListedPackage } from '@repokeeper/repodata'
import type { Observation } from './observe.ts'
import type { PackageFacts } from './package-reader.ts'

/** A package that comes in, and where its entries can be read. */
export interface PlannedPackage {
  readonly facts: PackageFacts
  readonly readEntry: (kind: DocumentKind) => Promise<Buffer>
}

export type PlannedChange = { readonly path: string } & (
  | { readonly kind: 'add'; readonly package: PlannedPackage }
  | { readonly kind: 'replace'; readonly package: PlannedPackage; readonly listed: readonly ListedPackage[] }
  | { readonly kind: 'remove'; readonly listed: readonly ListedPackage[] }
  /** Listed as it is. */
  | { readonly kind: 'keep' }
  /** Neither in the bucket nor listed. */
  | { readonly kind: 'absent' }
  /** In the bucket, but no package that is let in. `listed` stood for it, and is to go: most often it is not there any more. */
  | {
      readonly kind: 'refuse'
      readonly code: string
      readonly reason: string
      readonly listed: readonly ListedPackage[]
    }
  /** Not decided: what is listed stays, and the key is tried again. */
  | { readonly kind: 'undecided'; readonly error: unknown }
)

/** Sorted by path, one change each. */
export interface RepositoryPlan {
  readonly changes: readonly PlannedChange[]
}

export interface PlanOptions {
  /** What is refused goes also where it is listed as it is. */
  readonly takesOut?: boolean
}

export function planChanges(observations: readonly Observation[], options: PlanOptions = {}): RepositoryPlan {
  const changes = observations.map((observation) => planOne(observation, options))
  return { changes: changes.toSorted((a, b) => (a.path < b.path ? -1 : 1)) }
}

/** Whether the metadata would change at all. */
export function changesMetadata({ changes }: RepositoryPlan): boolean {
  return changes.some((change) => change.kind === 'add' || goneOf(change).length > 0)
}

/** The listed packages that a change takes out of the metadata. */
export function goneOf(change: PlannedChange): readonly ListedPackage[] {
  switch (change.kind) {
    case 'add':
    case 'keep':
    case 'absent':
    case 'undecided':
      return []
    case 'replace':
    case 'remove':
    case 'refuse':
      return change.listed
  }
}

function planOne(observation: Observation, { takesOut = false }: PlanOptions): PlannedChange {
  const { path, listed } = observation
  switch (observation.kind) {
    case 'absent':
      return listed.length === 0 ? { kind: 'absent', path } : { kind: 'remove', path, listed }
    case 'listed':
      return { kind: 'keep', path }
    case 'package': {
      const { facts, readEntry } = observation
      if (listed.length === 0) return { kind: 'add', path, package: { facts, readEntry } }
      return isSame(facts, listed)
        ? { kind: 'keep', path }
        : { kind: 'replace', path, package: { facts, readEntry }, listed }
    }
    case 'unreadable':
    case 'untrusted': {
      const { code, reason, pkgid } = observation
      // Another tool could read what we cannot, or an older policy let it in, and the object is still the one that was listed then.
      const stays = !takesOut && pkgid !== undefined && listed.some((one) => one.pkgid === pkgid)
      return { kind: 'refuse', path, code, reason, listed: stays ? [] : listed }
    }
    case 'fault':
      return { kind: 'undecided', path, error: observation.error }
  }
}

function isSame(facts: PackageFacts, listed: readonly ListedPackage[]): boolean {
  const [only, ...more] = listed
  return (
    only !== undefined &&
    more.length === 0 &&
    only.href === facts.location &&
    only.checksumType === 'sha256' &&
    only.pkgid === facts.pkgid &&
    only.size === facts.size &&
    only.modified === facts.modified
  )
}
