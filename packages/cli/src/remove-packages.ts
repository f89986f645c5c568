/**
 * The work of `remove`: find what the names mean, delete the objects, then see to the metadata.
 */
import { StoreError } from '@repokeeper/object-store'
import { showNevra } from '@repokeeper/repodata'
import { atATime } from './at-a-time.ts'
import type { ChangeOptions, RemoveOptions } from './change-options.ts'
import { changeSummary } from './change-summary.ts'
import { type Chosen, chooseCandidates, labelOf } from './choose-candidates.ts'
import type { Cli } from './cli.ts'
import { ExitCode } from './failure.ts'
import type { OpenRepository } from './open-repository.ts'
import { ensureSignable } from './publish-changes.ts'
import { readRemoveCandidates } from './remove-candidates.ts'
import { type Settled, settleChange } from './settle-change.ts'

type RemoveOutcome =
  | { readonly kind: 'removed' }
  /** Only the metadata has it still: its object is gone, and an event or a plan will see to it. */
  | { readonly kind: 'gone already' }
  | { readonly kind: 'failed'; readonly code: string; readonly reason: string }
  | { readonly kind: 'not done' }

interface RemovedPackage extends Chosen {
  readonly outcome: RemoveOutcome
}

/** Deletions are small requests. */
const deletionsAtATime = 16

/** @returns the exit code */
export async function removePackages(
  repository: OpenRepository,
  names: readonly string[],
  options: ChangeOptions & RemoveOptions,
  cli: Cli,
): Promise<number> {
  const { output, interruption } = cli
  await ensureSignable(repository, options)
  const candidates = await readRemoveCandidates(repository, names, cli)
  const { chosen, unmatched } = chooseCandidates(repository, names, candidates, options)
  const results = await atATime(chosen, deletionsAtATime, async (one): Promise<RemovedPackage> => {
    const result = { ...one, outcome: await remove(repository, one, options, interruption.signal) }
    if (!options.json) tellRemoved(result, options, cli)
    return result
  })
  for (const { reason } of unmatched) output.tell(reason)
  const outcomes = results.map(({ outcome }) => outcome)
  if (!options.json && results.length > 0) output.print(changeSummary(repository.name, outcomes, kinds, options))

  let settled: Settled = { ok: true }
  if (interruption.signal.aborted) output.tell('interrupted: the same command again does the rest')
  else settled = await settleChange(repository, results.flatMap(expectationOf), options, cli)
  if (!options.json && settled.published === undefined) tellGone(repository, results, cli)

  const isDone = ({ outcome }: RemovedPackage) => outcome.kind === 'removed' || outcome.kind === 'gone already'
  const ok = settled.ok && unmatched.length === 0 && results.every(isDone)
  if (options.json) {
    const { published, waited } = settled
    const packages = results.map(packageReport)
    const { dryRun } = options
    output.printJson({ repository: repository.name, dryRun, ok, packages, unmatched, published, waited })
  }
  return ok ? ExitCode.done : ExitCode.failed
}

async function remove(
  { location }: OpenRepository,
  { candidate: { object, listed }, by }: Chosen,
  { dryRun }: ChangeOptions,
  signal: AbortSignal,
): Promise<RemoveOutcome> {
  if (signal.aborted) return { kind: 'not done' }
  if (object === undefined) return { kind: 'gone already' }
  const isNamedByMetadata = by === 'NEVRA' || by === 'package name'
  if (isNamedByMetadata && listed?.size !== undefined && listed.size !== object.size) {
    const reason = 'the object is not the package that is listed any more; name the file to remove it all the same'
    return { kind: 'failed', code: 'CHANGED', reason }
  }
  if (dryRun) return { kind: 'removed' }
  try {
    const { kind } = await location.store.delete(object.key, { ifMatch: object.etag, signal })
    if (kind === 'deleted') return { kind: 'removed' }
    return { kind: 'failed', code: 'CHANGED', reason: 'it was replaced a moment ago; look again before you remove it' }
  } catch (error) {
    if (signal.aborted) return { kind: 'not done' }
    if (error instanceof StoreError) return { kind: 'failed', code: error.code, reason: error.message }
    throw error
  }
}

function expectationOf({ candidate: { path }, outcome }: RemovedPackage) {
  return outcome.kind === 'removed' || outcome.kind === 'gone already' ? [{ path, sha256: undefined }] : []
}

function tellRemoved(
  { candidate, name, by, outcome }: RemovedPackage,
  { dryRun }: ChangeOptions,
  { output }: Cli,
): void {
  const why = by === 'path' || by === 'file name' ? '' : ` [${by} ${name}]`
  switch (outcome.kind) {
    case 'removed':
      output.print(`${dryRun ? 'would be ' : ''}removed ${labelOf(candidate)}${why}`)
      break
    case 'gone already':
      output.print(`gone already ${labelOf(candidate)}${why}`)
      break
    case 'failed':
      output.tell(`failed ${labelOf(candidate)}: ${outcome.reason}`)
      break
    case 'not done':
      output.tell(`not removed ${labelOf(candidate)}`)
      break
  }
}

function tellGone({ name, toCopy }: OpenRepository, results: readonly RemovedPackage[], { output }: Cli): void {
  const gone = results.filter(({ outcome }) => outcome.kind === 'gone already').length
  if (gone === 0) return
  output.tell(
    `${gone} of these ${gone === 1 ? 'is' : 'are'} listed, but in the bucket no more. The events of their deletion take them out of the ` +
      `metadata; if that does not happen, see "${toCopy('plan', name)}", or say --publish.`,
  )
}

const kinds = { changes: ['removed'], others: ['gone already', 'failed', 'not done'] } as const

function packageReport({ candidate: { path, listed, object }, name, by, outcome }: RemovedPackage) {
  const { kind: status, ...details } = outcome
  const nevra = listed === undefined ? undefined : showNevra(listed)
  return { location: path, nevra, size: object?.size, name, matchedBy: by, status, ...details }
}
