/**
 * Pledge: an object that says at which paths a publish still has to look again.
 *
 * It is stored before repomd.xml is swapped and taken back after the last look. A worker that dies between the two may have
 * listed what was deleted meanwhile, and nobody need ever come back to it: the messages of its batch may have been delivered
 * to others as well, who saw that nothing was to be done before the swap landed, and deleted them. So whoever finds a pledge
 * that is left looks in its stead.
 */
import { type ListedObject, readBody, StoreError } from '@repokeeper/object-store'
import { parseLocation } from '@repokeeper/repodata'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { passOverKey, repomdKey } from './roots.ts'

/** A pledge that was found. */
export interface Pledge {
  readonly key: string
  /** When it was stored, by the store's clock. */
  readonly storedAt: Date
  /** Below the repository's root. */
  readonly paths: readonly string[]
}

/** From the swap to the last look is a matter of a second: after this time its publisher is dead, or slow enough to be helped. */
const leftAfterMs = 60_000
/** A batch of many thousand keys; what is longer was not written here. */
const pledgeBytesMax = 64 * 2 ** 20
/** Names that are tried for one pledge. */
const namesMax = 10
/** That are read at a time; the next look takes others. */
const pledgesMax = 1_000
/** Keys that are held of a listing. */
const listedMax = 100_000

/**
 * To be called between the snapshot and the swap of one attempt: the pledge must be younger than what the attempt stands on,
 * so that a newer generation keeps the attempt from landing later (`findLeftPledges`).
 *
 * @returns its key, which is used once
 * @throws StoreError
 */
export async function storePledge(
  { store, root }: RepositoryLocation,
  paths: Iterable<string>,
  context: Pick<RepositoryContext, 'random' | 'singleWriter' | 'signal'>,
): Promise<string> {
  const bytes = Buffer.from(JSON.stringify({ lookAgainAt: [...paths] }))
  for (let attempt = 0; attempt < namesMax; attempt += 1) {
    const key = `${pledgePrefix(root)}${newName(context)}.json`
    const outcome = await store.put(key, bytes, context.singleWriter ? { if: 'always' } : { if: 'absent' }, {
      contentType: 'application/json',
      ...withSignal(context),
    })
    // A conflict may have stored nothing (409): without a pledge nothing may be swapped.
    if (outcome.kind === 'stored') return key
  }
  throw new StoreError('UNAVAILABLE', `${store.name}: ${namesMax} new objects in a row met a conflict`, {
    store: store.name,
  })
}

/** The looks are done. One that cannot be taken back does no harm: somebody will look again, for nothing. */
export async function takeBackPledges(
  location: RepositoryLocation,
  keys: readonly string[],
  context: Pick<RepositoryContext, 'signal' | 'onEvent'>,
): Promise<void> {
  for (const key of keys) {
    try {
      await location.store.delete(key, withSignal(context))
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      const message = `${key} could not be deleted, so its packages are looked at once more: ${error.message}`
      context.onEvent({ kind: 'warning', repository: describeLocation(location), subject: 'pledge', message })
    }
  }
}

/**
 * Pledges whose publishers have not come back to them. Who wants to look in their stead must publish a generation first:
 * only then none of theirs can land any more.
 *
 * @throws StoreError
 */
export async function findLeftPledges(
  location: RepositoryLocation,
  context: Pick<RepositoryContext, 'random' | 'signal'>,
): Promise<Pledge[]> {
  const { store, root } = location
  const found: ListedObject[] = []
  for await (const object of store.list(pledgePrefix(root), withSignal(context))) {
    if (pledgeName.test(object.key.slice(root.length))) found.push(object)
    if (found.length === listedMax) break
  }
  if (found.length === 0) return []
  const now = await store.clock({ near: repomdKey(root), ...withSignal(context) })
  const left = found.filter(({ lastModified }) => lastModified.getTime() + leftAfterMs <= now.getTime())
  // From anywhere: some that can never be kept must not stand before the others for ever.
  const first = left.length > pledgesMax ? Math.floor(context.random() * left.length) : 0
  const some = [...left.slice(first), ...left.slice(0, first)].slice(0, pledgesMax)
  const pledges = await inParallel(some, 8, (object) => readPledge(location, object, context))
  return pledges.filter((pledge) => pledge !== undefined)
}

async function readPledge(
  { store }: RepositoryLocation,
  { key, lastModified }: ListedObject,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<Pledge | undefined> {
  const got = await store.get(key, withSignal(context))
  if (got.kind !== 'found') return undefined
  const bytes = await readBody(got.body, pledgeBytesMax).catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error
    return Buffer.alloc(0)
  })
  const paths = pathsIn(Buffer.from(bytes).toString())
  return paths === undefined ? undefined : { key, storedAt: lastModified, paths }
}

/** `undefined` where somebody else wrote it: it is left alone. */
function pathsIn(text: string): string[] | undefined {
  try {
    const { lookAgainAt } = JSON.parse(text) as { readonly lookAgainAt?: unknown }
    return Array.isArray(lookAgainAt) ? lookAgainAt.filter(isPackagePath) : undefined
  } catch {
    return undefined
  }
}

function isPackagePath(path: unknown): path is string {
  return typeof path === 'string' && parseLocation(path) !== undefined && passOverKey(path) === undefined
}

/** 64 bits. */
function newName({ random }: Pick<RepositoryContext, 'random'>): string {
  const half = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  return half() + half()
}

/** Below the root. */
const pledgeName = /^repodata\/pledge-[0-9a-f]{16}\.json$/

function pledgePrefix(root: string): string {
  return `${root}repodata/pledge-`
}
