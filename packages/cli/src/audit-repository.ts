/**
 * The work of `audit`: what is wrong with a repository, and with `--repair` what is left of it.
 */
import {
  type AuditFinding,
  type AuditOptions,
  type AuditReport,
  auditRepository,
  type Repair,
  type RepairReport,
  repairRepository,
  verifierOf,
} from '@repokeeper/repository'
import { formatDuration } from '@repokeeper/worker/duration'
import type { Cli } from './cli.ts'
import { keyToName, whatKeyIs } from './command-to-copy.ts'
import { ExitCode } from './failure.ts'
import { nothingThere, type OpenRepository } from './open-repository.ts'
import { policyReminder } from './policy-reminder.ts'
import { type Progress, startProgress } from './progress.ts'
import { ensureConditions } from './publish-changes.ts'
import { refuseReplica } from './refuse-replica.ts'
import { count, enumerate, table } from './text-layout.ts'

interface AuditCommandOptions {
  readonly deep: boolean
  /** With the policy of the context. */
  readonly signatures: boolean
  readonly repair: boolean
  readonly json: boolean
  /** Default: half a minute for a bucket, nothing for a directory, which no worker watches. */
  readonly settleMs: number | undefined
}

/** A worker gathers notifications for 20 s at most, unless it is told otherwise, and publishes in a few more. */
const settleMsDefault = 30_000

/** @returns the exit code: 0 where nothing is found, or left after a repair, else 1 */
export async function audit(repository: OpenRepository, options: AuditCommandOptions, cli: Cli): Promise<number> {
  const { output } = cli
  await refuseReplica(repository, 'audited by its times')
  const reading = new ReadingProgress(output)
  const auditOptions = toAuditOptions(repository, options, reading, cli)
  const repaired = options.repair ? await repair(repository, auditOptions, reading, cli) : undefined
  const report =
    repaired?.after ??
    (await auditRepository(repository.location, repository.context(), auditOptions).finally(() => reading.end()))
  if (report.inBucket === 0 && report.revision === undefined && report.findings.length === 0) {
    throw nothingThere(repository)
  }

  const ok = report.findings.length === 0
  if (options.json) {
    const found = repaired === undefined ? {} : { found: repaired.before.findings, repairs: repaired.repairs }
    output.printJson({ ...report, repository: repository.name, ok, ...found })
  } else {
    tell(repository, report, repaired, cli)
    const isRepaired = repaired !== undefined
    const key = ok || isRepaired ? [] : await keyToName(repository, cli.environment)
    const reminder = isRepaired || options.signatures ? '' : policyReminder(repository, cli.environment)
    advise(report, repository, { isRepaired, key, reminder }, cli)
  }
  return ok ? ExitCode.done : ExitCode.failed
}

function toAuditOptions(
  { isDirectory, context }: OpenRepository,
  { deep, signatures, settleMs = isDirectory ? 0 : settleMsDefault }: AuditCommandOptions,
  reading: ReadingProgress,
  { output }: Cli,
): AuditOptions {
  return {
    deep,
    signatures: signatures ? verifierOf(context().packagePolicy) : undefined,
    settleMs,
    onSettle(suspects) {
      reading.end()
      const what = count(suspects, 'thing looks', 'things look')
      output.tell(
        `${what} wrong; again in ${formatDuration(settleMs)}, for what is being published just now is no drift`,
      )
    },
    onProgress: (read, total) => reading.show('bytes', read, total),
    onPackages: (read, total) => reading.show('packages', read, total),
  }
}

async function repair(
  repository: OpenRepository,
  options: AuditOptions,
  reading: ReadingProgress,
  { output }: Cli,
): Promise<RepairReport> {
  return repairRepository(repository.location, repository.context(), {
    ...options,
    async onRepair({ findings }) {
      reading.end()
      await ensureConditions(repository)
      output.tell(`mending ${count(findings.length, 'finding')}`)
    },
    onRebuild: (read, total) => reading.show('packages', read, total),
  }).finally(() => reading.end())
}

/** A bar for what is read now; audits and rebuilds take turns. */
class ReadingProgress {
  readonly #output: Cli['output']
  #progress: Progress | undefined
  #unit: 'bytes' | 'packages' = 'bytes'
  #known = 0

  constructor(output: Cli['output']) {
    this.#output = output
  }

  show(unit: 'bytes' | 'packages', read: number, total: number): void {
    // What has begun again reads from the start.
    if (this.#unit !== unit || read < this.#known) this.end()
    this.#unit = unit
    this.#progress ??= startProgress(this.#output, { doing: 'reading', unit, total })
    this.#progress.setTotal(total)
    this.#progress.advance(read - this.#known)
    this.#known = read
  }

  end(): void {
    this.#progress?.end()
    this.#progress = undefined
    this.#known = 0
  }
}

function tell(repository: OpenRepository, report: AuditReport, repaired: RepairReport | undefined, cli: Cli): void {
  const { output } = cli
  const { name, isDirectory } = repository
  const { findings, notes, signers = [], inBucket, listed, revision } = report
  if (repaired !== undefined && repaired.repairs.length > 0) {
    for (const line of table(rowsOf(repaired.before.findings))) output.print(`found  ${line}`)
    for (const done of repaired.repairs) output.print(`mended  ${describeRepair(done, isDirectory)}`)
  }
  const left = repaired !== undefined && repaired.repairs.length > 0 ? 'left  ' : ''
  for (const line of table(rowsOf(findings))) output.print(`${left}${line}`)
  for (const { path, reason } of notes) output.print(`note  ${path}  ${reason}`)
  for (const { keyId = 'unknown', userId = '', packages } of signers) {
    output.print(`note  key ${keyId}  has signed ${count(packages, 'package')}: ${userId}`)
  }
  const generation =
    revision === undefined ? 'no readable metadata' : `${listed ?? 'an unknown number'} listed in revision ${revision}`
  output.print(
    `${name}: ${count(inBucket, 'package')} in the ${isDirectory ? 'directory' : 'bucket'}${unusable(notes)}, ${generation}: ${verdict(report)}`,
  )
}

/** Why fewer are listed than are there, and nothing is wrong with that. */
function unusable(notes: AuditReport['notes']): string {
  const number = notes.filter(({ kind }) => kind === 'unusable').length
  return number === 0 ? '' : ` (${number} unusable)`
}

/** Of notes nothing is to be mended, but they are there to be read. */
function verdict({ findings, notes }: AuditReport): string {
  if (notes.length === 0) return findings.length === 0 ? 'nothing is wrong' : count(findings.length, 'finding')
  return `${findings.length === 0 ? 'nothing to mend' : count(findings.length, 'finding')}, ${count(notes.length, 'note')}`
}

function rowsOf(findings: readonly AuditFinding[]): string[][] {
  return findings.map((finding) => [
    finding.kind,
    'record' in finding ? `${finding.record} ${finding.path}` : finding.path,
    finding.problem,
  ])
}

function describeRepair(repair: Repair, isDirectory: boolean): string {
  switch (repair.kind) {
    case 'signed':
      return 'repomd.xml was signed'
    case 'followed':
      return 'the mirrorlist names what is published, and that is whole'
    case 'rebuilt':
      return `primary, filelists and other were written anew from ${count(repair.packages, 'package')} (revision ${repair.revision})`
    case 'reconciled': {
      const published = repair.revision === undefined ? 'nothing had to be published' : `revision ${repair.revision}`
      return `${count(repair.packages, 'package')} looked at in the ${isDirectory ? 'directory' : 'bucket'} (${published})`
    }
    case 'taken-out':
      return `${count(repair.packages, 'package')} taken out of the metadata; the files are still in the bucket`
    case 'dropped-records':
      return `repomd.xml does not name ${enumerate(repair.records)} any more`
  }
}

interface Advice {
  readonly isRepaired: boolean
  /** Options that name the key. */
  readonly key: readonly string[]
  /** Of the policy; empty: there is none to give. */
  readonly reminder: string
}

/** Once for each way of mending, not once for each finding. */
function advise(
  { findings, deep, signers }: AuditReport,
  { name, toCopy }: OpenRepository,
  { isRepaired, key, reminder }: Advice,
  { output }: Cli,
): void {
  const mendable = findings.filter(({ mend }) => mend !== 'by-hand')
  const flags = [...(deep ? ['--deep'] : []), ...(signers === undefined ? [] : ['--signatures']), '--repair', ...key]
  const placeholder = key.length === 0 ? '' : ` (${whatKeyIs})`
  if (mendable.length > 0) {
    output.tell(
      isRepaired
        ? 'What is left changed while it was mended, or could not be: try again.'
        : `"${toCopy('audit', name, ...flags)}" mends ${mendable.length === findings.length ? 'this' : `${mendable.length} of these`}${placeholder}.`,
    )
  }
  if (reminder !== '' && mendable.some(letsIn)) output.tell(reminder)
  const untrusted = findings.filter(({ mend }) => mend === 'take-out')
  if (untrusted.length > 0 && !isRepaired) {
    output.tell(`It takes ${count(untrusted.length, 'package')} out of the metadata; the files stay in the bucket.`)
  }
  for (const { path, remedy } of findings.filter(({ mend }) => mend === 'by-hand')) output.tell(`${path}: ${remedy}`)
}

/** To mend it packages are listed that were not. */
function letsIn({ kind, mend }: AuditFinding): boolean {
  return mend === 'rebuild' || (mend === 'reconcile' && kind !== 'vanished')
}
