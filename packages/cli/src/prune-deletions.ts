/**
 * The deletions of `prune`, batch by batch: what somebody has come to keep since the plan stays.
 */
import { StoreError } from '@repokeeper/object-store'
import {
  deletePruned,
  type HeldPackages,
  type PrunablePackage,
  type PruneOutcome,
  RepositoryError,
} from '@repokeeper/repository'
import { atATime } from './at-a-time.ts'
import type { Cli } from './cli.ts'
import type { OpenRepository } from './open-repository.ts'
import { enumerate } from './text-layout.ts'

export type DeleteOutcome =
  | PruneOutcome
  /** By a snapshot that was taken since the plan, or a mirrorlist that was pinned. */
  | { readonly kind: 'kept'; readonly keptBy: readonly string[] }
  | { readonly kind: 'failed'; readonly code: string; readonly reason: string }
  | { readonly kind: 'not done' }

/** Deletions are small requests. */
const deletionsAtATime = 16

/**
 * Where it can no longer be told what is kept, the rest is not done.
 *
 * @returns by path, one for each, in their order
 * @throws StoreError, RepositoryError where that is so from the beginning
 */
export async function deletePlanned(
  repository: OpenRepository,
  going: readonly PrunablePackage[],
  held: HeldPackages,
  { output, interruption: { signal } }: Cli,
): Promise<ReadonlyMap<string, DeleteOutcome>> {
  const outcomes = new Map<string, DeleteOutcome>()
  try {
    for await (const batch of held.batchesOf(going)) {
      for (const { path, keptBy } of batch.held) outcomes.set(path, { kind: 'kept', keptBy })
      await atATime(batch.free, deletionsAtATime, async (one) => {
        outcomes.set(one.path, await deleteOne(repository, one, signal))
      })
      if (signal.aborted) break
    }
  } catch (error) {
    if (!signal.aborted) {
      const isTold = error instanceof StoreError || error instanceof RepositoryError
      if (!isTold || outcomes.size === 0) throw error
      output.tell(`stopped: ${error.message}`)
    }
  }
  return new Map(going.map(({ path }) => [path, outcomes.get(path) ?? { kind: 'not done' }]))
}

/** What was replaced meanwhile, or is kept, is rightly there. */
export function isDone({ kind }: DeleteOutcome): boolean {
  return kind !== 'failed' && kind !== 'not done'
}

export function tellOutcome(path: string, outcome: DeleteOutcome, { output }: Cli): void {
  if (outcome.kind === 'failed') output.tell(`failed ${path}: ${outcome.reason}`)
  if (outcome.kind === 'changed') {
    output.tell(`not deleted ${path}: it is another object now than the one that was looked at`)
  }
  if (outcome.kind === 'kept') {
    output.tell(`not deleted ${path}: it has come to be in a kept generation (${enumerate(outcome.keptBy, 3)})`)
  }
  if (outcome.kind === 'not done') output.tell(`not deleted ${path}`)
}

async function deleteOne(
  { location }: OpenRepository,
  planned: PrunablePackage,
  signal: AbortSignal,
): Promise<DeleteOutcome> {
  if (signal.aborted) return { kind: 'not done' }
  try {
    return await deletePruned(location, planned, { signal })
  } catch (error) {
    if (signal.aborted) return { kind: 'not done' }
    if (error instanceof StoreError) return { kind: 'failed', code: error.code, reason: error.message }
    throw error
  }
}
