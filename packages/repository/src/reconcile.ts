/**
 * Brings the metadata of some keys to what the bucket holds: snapshot, observe, plan, patch, publish, look again.
 */
import { StoreError } from '@repokeeper/object-store'
import { DocumentError } from '@repokeeper/repodata'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { type Observation, observeAll } from './observe.ts'
import { PackageReader } from './package-reader.ts'
import { draftGeneration, dropDraft, keepDraft } from './patch.ts'
import { changesMetadata, type PlannedChange, planChanges, type RepositoryPlan } from './plan.ts'
import { type PublishOutcome, publishDraft } from './publish.ts'
import { RepositoryError } from './repository-error.ts'
import { explain, readSnapshot, type Snapshot } from './snapshot.ts'

/** What became of one key. */
export type KeyVerdict =
  /** The published metadata says what the bucket held when it was looked at last. */
  | { readonly kind: 'covered'; readonly change: 'added' | 'replaced' | 'removed' | 'kept' | 'absent' }
  /** The object is no usable package; it is not listed. */
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string }

export interface ReconcileReport {
  readonly verdicts: ReadonlyMap<string, KeyVerdict>
  /** Keys that were asked for and that nothing is said of, with the reason: they are to be tried again. */
  readonly undecided: ReadonlyMap<string, unknown>
  /** Of the last generation that was published here; `undefined` where nothing had to be. */
  readonly revision: string | undefined
  /** Publishes that landed, and those that were lost to others. */
  readonly publishes: number
  readonly conflicts: number
  readonly bytesSent: number
}

/** Lost races before giving up: with the waits between, some minutes. The messages come back then. */
const conflictsMax = 30
/** Keys that change during each of so many publishes are left for later. */
const roundsMax = 10
/** The wait after a lost race: a random part of a time that doubles up to a bound. */
const backoff = { firstMs: 50, longestMs: 5_000 } as const

/**
 * @param keys of objects below the repository's root, as the store names them
 * @throws RepositoryError, StoreError: then nothing is said of any key, and all of them are to be tried again
 */
export async function reconcile(
  location: RepositoryLocation,
  keys: ReadonlySet<string>,
  context: RepositoryContext,
): Promise<ReconcileReport> {
  const { root } = location
  const paths = new Map([...keys].map((key) => [key.slice(root.length), key]))
  const verdicts = new Map<string, KeyVerdict>()
  const undecided = new Map<string, unknown>()
  const tally = { publishes: 0, conflicts: 0, bytesSent: 0, revision: undefined as string | undefined }
  const decide = (
    path: string,
    verdict: KeyVerdict | { readonly kind: 'undecided'; readonly error: unknown },
  ): void => {
    const key = paths.get(path) ?? `${root}${path}`
    verdicts.delete(key)
    undecided.delete(key)
    if (verdict.kind === 'undecided') undecided.set(key, verdict.error)
    else verdicts.set(key, verdict)
  }

  const reader = await PackageReader.open(location, context)
  try {
    let pending: ReadonlySet<string> = new Set(paths.keys())
    for (let round = 1; pending.size > 0 && round <= roundsMax; round += 1) {
      const published = await publishOnce(location, pending, reader, tally, context)
      for (const change of published.plan.changes) decide(change.path, verdictOf(change))
      if (!published.swapped) break
      const looked = await lookAgain(location, published.observations, context)
      const error = contention(location, 'it changed during every publish')
      for (const path of looked.changed) decide(path, { kind: 'undecided', error })
      for (const [path, fault] of looked.faults) decide(path, { kind: 'undecided', error: fault })
      pending = looked.changed
      if (pending.size > 0) {
        context.onEvent({ kind: 'changed meanwhile', repository: describeLocation(location), paths: [...pending] })
      }
    }
    return { verdicts, undecided, ...tally }
  } finally {
    await reader.close()
  }
}

interface Published {
  readonly observations: readonly Observation[]
  readonly plan: RepositoryPlan
  /** repomd.xml was written; otherwise it said already what is so. */
  readonly swapped: boolean
}

/** From the snapshot on, until a swap lands or none is needed. */
async function publishOnce(
  location: RepositoryLocation,
  paths: ReadonlySet<string>,
  reader: PackageReader,
  tally: { publishes: number; conflicts: number; bytesSent: number; revision: string | undefined },
  context: RepositoryContext,
): Promise<Published> {
  const repository = describeLocation(location)
  for (let conflicts = 0; ; ) {
    const startedAt = context.now().getTime()
    const snapshot = await readSnapshot(location, context)
    const observations = await observeAll(location, paths, snapshot.index, reader, context)
    const plan = planChanges(observations)
    if (!changesMetadata(plan)) {
      tell(repository, plan, observations, context)
      return { observations, plan, swapped: false }
    }
    context.onEvent({ kind: 'planned', repository, ...countsOf(plan) })

    const { outcome, packages } = await draftAndPublish(location, snapshot, plan, context)
    if (outcome.kind === 'published') {
      tally.publishes += 1
      tally.bytesSent += outcome.bytesSent
      tally.revision = outcome.revision
      tell(repository, plan, observations, context)
      const milliseconds = context.now().getTime() - startedAt
      const { revision, bytesSent } = outcome
      context.onEvent({ kind: 'published', repository, revision, packages, bytesSent, milliseconds })
      return { observations, plan, swapped: true }
    }

    conflicts += 1
    tally.conflicts += 1
    if (conflicts === conflictsMax) throw contention(location, `${conflictsMax} publishes in a row were lost to others`)
    const waitMilliseconds = backoffMs(conflicts, context.random())
    context.onEvent({ kind: 'lost the race', repository, attempt: conflicts, waitMilliseconds })
    await context.sleep(waitMilliseconds, context.signal)
  }
}

async function draftAndPublish(
  location: RepositoryLocation,
  snapshot: Snapshot,
  plan: RepositoryPlan,
  context: RepositoryContext,
): Promise<{ outcome: PublishOutcome; packages: number }> {
  const draft = await draftGeneration(snapshot, plan, context)
    .catch((error: unknown) => {
      if (!(error instanceof DocumentError)) throw error
      // The copy on disk may be at fault, not what is published.
      context.cache.distrust()
      return draftGeneration(snapshot, plan, context)
    })
    .catch((error: unknown) => {
      throw explain(error, location)
    })
  try {
    const outcome = await publishDraft(location, snapshot, draft, context)
    if (outcome.kind === 'published') await keepDraft(draft, context)
    return { outcome, packages: draft.primary.packages }
  } finally {
    await dropDraft(draft)
  }
}

/**
 * The last look: keys whose objects are not what was observed before the swap. Without it a slow worker could list for
 * ever what was deleted, and dealt with by others, while it published.
 */
export async function lookAgain(
  location: RepositoryLocation,
  observations: readonly Observation[],
  context: RepositoryContext,
): Promise<{ readonly changed: Set<string>; readonly faults: Map<string, StoreError> }> {
  const changed = new Set<string>()
  const faults = new Map<string, StoreError>()
  await inParallel(observations, context.packageReadsMax, async (observation) => {
    if (observation.kind === 'fault') return
    const { path } = observation
    try {
      const now = await location.store.head(`${location.root}${path}`, withSignal(context))
      const before = observation.kind === 'absent' ? undefined : observation.head
      if (now?.etag !== before?.etag) changed.add(path)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      faults.set(path, error)
    }
  })
  return { changed, faults }
}

function verdictOf(change: PlannedChange): KeyVerdict | { readonly kind: 'undecided'; readonly error: unknown } {
  switch (change.kind) {
    case 'add':
      return { kind: 'covered', change: 'added' }
    case 'replace':
      return { kind: 'covered', change: 'replaced' }
    case 'remove':
      return { kind: 'covered', change: 'removed' }
    case 'keep':
      return { kind: 'covered', change: 'kept' }
    case 'absent':
      return { kind: 'covered', change: 'absent' }
    case 'refuse':
      return { kind: 'refused', code: change.code, reason: change.reason }
    case 'undecided':
      return { kind: 'undecided', error: change.error }
  }
}

function countsOf({ changes }: RepositoryPlan): { added: number; replaced: number; removed: number } {
  const count = (kind: PlannedChange['kind']): number => changes.filter((change) => change.kind === kind).length
  return { added: count('add'), replaced: count('replace'), removed: count('remove') }
}

/** What people should know of the packages, once it holds. */
function tell(
  repository: string,
  { changes }: RepositoryPlan,
  observations: readonly Observation[],
  context: RepositoryContext,
): void {
  for (const change of changes) {
    if (change.kind !== 'refuse') continue
    const { path, code, reason } = change
    context.onEvent({ kind: 'refused', repository, path, code, reason })
  }
  for (const observation of observations) {
    if (observation.kind !== 'package') continue
    for (const message of observation.warnings) {
      context.onEvent({ kind: 'warning', repository, subject: observation.path, message })
    }
  }
}

/** Full jitter: anything from nothing to a bound that doubles with each lost race. */
function backoffMs(conflicts: number, chance: number): number {
  return Math.round(chance * Math.min(backoff.longestMs, backoff.firstMs * 2 ** (conflicts - 1)))
}

function contention(location: RepositoryLocation, why: string): RepositoryError {
  const repository = describeLocation(location)
  return new RepositoryError('CONTENTION', `${repository}: ${why}; it is tried again later`, repository)
}
