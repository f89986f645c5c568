/**
 * Retention: what nothing names any more is deleted, once clients had time to get the repomd.xml that followed.
 *
 * Time counts from the moment when nothing named a document any more, by the store's clock; the clock here is never asked.
 */
import { type ListedObject, readBody } from '@repokeeper/object-store'
import { DocumentError, parseRepomd, type Repomd } from '@repokeeper/repodata'
import { type CleanUpInput, type CleanUpPlan, type PlannedDelete, planCleanUp, turnOf, turns } from './clean-up-plan.ts'
import { type RepositoryLocation, withSignal } from './context.ts'
import type { ClaimContext } from './generation-claim.ts'
import { deleteGenerationDirectory, listGenerationDirectories } from './generation-directories.ts'
import { heldGenerations, readGenerationHolders } from './generation-holders.ts'
import { parseRecordName, recordDigest } from './generation-record.ts'
import { inParallel } from './in-parallel.ts'
import { type KnownGeneration, knownGeneration } from './known-generation.ts'
import type { GenerationId } from './mirrorlist.ts'
import { repomdKey } from './roots.ts'
import { explain, parseStoredRepomd, readStoredRepomd, repomdBytesMax } from './snapshot.ts'

/** A client that has a repomd.xml of yesterday still gets what it lists. */
export const retentionMsDefault = 24 * 3600 * 1000

export interface CleanUpOptions {
  /** How long what a generation names outlives it. Default: a day. 0 takes away what a client may be fetching now. */
  readonly retentionMs?: number
  /** So many of the newest generations are kept however old, the current one among them. Default: 1. */
  readonly keepGenerations?: number
}

type CleanUpContext = ClaimContext

/** Reads and deletes at a time. */
const atATime = 16
/**
 * Objects that are held of one listing, some 200 bytes each: what lies beyond, the next clean-up finds. Records are always held:
 * without them nobody knows since when a document is unnamed.
 */
const listedMax = 500_000

/**
 * Deletes what nothing needs any more: superseded documents, the directories of their generations, their records, and what killed processes left of their probes.
 * May run at any time, beside publishers and other clean-ups; done again after it was cut off, it does the rest.
 *
 * @returns what was deleted, and what was kept and why
 * @throws RepositoryError `BROKEN_METADATA` where repomd.xml does not say what is in use: nothing is deleted then. StoreError.
 */
export async function collectGarbage(
  location: RepositoryLocation,
  context: CleanUpContext,
  options: CleanUpOptions = {},
): Promise<CleanUpPlan> {
  const plan = planCleanUp(await readForCleanUp(location, context, options))
  await carryOut(location, plan, context)
  return plan
}

/**
 * What planning needs to know. Each look may be out of date by the time of the next; why that does no harm is said at each.
 *
 * @throws RepositoryError `BROKEN_METADATA`, StoreError
 */
export async function readForCleanUp(
  location: RepositoryLocation,
  context: CleanUpContext,
  { retentionMs = retentionMsDefault, keepGenerations = 1 }: CleanUpOptions = {},
): Promise<CleanUpInput> {
  const { store, root } = location
  // First the time: however long the rest takes, nothing looks older than it is.
  const now = await store.clock({ near: repomdKey(root), ...withSignal(context) })
  // Then repomd.xml, before the listing. A publish that lands from here on names documents of this generation, which stay, or such as
  // it created after it had read its own snapshot: those are younger than this generation and no known one supersedes them.
  const current = await readCurrent(location, context)
  const listing = await listRepodata(location, context)
  // A directory that is written meanwhile is younger than this generation as well. Who begins to use an old one claims it.
  const directories = await listGenerationDirectories(location, context)
  const held = heldGenerations(await readGenerationHolders(location, context))
  // Last the records that were found in it. One that is stored meanwhile would only tell of a generation that is newer than all
  // that can be deleted here.
  const records = await inParallel(listing.records, atATime, (object) => readRecord(location, object, context))
  return {
    now,
    current,
    records: records.filter((record) => record !== undefined),
    listing: [...listing.others, ...listing.records].map(({ key, size, lastModified }) => ({
      name: nameOf(key),
      size,
      lastModified,
    })),
    directories,
    held,
    retentionMs,
    keepGenerations,
  }
}

/**
 * Deletes as planned: documents first, then directories of generations, and only then the records that say since when nothing names them.
 *
 * Of documents nothing is looked at again before: a name is used once (`documentHref`), and a publish names only what its snapshot names or
 * what it has created itself. So what was unnamed once stays unnamed, and a DELETE may arrive as late as it likes. For the same
 * reason none has a condition.
 *
 * @param onDeleted called after each
 * @throws StoreError, and the signal's reason; the rest is left for the next time
 */
export async function carryOut(
  location: RepositoryLocation,
  plan: CleanUpPlan,
  context: CleanUpContext,
  onDeleted: (deleted: PlannedDelete) => void = () => {},
): Promise<void> {
  for (const turn of turns) {
    const meant = plan.delete.filter((planned) => turnOf(planned) === turn)
    await inParallel(meant, atATime, async (planned) => {
      if (await carryOutOne(location, planned, context)) onDeleted(planned)
    })
  }
}

/** @returns whether it is gone; one that is gone by now, by another clean-up's doing, is no error */
async function carryOutOne(
  location: RepositoryLocation,
  { kind, name, marks = [] }: PlannedDelete,
  context: CleanUpContext,
): Promise<boolean> {
  if (kind === 'generation') {
    return deleteGenerationDirectory(location, { id: name as GenerationId, marks }, context)
  }
  await location.store.delete(`${location.root}repodata/${name}`, withSignal(context))
  return true
}

/** Without repomd.xml nobody knows what is in use. */
async function readCurrent(location: RepositoryLocation, context: CleanUpContext): Promise<KnownGeneration> {
  const stored = await readStoredRepomd(location, context)
  if (stored?.bytes === undefined) {
    const what =
      stored === undefined ? 'there is no repodata/repomd.xml' : 'repodata/repomd.xml is too large to be read'
    throw explain(new DocumentError('UNEXPECTED_CONTENT', `${what}, so nothing says what is in use`), location)
  }
  return knownGeneration(stored.lastModified, recordDigest(stored.bytes), parseStoredRepomd(stored, location))
}

/** What lies directly below `repodata/`. */
async function listRepodata(
  { store, root }: RepositoryLocation,
  context: CleanUpContext,
): Promise<{ records: ListedObject[]; others: ListedObject[] }> {
  const records: ListedObject[] = []
  const others: ListedObject[] = []
  const directory = `${root}repodata/`
  for await (const object of store.list(directory, withSignal(context))) {
    const name = object.key.slice(directory.length)
    if (name === '' || name.includes('/')) continue
    if (parseRecordName(name) !== undefined) records.push(object)
    else if (others.length < listedMax) others.push(object)
  }
  return { records, others }
}

/** `undefined` where it is gone. What cannot be parsed, as a repomd.xml that a rebuild mended, names nothing. */
async function readRecord(
  { store }: RepositoryLocation,
  { key }: ListedObject,
  context: CleanUpContext,
): Promise<KnownGeneration | undefined> {
  const name = parseRecordName(nameOf(key))
  if (name === undefined) return undefined
  const got = await store.get(key, withSignal(context))
  if (got.kind !== 'found') return undefined
  const bytes = await readBody(got.body, repomdBytesMax).catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error
    return undefined
  })
  return knownGeneration(name.publishedAt, name.digest, bytes === undefined ? undefined : tryToParse(bytes))
}

function tryToParse(bytes: Uint8Array): Repomd | undefined {
  try {
    return parseRepomd(bytes)
  } catch (error) {
    if (error instanceof DocumentError) return undefined
    throw error
  }
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}
