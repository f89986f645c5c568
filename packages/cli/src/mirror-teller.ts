/**
 * What `mirror` says of one upstream: lines for people, and plain data for the JSON report.
 */
import { showNevra } from '@repokeeper/repodata'
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import type { BroughtPackage, Companion, MirrorPlan, PrunedPackage, UpstreamPackage } from '@repokeeper/transfer'
import type { Cli } from './cli.ts'
import type { MirrorJob, MirrorManner, MirrorReport } from './mirror-repository.ts'
import type { Progress } from './progress.ts'
import type { Settled } from './settle-change.ts'
import { count } from './text-layout.ts'

export interface MirrorOutcome {
  readonly plan: MirrorPlan
  /** Those that were united. */
  readonly documents: readonly Companion[]
  readonly brought: readonly BroughtPackage[]
  readonly pruned: readonly PrunedPackage[]
  /** Of what came, and of what went. */
  readonly settled: readonly Settled[]
}

export class MirrorTeller {
  /** While packages come. */
  progress: Progress | undefined
  readonly #upstream: string
  readonly #repository: string
  readonly #options: { readonly job: MirrorJob; readonly manner: MirrorManner }
  readonly #cli: Cli

  constructor(
    upstream: string,
    repository: string,
    options: { readonly job: MirrorJob; readonly manner: MirrorManner },
    cli: Cli,
  ) {
    this.#upstream = upstream
    this.#repository = repository
    this.#options = options
    this.#cli = cli
  }

  hear({ file, outcome }: BroughtPackage): void {
    const { output } = this.#cli
    this.progress?.advance(file.size ?? 0)
    if (outcome.kind === 'failed') output.tell(`failed ${file.path}: ${outcome.reason}`)
    if (outcome.kind === 'refused') output.tell(`refused ${file.path}: ${outcome.reason}`)
    if (outcome.kind === 'different') output.tell(`refused ${file.path}: ${differs}`)
  }

  tellDocuments(documents: readonly Companion[]): void {
    this.#print(`${this.#repository}: ${documents.join(', ')} of ${this.#upstream} published`)
  }

  tellInterruption(brought: readonly BroughtPackage[]): MirrorReport {
    const left = brought.filter(({ outcome }) => outcome.kind === 'not done').length
    const done = count(brought.length - left, 'package')
    this.#cli.output.tell(`interrupted: ${done} done, ${left} left. The same command again does the rest.`)
    return { ok: false, interrupted: true, left }
  }

  tellPlan(plan: MirrorPlan, documents: readonly Companion[]): MirrorReport {
    const { fetch, check, different, kept, impossible, dropped, doubt } = plan
    const { job } = this.#options
    const would = job.replace ? 'would be replaced' : 'would be refused '
    for (const one of fetch) this.#print(`would be fetched   ${labelOf(one)}`)
    for (const one of check) this.#print(`would be checked   ${labelOf(one)}`)
    for (const one of different) this.#print(`${would}  ${labelOf(one)}`)
    for (const { file, reason } of impossible) this.#print(`cannot be fetched  ${labelOf(file)}: ${reason}`)
    const goes = job.prune && this.#mayPrune(plan)
    for (const { path } of dropped) this.#print(`${goes ? 'would be pruned   ' : 'no longer upstream'} ${path}`)
    for (const companion of documents) this.#print(`would be united    ${companion}`)
    if (job.prune && dropped.length > 0) this.#tellDoubt(plan)
    const bytes = formatBytes(fetch.reduce((sum, { size }) => sum + (size ?? 0), 0))
    const numbers = `${fetch.length} to fetch (${bytes}), ${kept.length} there already`
    this.#print(`${this.#repository}: ${numbers} (dry run: nothing was changed)`)
    return {
      ...{ ok: true, dryRun: true, documents, kept: kept.length, doubt },
      ...{ fetch: pathsOf(fetch), check: pathsOf(check), different: pathsOf(different), dropped: pathsOf(dropped) },
      impossible: impossible.map(({ file: { path }, reason }) => ({ path, reason })),
    }
  }

  report({ plan, documents, brought, pruned, settled }: MirrorOutcome): MirrorReport {
    const of = (kind: BroughtPackage['outcome']['kind']): BroughtPackage[] =>
      brought.filter(({ outcome }) => outcome.kind === kind)
    const [fetched, different, failed, left] = [of('fetched'), of('different'), of('failed'), of('not done')]
    const refused = of('refused')
    const there = plan.kept.length + of('there').length
    const deleted = pruned.filter(({ outcome }) => outcome.kind === 'deleted')
    const stays = plan.dropped.length - pruned.length
    const counts = [
      `${fetched.length} fetched`,
      `${there} there already`,
      ...(refused.length + different.length > 0 ? [`${refused.length + different.length} refused`] : []),
      ...(failed.length > 0 ? [`${failed.length} failed`] : []),
      ...(left.length > 0 ? [`${left.length} not done`] : []),
      ...(deleted.length > 0 ? [`${deleted.length} pruned`] : []),
    ]
    this.#print(`${this.#repository}: ${counts.join(', ')} (${this.#upstream})`)
    for (const { path, outcome } of pruned) {
      if (outcome.kind === 'changed')
        this.#cli.output.tell(`kept ${path}: it is another file now than the one that came`)
    }
    const { job } = this.#options
    if (left.length > 0) this.#cli.output.tell('upstream gives nothing any more: the same command again does the rest')
    if (stays > 0 && !job.prune) {
      this.#cli.output.tell(
        `${count(stays, 'package')} that upstream has no longer, or that is not chosen any more, stays; --prune deletes`,
      )
    }
    const isDoubted = job.prune && plan.dropped.length > 0 && !this.#mayPrune(plan)
    if (isDoubted) this.#tellDoubt(plan)
    const missing = [refused, different, failed, left].flat().length
    const ok = settled.every((one) => one.ok) && !isDoubted && missing === 0
    return {
      ...{ ok, fetched: filesOf(fetched), there, different: filesOf(different) },
      failed: failed.map(({ file: { path }, outcome }) => ({ path, ...outcome })),
      refused: refused.map(({ file: { path }, outcome }) => ({ path, ...outcome })),
      ...{ left: left.length, documents, dropped: pathsOf(plan.dropped), doubt: plan.doubt },
      pruned: pruned.map(({ path, outcome: { kind } }) => ({ path, kind })),
      settled: settled.map(({ published, waited }) => ({ published, waited })),
    }
  }

  #mayPrune({ doubt }: MirrorPlan): boolean {
    return doubt === undefined || this.#options.manner.forcePrune
  }

  #tellDoubt(plan: MirrorPlan): void {
    if (this.#mayPrune(plan)) return
    this.#cli.output.tell(`nothing is pruned: ${plan.doubt}. If that is as it should be, say --force-prune once`)
  }

  #print(line: string): void {
    if (!this.#options.manner.json) this.#cli.output.print(line)
  }
}

const differs = 'another file of this name is there already; --replace puts this one in its place'

function labelOf(one: UpstreamPackage): string {
  const place = one.base === undefined ? '' : ', elsewhere'
  return `${one.path}  (${showNevra(one)}, ${formatBytes(one.size ?? 0)}${place})`
}

function pathsOf(files: readonly { readonly path: string }[]): string[] {
  return files.map(({ path }) => path)
}

function filesOf(brought: readonly BroughtPackage[]): string[] {
  return brought.map(({ file }) => file.path)
}
