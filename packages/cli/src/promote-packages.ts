/**
 * The work of `promote`: find what the names mean in one repository, copy it to the other, then see to the metadata there.
 */
import { basename } from 'node:path/posix'
import { showNevra } from '@repokeeper/repodata'
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import { atATime } from './at-a-time.ts'
import type { AddOptions, ChangeOptions } from './change-options.ts'
import { changeSummary } from './change-summary.ts'
import { refuseInnerRepository, tellMissingRepository } from './check-place.ts'
import { chooseCandidates } from './choose-candidates.ts'
import type { Cli } from './cli.ts'
import { copyPackage, type PackageCopy } from './copy-package.ts'
import { ExitCode, UsageError } from './failure.ts'
import { parseTarget } from './local-package.ts'
import type { OpenRepository } from './open-repository.ts'
import { ensureSignable } from './publish-changes.ts'
import { type RemoveCandidate, readRemoveCandidates } from './remove-candidates.ts'
import { type Settled, settleChange } from './settle-change.ts'

interface PromoteOptions extends ChangeOptions, AddOptions {
  readonly allVersions: boolean
  /** Not `--to`: each package lies where it lay. */
  readonly keepsLayout: boolean
}

interface Promoted {
  readonly candidate: RemoveCandidate
  /** Below the root of the target. */
  readonly path: string
  readonly copy: PackageCopy
}

/** @returns the exit code */
export async function promotePackages(
  names: readonly string[],
  from: OpenRepository,
  to: OpenRepository,
  options: PromoteOptions,
  cli: Cli,
): Promise<number> {
  const { output, interruption } = cli
  if (from.name === to.name) throw new UsageError(`${from.name} cannot be promoted to itself: name two repositories`)
  const candidates = await readRemoveCandidates(from, names, cli)
  const { chosen, unmatched } = chooseCandidates(from, names, candidates, options)
  const planned = placesOf(
    chosen.map(({ candidate }) => candidate),
    options,
  )
  const directories = new Set(planned.map(({ path }) => path.slice(0, -basename(path).length)))
  for (const directory of directories) await refuseInnerRepository(to, directory)
  await ensureSignable(to, options)
  const [first] = directories
  if (first !== undefined) await tellMissingRepository(to, first, options, cli)
  const results = await atATime(planned, options.concurrency, async ({ candidate, path }): Promise<Promoted> => {
    const { singleWriter } = to
    const { replace, dryRun } = options
    const copying = { replace, dryRun, singleWriter, signal: interruption.signal }
    const result = { candidate, path, copy: await copyPackage(candidate, from, { ...to.location, path }, copying) }
    if (!options.json) tell(result, options, cli)
    return result
  })
  for (const { reason } of unmatched) output.tell(reason)
  const copies = results.map(({ copy }) => copy)
  if (!options.json && results.length > 0) output.print(changeSummary(to.name, copies, kinds, options))

  let settled: Settled = { ok: true }
  if (interruption.signal.aborted) output.tell('interrupted: the same command again does the rest')
  else settled = await settleChange(to, results.flatMap(expectationOf), options, cli)
  const isDone = ({ copy }: Promoted) => copy.kind !== 'failed' && copy.kind !== 'not done'
  const ok = settled.ok && unmatched.length === 0 && results.every(isDone)
  if (options.json) {
    const { published, waited } = settled
    const packages = results.map(packageReport)
    output.printJson({
      from: from.name,
      to: to.name,
      dryRun: options.dryRun,
      ok,
      packages,
      unmatched,
      published,
      waited,
    })
  }
  return ok ? ExitCode.done : ExitCode.failed
}

/** @throws UsageError where two packages would lie at one path */
function placesOf(candidates: readonly RemoveCandidate[], { to, keepsLayout }: PromoteOptions) {
  const directory = keepsLayout ? undefined : parseTarget(to)
  const places = new Map<string, RemoveCandidate>()
  for (const candidate of candidates) {
    const path = directory === undefined ? candidate.path : `${directory}${basename(candidate.path)}`
    const other = places.get(path)
    if (other !== undefined)
      throw new UsageError(`${other.path} and ${candidate.path} would both be ${path}: leave out --to, or one of them`)
    places.set(path, candidate)
  }
  return [...places].map(([path, candidate]) => ({ path, candidate }))
}

function expectationOf({ path, copy }: Promoted) {
  return copy.kind === 'failed' || copy.kind === 'not done' ? [] : [{ path, sha256: copy.sha256 }]
}

function tell({ candidate, path, copy }: Promoted, { dryRun }: PromoteOptions, { output }: Cli): void {
  const nevra = candidate.listed === undefined ? '' : `${showNevra(candidate.listed)}, `
  const label = `${path} (${nevra}${formatBytes(candidate.object?.size ?? 0)})`
  switch (copy.kind) {
    case 'copied':
    case 'replaced':
      output.print(`${dryRun ? 'would be ' : ''}${copy.kind} ${label}`)
      break
    case 'skipped':
      output.print(`skipped ${path}: it is there already`)
      break
    case 'failed':
      output.tell(`failed ${path}: ${copy.reason}`)
      break
    case 'not done':
      output.tell(`not copied ${path}`)
      break
  }
}

const kinds = { changes: ['copied', 'replaced'], others: ['skipped', 'failed', 'not done'] } as const

function packageReport({ candidate: { path: source, listed, object }, path: location, copy }: Promoted) {
  const { kind: status, ...details } = copy
  return { source, location, nevra: listed && showNevra(listed), size: object?.size, status, ...details }
}
