/**
 * Repair: an audit, what mends its findings, and an audit of that. Everything is published the way of every change: by
 * compare-and-swap of repomd.xml, after another look at the bucket.
 */
import type { RepomdRecord } from '@repokeeper/repodata'
import { type AuditOptions, type AuditReport, auditRepository, policyFor } from './audit.ts'
import { isOurs, keyOf } from './audit-documents.ts'
import type { AuditFinding, Mend } from './audit-finding.ts'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { keepGeneration } from './generations.ts'
import { renewGeneration } from './publish.ts'
import { rebuildRepository } from './rebuild.ts'
import { type ReconcileOptions, reconcile } from './reconcile.ts'
import { RepositoryError } from './repository-error.ts'
import { keepSignature } from './signature.ts'
import { readSnapshot } from './snapshot.ts'

export interface RepairReport {
  /** What was found. */
  readonly before: AuditReport
  /** What was done, in order. */
  readonly repairs: readonly Repair[]
  /** What is left; `before` itself where there was nothing to mend. */
  readonly after: AuditReport
}

export type Repair =
  | { readonly kind: 'rebuilt'; readonly packages: number; readonly revision: string }
  /** Paths that went the way of every change, and the generation that came of it, if any. */
  | { readonly kind: 'reconciled'; readonly packages: number; readonly revision: string | undefined }
  /** Packages that the metadata lists no more, because of their signatures. They stay in the bucket. */
  | { readonly kind: 'taken-out'; readonly packages: number; readonly revision: string | undefined }
  /** Types of the records that repomd.xml names no more. */
  | { readonly kind: 'dropped-records'; readonly records: readonly string[] }
  /** What is published now has its signature. */
  | { readonly kind: 'signed' }
  /** The mirrorlist names what is published now, and that is whole. */
  | { readonly kind: 'followed' }

export interface RepairOptions extends AuditOptions {
  /** Before anything is written: what is about to be mended. May throw to leave everything as it is. */
  readonly onRepair?: (before: AuditReport) => void | Promise<void>
  /** Of a rebuild: packages read so far, and all of them. */
  readonly onRebuild?: (read: number, total: number) => void
}

/** Keys that are reconciled together: what is laid aside of their entries lies on disk meanwhile. */
const keysAtOnce = 5_000
/** Lost races before a record is left for the next time. */
const conflictsMax = 10

/** @throws RepositoryError, StoreError: what was mended until then stays mended */
export async function repairRepository(
  location: RepositoryLocation,
  given: RepositoryContext,
  options: RepairOptions = {},
): Promise<RepairReport> {
  const context = { ...given, packagePolicy: policyFor(options, given) }
  const before = await auditRepository(location, context, options)
  const mendable = before.findings.filter(({ mend }) => mend !== 'by-hand')
  if (mendable.length === 0) return { before, repairs: [], after: before }
  await options.onRepair?.(before)

  const repairs: Repair[] = []
  let refused: ReadonlyMap<string, string> = new Map()
  if (mendable.some(({ mend }) => mend === 'rebuild')) {
    const { onRebuild } = options
    const report = await rebuildRepository(location, context, onRebuild === undefined ? {} : { onProgress: onRebuild })
    repairs.push({ kind: 'rebuilt', packages: report.packages, revision: report.revision })
  } else {
    const pathsOf = (wanted: Mend): string[] => mendable.flatMap(({ mend, path }) => (mend === wanted ? [path] : []))
    const paths = pathsOf('reconcile')
    if (paths.length > 0) {
      const mended = await reconcilePaths(location, paths, context)
      repairs.push({ kind: 'reconciled', packages: paths.length, revision: mended.revision })
      refused = mended.refused
    }
    const untrusted = pathsOf('take-out')
    if (untrusted.length > 0) {
      const mended = await reconcilePaths(location, untrusted, context, { takesOut: true })
      repairs.push({ kind: 'taken-out', packages: mended.refused.size, revision: mended.revision })
    }
  }
  if (mendable.some(({ mend }) => mend === 'drop-record')) {
    const records = await dropMissingRecords(location, context)
    if (records.length > 0) repairs.push({ kind: 'dropped-records', records })
  }
  if (mendable.some(({ mend }) => mend === 'sign')) {
    // What was published for the other findings is signed already.
    await keepSignature(location, context)
    repairs.push({ kind: 'signed' })
  }
  if (mendable.some(({ mend }) => mend === 'follow')) {
    // Without its key what is signed cannot be made anew.
    const isMended = await keepGeneration(location, context, options.deep === true ? 'digests' : 'sizes')
    if (isMended) repairs.push({ kind: 'followed' })
  }

  const after = await auditRepository(location, context, options)
  return { before, repairs, after: withoutRefused(after, refused) }
}

async function reconcilePaths(
  location: RepositoryLocation,
  paths: readonly string[],
  context: RepositoryContext,
  options: Pick<ReconcileOptions, 'takesOut'> = {},
): Promise<{ readonly refused: ReadonlyMap<string, string>; readonly revision: string | undefined }> {
  const refused = new Map<string, string>()
  let last: string | undefined
  for (let start = 0; start < paths.length; start += keysAtOnce) {
    const keys = paths.slice(start, start + keysAtOnce).map((path) => `${location.root}${path}`)
    const { verdicts, revision } = await reconcile(location, new Set(keys), context, options)
    last = revision ?? last
    for (const [key, verdict] of verdicts) {
      if (verdict.kind === 'refused') refused.set(key.slice(location.root.length), `${verdict.code}: ${verdict.reason}`)
    }
  }
  return { refused, revision: last }
}

/**
 * Takes out of repomd.xml what names a document that is gone: comps, updateinfo and the like, which cannot be made again
 * from packages. dnf gives a repository up where one of the files it asks for is missing; without the record it does
 * without groups or advisories, which are lost either way. A record whose document is there, but another one, stays: a
 * person may have put it there, and it is for them to say so.
 */
async function dropMissingRecords(location: RepositoryLocation, context: RepositoryContext): Promise<string[]> {
  for (let conflicts = 0; conflicts < conflictsMax; conflicts += 1) {
    const snapshot = await readSnapshot(location, context)
    const gone = new Set<RepomdRecord>()
    for (const record of snapshot.repomd.records) {
      const key = keyOf(location, record)
      if (key === undefined || isOurs(record.type)) continue
      if ((await location.store.head(key, withSignal(context))) === undefined) gone.add(record)
    }
    if (gone.size === 0) return []
    const records = snapshot.repomd.records.filter((record) => !gone.has(record))
    const repomd = { ...snapshot.repomd, records }
    const outcome = await renewGeneration(location, { ...snapshot, repomd }, context)
    if (outcome.kind === 'published') return [...gone].map(({ type }) => type)
  }
  const repository = describeLocation(location)
  const message = `${repository}: ${conflictsMax} publishes in a row were lost to others; try again, or stop the workers meanwhile`
  throw new RepositoryError('CONTENTION', message, repository)
}

/** What stays listed as it was, because it cannot be read here or would not be let in today, is as good as it gets. */
function withoutRefused(report: AuditReport, refused: ReadonlyMap<string, string>): AuditReport {
  const isRefused = (finding: AuditFinding): boolean => !('record' in finding) && refused.has(finding.path)
  const left = report.findings.filter((finding) => !isRefused(finding))
  const notes = report.findings.filter(isRefused).map(({ path }) => ({
    kind: 'unchecked' as const,
    path,
    reason: `it stays as it is listed: ${refused.get(path)}`,
  }))
  return { ...report, findings: left, notes: [...report.notes, ...notes] }
}
