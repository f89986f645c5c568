/**
 * Rebuild: the metadata from the packages alone, whatever the published documents say. What isn't ours in repomd.xml stays.
 */
import { type ETag, type ListedObject, StoreError } from '@repokeeper/object-store'
import { emptyIndex, emptyRepomd, mergePackages, type NewPackage, PackedIndex } from '@repokeeper/repodata'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { findLastReadable } from './last-readable.ts'
import { type Observation, observe } from './observe.ts'
import { PackageReader } from './package-reader.ts'
import { draftPackages, dropDraft, keepDraft } from './patch.ts'
import { storePledge, takeBackPledges } from './pledge.ts'
import { publishDraft } from './publish.ts'
import { reconcile } from './reconcile.ts'
import { RepositoryError } from './repository-error.ts'
import { parseStoredRepomd, readStoredRepomd, type Snapshot } from './snapshot.ts'
import { listPackages } from './survey.ts'

export interface RebuildReport {
  readonly packages: number
  readonly refused: readonly { readonly path: string; readonly code: string; readonly reason: string }[]
  readonly passedOver: readonly { readonly key: string; readonly why: string }[]
  readonly revision: string
}

export interface RebuildOptions {
  /** Called with the number of packages that were read so far and their total. */
  readonly onProgress?: (read: number, total: number) => void
}

/** Each one reads every package again; who publishes all the time must be stopped first. */
const attemptsMax = 3

/** @throws RepositoryError `CONTENTION`, StoreError */
export async function rebuildRepository(
  location: RepositoryLocation,
  context: RepositoryContext,
  options: RebuildOptions = {},
): Promise<RebuildReport> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const report = await rebuildOnce(location, context, options)
    if (report !== 'conflict') return report
  }
  const repository = describeLocation(location)
  const message = `${repository}: others published during each of ${attemptsMax} rebuilds; stop the workers, or try again`
  throw new RepositoryError('CONTENTION', message, repository)
}

async function rebuildOnce(
  location: RepositoryLocation,
  context: RepositoryContext,
  options: RebuildOptions,
): Promise<RebuildReport | 'conflict'> {
  const snapshot = await readForRebuild(location, context)
  const { packages: objects, passedOver } = await listPackages(location, context)
  const reader = await PackageReader.open(location, context)
  try {
    const { added, refused, seen } = await readPackages(location, objects, reader, context, options)
    const index = await PackedIndex.of([])
    const nothing = { repomd: snapshot.repomd, documents: {}, index }
    const draft = await draftPackages(nothing, mergePackages(index, new Set(), added), context)
    try {
      const pledges: string[] = []
      const beforeSwap = async (): Promise<void> => void pledges.push(await storePledge(location, seen.keys(), context))
      const outcome = await publishDraft(location, snapshot, draft, context, { published: 'read through', beforeSwap })
      if (outcome.kind === 'conflict') {
        await takeBackPledges(location, pledges, context)
        return 'conflict'
      }
      await keepDraft(location, draft, snapshot.repomd, context)
      if (await lookAgainAtAll(location, seen, context)) await takeBackPledges(location, pledges, context)
      return { packages: added.length, refused, passedOver, revision: outcome.revision }
    } finally {
      await dropDraft(draft)
    }
  } finally {
    await reader.close()
  }
}

/** A repomd.xml that cannot be parsed does not stand in the way of writing a new one, and is recorded like any other. */
async function readForRebuild(
  location: RepositoryLocation,
  context: RepositoryContext,
): Promise<Pick<Snapshot, 'stored' | 'repomd'>> {
  const stored = await readStoredRepomd(location, context)
  if (stored === undefined) return { stored, repomd: emptyRepomd }
  try {
    return { stored, repomd: parseStoredRepomd(stored, location) }
  } catch (error) {
    if (!(error instanceof RepositoryError && error.code === 'BROKEN_METADATA')) throw error
    const before = await findLastReadable(location, context)
    const others = 'what else it named (comps, modules, updateinfo)'
    const message =
      before === undefined
        ? `repomd.xml could not be read: ${others} is not carried over`
        : `repomd.xml could not be read: ${others} is taken from the generation of ${before.publishedAt.toISOString()}`
    context.onEvent({ kind: 'warning', repository: describeLocation(location), subject: 'repomd.xml', message })
    return { stored, repomd: before?.repomd ?? emptyRepomd }
  }
}

interface ReadPackages {
  readonly added: readonly NewPackage[]
  readonly refused: RebuildReport['refused']
  /** What each object was when it was read. */
  readonly seen: ReadonlyMap<string, ETag>
}

async function readPackages(
  location: RepositoryLocation,
  objects: readonly ListedObject[],
  reader: PackageReader,
  context: RepositoryContext,
  { onProgress }: RebuildOptions,
): Promise<ReadPackages> {
  const added: NewPackage[] = []
  const refused: { path: string; code: string; reason: string }[] = []
  const seen = new Map<string, ETag>()
  const repository = describeLocation(location)
  const refuse = (path: string, code: string, reason: string): void => {
    refused.push({ path, code, reason })
    context.onEvent({ kind: 'refused', repository, path, code, reason })
  }
  const take = (path: string, observation: Observation): void => {
    if (observation.kind === 'absent' || observation.kind === 'fault') return
    seen.set(path, observation.head.etag)
    if (observation.kind === 'unreadable' || observation.kind === 'untrusted') {
      refuse(path, observation.code, observation.reason)
    } else if (observation.kind === 'package') {
      for (const message of observation.warnings) {
        context.onEvent({ kind: 'warning', repository, subject: path, message })
      }
      added.push({ kind: 'new', location: observation.facts.location, read: observation.readEntry })
    }
  }

  let read = 0
  const closed = new Map<string, ETag>()
  await inParallel(objects, context.packageReadsMax, async ({ key, etag }) => {
    const path = key.slice(location.root.length)
    try {
      take(path, await observe(location, path, emptyIndex, reader, context))
    } catch (error) {
      if (!(await isClosed(location, key, error, context))) throw error
      closed.set(path, etag)
    }
    read += 1
    onProgress?.(read, objects.length)
  })
  for (const [path, etag] of closed) {
    try {
      take(path, await observe(location, path, emptyIndex, reader, context))
    } catch (error) {
      // Where no object can be read, it is the credentials that are wrong, or the store: nothing is to be published then.
      if (!(error instanceof StoreError) || seen.size === 0) throw error
      refuse(path, error.code, error.message)
      seen.set(path, etag)
    }
  }
  return { added, refused: refused.toSorted((a, b) => (a.path < b.path ? -1 : 1)), seen }
}

/**
 * Whether a fault is of the object's content alone, as of one in an archive: the store does answer for the object itself. Any other fault may
 * be of all of them, or pass, and a rebuild that went on without them would take good packages out of the metadata.
 */
async function isClosed(
  location: RepositoryLocation,
  key: string,
  error: unknown,
  context: RepositoryContext,
): Promise<boolean> {
  if (!(error instanceof StoreError) || error.code === 'UNAVAILABLE') return false
  return (await location.store.head(key, withSignal(context))) !== undefined
}

/** What changed while the packages were read goes the way of every change. @returns whether all of it could be decided on */
async function lookAgainAtAll(
  location: RepositoryLocation,
  seen: ReadonlyMap<string, ETag>,
  context: RepositoryContext,
): Promise<boolean> {
  const changed = new Set<string>()
  const there = new Set<string>()
  for (const { key, etag } of (await listPackages(location, context)).packages) {
    const path = key.slice(location.root.length)
    there.add(path)
    if (seen.get(path) !== etag) changed.add(key)
  }
  for (const path of seen.keys()) if (!there.has(path)) changed.add(`${location.root}${path}`)
  if (changed.size === 0) return true
  const { undecided } = await reconcile(location, changed, context)
  return undecided.size === 0
}
