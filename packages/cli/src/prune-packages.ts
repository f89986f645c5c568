/**
 * The work of `prune`: plan, say what goes and what stays, delete where that is asked for, then see to the metadata.
 */
import { showNevra } from '@repokeeper/repodata'
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import {
  type PrunablePackage,
  type PruneDecision,
  planPrune,
  type ReadForPrune,
  readForPrune,
} from '@repokeeper/repository'
import type { ChangeOptions } from './change-options.ts'
import type { Cli } from './cli.ts'
import { ExitCode } from './failure.ts'
import { globExpression } from './glob.ts'
import { noMetadata, type OpenRepository } from './open-repository.ts'
import { type DeleteOutcome, deletePlanned, isDone, tellOutcome } from './prune-deletions.ts'
import { ensureSignable } from './publish-changes.ts'
import { type Settled, settleChange } from './settle-change.ts'
import { count, enumerate, table } from './text-layout.ts'

interface PruneOptions extends ChangeOptions {
  readonly keep: number
  readonly olderThanMs: number | undefined
  /** Patterns; none: all. */
  readonly names: readonly string[]
  readonly arches: readonly string[]
}

/** @returns the exit code: 0, also where nothing goes */
export async function prunePackages(repository: OpenRepository, options: PruneOptions, cli: Cli): Promise<number> {
  const { output, interruption } = cli
  const { dryRun, json, keep, olderThanMs } = options
  const found = await readForPrune(repository.location, repository.context())
  if (found.etag === undefined) throw noMetadata(repository)
  const decisions = planPrune(found, { keep, olderThanMs, isMeant: chooser(options) })
  const going = decisions.filter(({ decision }) => decision === 'goes')
  if (!json) for (const line of planLines(decisions)) output.print(line)
  if (dryRun || going.length === 0) {
    if (json) output.printJson(report(repository, decisions, new Map(), options, found, { ok: true }))
    else output.print(`${repository.name}: ${planVerdict(decisions, options)}`)
    tellUnclear(found, repository, cli)
    return ExitCode.done
  }

  await ensureSignable(repository, options)
  const outcomes = await deletePlanned(repository, going, found.heldPackages, cli)
  for (const [path, outcome] of outcomes) tellOutcome(path, outcome, cli)
  if (!json) output.print(`${repository.name}: ${doneVerdict(going, outcomes)}`)
  let settled: Settled = { ok: true }
  if (interruption.signal.aborted) output.tell('interrupted: the same command again does the rest')
  else settled = await settleChange(repository, expectationsOf(going, outcomes), options, cli)
  const ok = settled.ok && [...outcomes.values()].every(isDone)
  if (json) output.printJson(report(repository, decisions, outcomes, options, found, { ...settled, ok }))
  tellUnclear(found, repository, cli)
  return ok ? ExitCode.done : ExitCode.failed
}

function chooser({ names, arches }: PruneOptions): (candidate: PrunablePackage) => boolean {
  const [nameIs, archIs] = [names, arches].map((patterns) => {
    const expressions = patterns.map(globExpression)
    return (text: string) => expressions.length === 0 || expressions.some((expression) => expression.test(text))
  })
  return ({ name, arch }) => nameIs?.(name) !== false && archIs?.(arch) !== false
}

/** Of every package of which something goes, or would but for a kept generation, what goes and what stays. */
function planLines(decisions: readonly PruneDecision[]): string[] {
  const touched = new Set(decisions.flatMap((one) => (one.decision === 'goes' || isKept(one) ? [groupOf(one)] : [])))
  const shown = decisions.filter((one) => touched.has(groupOf(one)))
  return table(
    shown.map((one) => [
      one.decision,
      showNevra(one),
      formatBytes(one.size).padStart(6),
      one.lastModified.toISOString().slice(0, 10),
      one.path,
      one.decision === 'stays' ? whyStays(one) : '',
    ]),
  ).map((line) => line.trimEnd())
}

type Kept = Extract<PruneDecision, { because: 'in a kept generation' }>

function isKept(one: PruneDecision): one is Kept {
  return one.decision === 'stays' && one.because === 'in a kept generation'
}

function whyStays(one: Extract<PruneDecision, { decision: 'stays' }>): string {
  return isKept(one) ? `${one.because} (${enumerate(one.keptBy, 3)})` : one.because
}

function groupOf({ name, arch }: PruneDecision): string {
  return JSON.stringify([name, arch])
}

function expectationsOf(going: readonly PruneDecision[], outcomes: ReadonlyMap<string, DeleteOutcome>) {
  return going.flatMap(({ path }) => {
    const kind = outcomes.get(path)?.kind
    return kind === 'deleted' || kind === 'gone already' ? [{ path, sha256: undefined }] : []
  })
}

function planVerdict(decisions: readonly PruneDecision[], { keep, olderThanMs, dryRun }: PruneOptions): string {
  const going = decisions.filter(({ decision }) => decision === 'goes')
  const staying = decisions.length - going.length
  const kept = decisions.filter(isKept)
  if (going.length === 0 && kept.length > 0) {
    const by = [...new Set(kept.flatMap(({ keptBy }) => keptBy))].toSorted()
    const what = `${count(kept.length, 'package')} beyond ${keep === 1 ? 'the newest version' : `the ${keep} newest versions`}`
    return `nothing goes: ${what} ${kept.length === 1 ? 'is' : 'are'} in a kept generation (${enumerate(by, 5)}); ${staying} stay`
  }
  if (going.length === 0) {
    const age = olderThanMs === undefined ? '' : ' that is old enough'
    return `nothing goes: no package has more than ${count(keep, 'version')}${age} (${staying} stay)`
  }
  const remark = dryRun ? ' (dry run: nothing was changed, --yes does it)' : ''
  return `${count(going.length, 'package')} would go, ${staying} stay, ${formatBytes(bytesOf(going))} would be freed${remark}`
}

function doneVerdict(going: readonly PruneDecision[], outcomes: ReadonlyMap<string, DeleteOutcome>): string {
  const kinds = ['deleted', 'gone already', 'changed', 'kept', 'failed', 'not done'] as const
  const counts = kinds.flatMap((kind) => {
    const number = going.filter(({ path }) => outcomes.get(path)?.kind === kind).length
    return number === 0 ? [] : [`${number} ${kind}`]
  })
  const freed = bytesOf(going.filter(({ path }) => outcomes.get(path)?.kind === 'deleted'))
  return `${counts.join(', ')}, ${formatBytes(freed)} freed`
}

function bytesOf(packages: readonly PruneDecision[]): number {
  return packages.reduce((sum, { size }) => sum + size, 0)
}

function tellUnclear({ unclear }: ReadForPrune, { name, toCopy }: OpenRepository, { output }: Cli): void {
  if (unclear.length === 0) return
  const [are, they] = unclear.length === 1 ? ['is', 'it stays'] : ['are', 'they stay']
  output.tell(
    `${count(unclear.length, 'file')} ${are} not listed as what the bucket holds, so ${they}: "${toCopy('plan', name)}" says which`,
  )
}

function report(
  { name }: OpenRepository,
  decisions: readonly PruneDecision[],
  outcomes: ReadonlyMap<string, DeleteOutcome>,
  { dryRun, keep, olderThanMs }: PruneOptions,
  { unclear }: ReadForPrune,
  { ok, published, waited }: Settled,
) {
  const going = decisions.filter(({ decision }) => decision === 'goes')
  const freed = dryRun ? going : going.filter(({ path }) => outcomes.get(path)?.kind === 'deleted')
  const packages = decisions.map((one) => {
    const { kind: status = one.decision, ...details } = outcomes.get(one.path) ?? {}
    const because = one.decision === 'stays' ? one.because : undefined
    const keptBy = isKept(one) ? one.keptBy : undefined
    const { path: location, size, lastModified } = one
    return { nevra: showNevra(one), location, size, lastModified, status, because, keptBy, ...details }
  })
  const olderThanSeconds = olderThanMs === undefined ? undefined : olderThanMs / 1_000
  const policy = { keep, olderThanSeconds }
  return { repository: name, dryRun, ok, ...policy, bytesFreed: bytesOf(freed), packages, unclear, published, waited }
}
