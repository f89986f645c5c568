/**
 * Packages from upstream to their places, several at a time: from the first address that gives what the metadata promises.
 */
import { inParallel, type RepositoryLocation } from '@repokeeper/repository'
import type { Bandwidth } from './bandwidth.ts'
import type { PackageGate, PackageRefusal } from './package-gate.ts'
import { type Placed, placeFile } from './place-file.ts'
import type { UpstreamPackage } from './read-upstream.ts'
import type { RepositorySource } from './source.ts'

export interface BroughtPackage {
  readonly file: UpstreamPackage
  readonly outcome:
    | { readonly kind: 'fetched' }
    /** It was there already, byte for byte. */
    | { readonly kind: 'there' }
    /** Another file of its name is there, and stays. */
    | { readonly kind: 'different' }
    | { readonly kind: 'failed'; readonly reason: string }
    /** The policy does not let it in; nothing of it was stored. */
    | ({ readonly kind: 'refused' } & PackageRefusal)
    /** The work was interrupted, or given up. */
    | { readonly kind: 'not done' }
}

export interface BringOptions {
  /** Where a package is to be had: the same repository, maybe, under several addresses. */
  readonly sourcesOf: (file: UpstreamPackage) => readonly RepositorySource[]
  readonly target: RepositoryLocation
  readonly bandwidth: Bandwidth | undefined
  readonly concurrency: number
  readonly copiesInStore: boolean
  readonly replaces: boolean
  readonly gate: PackageGate | undefined
  readonly signal: AbortSignal
  readonly onBrought: (brought: BroughtPackage) => void
}

/** So many failures, one after the other, and upstream is taken to be out: the rest is for the next run. */
const failuresInARowMax = 25
/** One address may have an older file, or a damaged one: what two have is what upstream has. */
const refusalsMax = 2

/** @returns in no order @throws StoreError of the target */
export async function bringPackages(
  files: readonly UpstreamPackage[],
  options: BringOptions,
): Promise<BroughtPackage[]> {
  const { concurrency, signal, onBrought } = options
  let failuresInARow = 0
  return inParallel(files, concurrency, async (file) => {
    let outcome: BroughtPackage['outcome'] = { kind: 'not done' }
    if (!signal.aborted && failuresInARow < failuresInARowMax) outcome = await bring(file, options)
    if (outcome.kind === 'failed') failuresInARow += 1
    else if (outcome.kind !== 'not done') failuresInARow = 0
    const brought = { file, outcome }
    onBrought(brought)
    return brought
  })
}

async function bring(file: UpstreamPackage, options: BringOptions): Promise<BroughtPackage['outcome']> {
  let reason = 'there is no address of it'
  const refusals: PackageRefusal[] = []
  for (const source of options.sourcesOf(file)) {
    let placed: Placed
    try {
      placed = await placeFile(file, { ...options, source })
    } catch (error) {
      if (options.signal.aborted) return { kind: 'not done' }
      throw error
    }
    if (placed.kind === 'placed') return { kind: 'fetched' }
    if (placed.kind !== 'wrong') return placed
    reason = placed.reason
    if (placed.refusal !== undefined) refusals.push(placed.refusal)
    if (refusals.length === refusalsMax) break
  }
  const [refusal] = refusals
  return refusal === undefined ? { kind: 'failed', reason } : { kind: 'refused', ...refusal }
}
