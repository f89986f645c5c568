/**
 * Reconcile, for keys some of which lie in an inbox: these are admitted first, and then it is their targets that are reconciled, so that a message about
 * an inbox is settled by the publish that lists its package.
 */
import { admitPackage } from './admit-package.ts'
import { describeLocation, type RepositoryContext, type RepositoryLocation } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { inboxPlaceOf, type PackageInbox } from './package-inbox.ts'
import { type KeyVerdict, type ReconcileOptions, type ReconcileReport, reconcile } from './reconcile.ts'

/**
 * A key of an inbox has the verdict of its target; one that was rejected is covered, `absent`: nothing of it is to be listed.
 *
 * @param keys of this repository, and of inboxes whose packages are meant for it
 * @throws like `reconcile`
 */
export async function reconcileInbox(
  location: RepositoryLocation,
  keys: ReadonlySet<string>,
  inboxes: readonly PackageInbox[],
  context: RepositoryContext,
  options: ReconcileOptions = {},
): Promise<ReconcileReport> {
  let report: ReconcileReport | undefined
  for (let waiting: ReadonlySet<string> = keys; report === undefined || waiting.size > 0; ) {
    const joined = new Set<string>()
    const joining = (): string[] => {
      const more = [...(options.joining?.() ?? [])]
      // To admit takes a while, and whoever asks has lost a race just now: these have their turn afterwards.
      for (const key of more) if (inboxPlaceOf(key, inboxes) !== undefined) joined.add(key)
      return more.filter((key) => !joined.has(key))
    }
    const next = await admitAndReconcile(location, waiting, inboxes, context, { ...options, joining })
    report = report === undefined ? next : merge(report, next)
    waiting = joined
  }
  return report
}

async function admitAndReconcile(
  location: RepositoryLocation,
  keys: ReadonlySet<string>,
  inboxes: readonly PackageInbox[],
  context: RepositoryContext,
  options: ReconcileOptions,
): Promise<ReconcileReport> {
  const targets = new Map<string, string>()
  const rejected = new Set<string>()
  const faults = new Map<string, unknown>()
  await inParallel([...keys], context.packageReadsMax, async (key) => {
    const place = inboxPlaceOf(key, inboxes)
    if (place === undefined) return
    try {
      const admission = await admitPackage(location, key, place, context)
      // Also what was rejected: another file of that name may be there only since a worker copied it, and died before it was listed.
      if (place.target.startsWith(location.root)) targets.set(key, place.target)
      else rejected.add(key)
      if (admission.kind !== 'rejected') return
      rejected.add(key)
      const { code, reason, movedTo } = admission
      const repository = describeLocation(location)
      context.onEvent({ kind: 'rejected', repository, key, code, reason, movedTo })
    } catch (error) {
      if (context.signal?.aborted) throw error
      faults.set(key, error)
    }
  })
  const [fault] = faults.values()
  // The store itself is out, most likely: that is for the caller to know.
  if (faults.size > 0 && faults.size === keys.size) throw fault
  const own = [...keys].filter((key) => inboxPlaceOf(key, inboxes) === undefined)
  const wanted = new Set([...own, ...targets.values()])
  const report = wanted.size === 0 ? nothingDone : await reconcile(location, wanted, context, options)
  const verdicts = new Map([
    ...report.verdicts,
    ...[...rejected].map((key): [string, KeyVerdict] => [key, nothingToList]),
  ])
  const undecided = new Map([...report.undecided, ...faults])
  for (const [key, target] of targets) {
    const verdict = report.verdicts.get(target)
    if (verdict === undefined) {
      verdicts.delete(key)
      undecided.set(key, report.undecided.get(target))
    } else if (!rejected.has(key)) verdicts.set(key, verdict)
  }
  return { ...report, verdicts, undecided }
}

const nothingToList: KeyVerdict = { kind: 'covered', change: 'absent' }

const nothingDone: ReconcileReport = {
  verdicts: new Map(),
  undecided: new Map(),
  revision: undefined,
  publishes: 0,
  conflicts: 0,
  bytesSent: 0,
}

function merge(first: ReconcileReport, next: ReconcileReport): ReconcileReport {
  return {
    verdicts: new Map([...first.verdicts, ...next.verdicts]),
    undecided: new Map([...first.undecided, ...next.undecided]),
    revision: next.revision ?? first.revision,
    publishes: first.publishes + next.publishes,
    conflicts: first.conflicts + next.conflicts,
    bytesSent: first.bytesSent + next.bytesSent,
  }
}
