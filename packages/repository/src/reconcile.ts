/**
 * Brings the metadata of some keys to what the bucket holds: snapshot, observe, plan, patch, publish, look again.
 */
import { StoreError } from '@repokeeper/object-store'
import { DocumentError } from '@repokeeper/repodata'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { keepFollowers } from './generations.ts'
import { inParallel } from './in-parallel.ts'
import { clockToleranceMs } from './known-generation.ts'
import { type Observation, type ObserveOptions, observeAll } from './observe.ts'
import { PackageReader } from './package-reader.ts'
import { draftGeneration, dropDraft, keepDraft } from './patch.ts'
import { changesMetadata, type PlannedChange, planChanges, type RepositoryPlan } from './plan.ts'
import { findLeftPledges, type Pledge, storePledge, takeBackPledges } from './pledge.ts'
import { type PublishOutcome, publishDraft, renewGeneration } from './publish.ts'
import { RepositoryError } from './repository-error.ts'
import { explain, readIndexedSnapshot, readSnapshot, readStoredRepomd, type Snapshot } from './snapshot.ts'

/** What became of one key. */
export type KeyVerdict =
  /** The published metadata says what the bucket held when it was looked at last. */
  | { readonly kind: 'covered'; readonly change: 'added' | 'replaced' | 'removed' | 'kept' | 'absent' }
  /** The object is no usable package, or not signed as it has to be; it is not listed. */
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

export interface ReconcileOptions {
  /**
   * A generation is published in any case, also where nothing is to be changed: then whatever others have begun on these
   * keys, with an older look at the bucket, cannot land any more.
   */
  readonly always?: boolean
  /** The same, and the documents are written anew, in the form of ours. */
  readonly rewrites?: boolean
  /** Asked after each lost race: more keys that may as well be published now, since everything is done again. */
  readonly joining?: () => Iterable<string>
  /** What is listed already is read as well, and goes where it is refused. Else what an older policy let in stays. */
  readonly takesOut?: boolean
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
  options: ReconcileOptions = {},
): Promise<ReconcileReport> {
  const { root } = location
  const { takesOut = false } = options
  const paths = new Map([...keys].map((key) => [key.slice(root.length), key]))
  const verdicts = new Map<string, KeyVerdict>()
  const undecided = new Map<string, unknown>()
  const tally: Tally = { publishes: 0, conflicts: 0, bytesSent: 0, revision: undefined, pledges: [] }
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
    let pending = new Set(paths.keys())
    /** Swapped in, and not looked at since. */
    const owed = new Set<string>()
    for (let round = 1; pending.size > 0 && round <= roundsMax; round += 1) {
      const published = await publishOnce(
        location,
        pending,
        reader,
        tally,
        context,
        round === 1 ? options : { takesOut },
      )
      for (const change of published.plan.changes) decide(change.path, verdictOf(change))
      for (const change of published.plan.changes) if (change.kind !== 'undecided') owed.delete(change.path)
      if (!published.swapped) break
      const looked = await lookAgain(location, published.observations, context)
      const error = contention(location, 'it changed during every publish')
      for (const path of looked.changed) decide(path, { kind: 'undecided', error })
      for (const [path, fault] of looked.faults) decide(path, { kind: 'undecided', error: fault })
      for (const path of [...looked.changed, ...looked.faults.keys()]) owed.add(path)
      pending = looked.changed
      if (pending.size > 0) {
        context.onEvent({ kind: 'changed meanwhile', repository: describeLocation(location), paths: [...pending] })
      }
    }
    const { pledges, ...done } = tally
    // Else somebody else will look: the messages come back, but only if nobody has deleted them meanwhile.
    if (owed.size === 0) await takeBackPledges(location, pledges, context)
    return { verdicts, undecided, ...done }
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

/**
 * Looks again, and writes what follows repomd.xml, in the stead of publishers that are gone (pledge.ts, repomd-follower.ts). To be called now and then, by any number of workers.
 *
 * @returns the keys that were looked at
 * @throws RepositoryError, StoreError: then it is to be tried again
 */
export async function keepLeftPledges(location: RepositoryLocation, context: RepositoryContext): Promise<string[]> {
  const left = await findLeftPledges(location, context)
  if (left.length === 0) {
    await keepFollowers(location, context)
    return []
  }
  const keys = new Set(left.flatMap(({ paths }) => paths.map((path) => `${location.root}${path}`)))
  // A swap that is still under way stands on a snapshot from before its pledge: one newer generation, whoever's, and it can't land.
  const stored = await readStoredRepomd(location, context)
  const isNewer = ({ storedAt }: Pledge): boolean =>
    stored !== undefined && stored.lastModified.getTime() > storedAt.getTime() + clockToleranceMs
  const { undecided } = await reconcile(location, keys, context, { always: !left.every(isNewer) })
  const isDecided = (path: string): boolean => !undecided.has(`${location.root}${path}`)
  const kept = left.filter(({ paths }) => paths.every(isDecided))
  await takeBackPledges(
    location,
    kept.map(({ key }) => key),
    context,
  )
  return [...keys]
}

/** What one `reconcile` has done so far. */
interface Tally {
  publishes: number
  conflicts: number
  bytesSent: number
  revision: string | undefined
  readonly pledges: string[]
}

/** From the snapshot on, until a swap lands or none is needed. */
async function publishOnce(
  location: RepositoryLocation,
  asked: ReadonlySet<string>,
  reader: PackageReader,
  tally: Tally,
  context: RepositoryContext,
  { rewrites = false, always = rewrites, joining = () => [], takesOut = false }: ReconcileOptions,
): Promise<Published> {
  const repository = describeLocation(location)
  const paths = new Set(asked)
  for (let conflicts = 0; ; ) {
    const startedAt = context.now().getTime()
    const { snapshot, observations } = await look(location, paths, reader, context, { readListed: takesOut })
    const plan = planChanges(observations, { takesOut })
    const changes = changesMetadata(plan)
    if (!changes && !always) {
      // What is published says it already, but who published it may have died before its signature and the mirrorlist followed.
      await keepFollowers(location, context)
      tell(repository, plan, observations, context)
      return { observations, plan, swapped: false }
    }
    context.onEvent({ kind: 'planned', repository, ...countsOf(plan) })

    const { outcome, packages } =
      changes || rewrites || snapshot.stored === undefined
        ? await draftAndPublish(location, snapshot, plan, tally, context)
        : { outcome: await renewGeneration(location, snapshot, context), packages: snapshot.lookup.count }
    if (outcome.kind === 'published') {
      tally.publishes += 1
      tally.bytesSent += outcome.bytesSent
      tally.revision = outcome.revision
      tell(repository, plan, observations, context)
      const milliseconds = context.now().getTime() - startedAt
      const { revision, bytesSent } = outcome
      context.onEvent({ kind: 'published', repository, revision, packages, bytesSent, milliseconds })
      return { observations, plan, swapped: changes }
    }

    conflicts += 1
    tally.conflicts += 1
    if (conflicts === conflictsMax) throw contention(location, `${conflictsMax} publishes in a row were lost to others`)
    const waitMilliseconds = backoffMs(conflicts, context.random())
    context.onEvent({ kind: 'lost the race', repository, attempt: conflicts, waitMilliseconds })
    await context.sleep(waitMilliseconds, context.signal)
    for (const key of joining()) paths.add(key.slice(location.root.length))
  }
}

/** Snapshot, then observe. A lookup that fails in between may be the fault of the copy on disk, or of a table: then all is read. */
async function look(
  location: RepositoryLocation,
  paths: ReadonlySet<string>,
  reader: PackageReader,
  context: RepositoryContext,
  options: ObserveOptions,
): Promise<{ readonly snapshot: Snapshot; readonly observations: readonly Observation[] }> {
  const snapshot = await readSnapshot(location, context)
  try {
    return { snapshot, observations: await observeAll(location, paths, snapshot.lookup, reader, context, options) }
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
  }
  context.cache.distrust()
  const whole = await readIndexedSnapshot(location, context)
  return { snapshot: whole, observations: await observeAll(location, paths, whole.lookup, reader, context, options) }
}

async function draftAndPublish(
  location: RepositoryLocation,
  snapshot: Snapshot,
  plan: RepositoryPlan,
  tally: Tally,
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
    const paths = plan.changes.filter(({ kind }) => kind !== 'undecided').map(({ path }) => path)
    const beforeSwap = async (): Promise<void> => void tally.pledges.push(await storePledge(location, paths, context))
    const outcome = await publishDraft(location, snapshot, draft, context, { beforeSwap })
    if (outcome.kind === 'published') await keepDraft(location, draft, snapshot.repomd, context)
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
