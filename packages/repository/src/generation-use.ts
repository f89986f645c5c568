/**
 * What a person does with generations: to send clients back to one, and to give one a name that stays.
 */
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { checkDirectory } from './generation-check.ts'
import { markLeft, withClaim } from './generation-claim.ts'
import { generationLocation } from './generation-directory.ts'
import { isSnapshotName, snapshotKey } from './generation-holders.ts'
import { keepGeneration, putMirrorlist, readMirrorlist } from './generations.ts'
import {
  formatMirrorlist,
  type GenerationId,
  type Mirrorlist,
  mirrorlistBytesMax,
  mirrorlistType,
  parseMirrorlist,
} from './mirrorlist.ts'
import { fromNoCache, readSmall } from './repomd-follower.ts'
import { RepositoryError } from './repository-error.ts'
import { keepSignatureOf } from './signature.ts'

/** Publishers write the mirrorlist as well, once for each publish. */
const attemptsMax = 20

/**
 * Sends clients to this generation until `resumeMirrorlist`; what is published meanwhile they do not see. Where there is a key it is signed
 * with that first: it may be older than the key, or than that anything was signed.
 *
 * @returns what the mirrorlist said before
 * @throws RepositoryError `NO_GENERATIONS`, `NO_SUCH_GENERATION`, `CONTENTION`; StoreError
 */
export async function pinGeneration(
  location: RepositoryLocation,
  id: GenerationId,
  context: RepositoryContext,
): Promise<Mirrorlist> {
  return useGeneration(location, id, 'the mirrorlist is about to be pinned to it', context, async (repomd) => {
    await keepSignatureOf(repomd, generationLocation(location, id), context)
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const { mirrorlist, etag } = await requireMirrorlist(location, context)
      if (mirrorlist.generation !== id) await leave(location, mirrorlist, context)
      const pinned = { ...mirrorlist, generation: id, isPinned: true }
      if (await putMirrorlist(location, pinned, etag, context)) return mirrorlist
    }
    throw contention(location)
  })
}

/**
 * Lets the mirrorlist follow what is published again: it is no longer pinned, and then mended like any other that is behind.
 *
 * @returns the mirrorlist as it is now; `undefined` where it was not pinned
 * @throws RepositoryError `NO_GENERATIONS`, `CONTENTION`; StoreError
 */
export async function resumeMirrorlist(
  location: RepositoryLocation,
  context: RepositoryContext,
): Promise<Mirrorlist | undefined> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const { mirrorlist, etag } = await requireMirrorlist(location, context)
    if (!mirrorlist.isPinned) return undefined
    // Whoever publishes may send clients on the moment it is no longer pinned.
    await leave(location, mirrorlist, context)
    if (!(await putMirrorlist(location, { ...mirrorlist, isPinned: false }, etag, context))) continue
    await keepGeneration(location, context)
    return (await requireMirrorlist(location, context)).mirrorlist
  }
  throw contention(location)
}

/**
 * Gives a generation a name: a mirrorlist of its own, below `snapshots/`. It stays until it is deleted.
 *
 * @returns its URL
 * @throws RepositoryError `NO_GENERATIONS`, `NO_SUCH_GENERATION`, `SNAPSHOT_EXISTS`; RangeError for a name that cannot be one; StoreError
 */
export async function takeSnapshot(
  location: RepositoryLocation,
  name: string,
  id: GenerationId,
  context: RepositoryContext,
): Promise<{ readonly url: string; readonly baseUrl: string }> {
  const { store, root } = location
  if (!isSnapshotName(name)) throw new RangeError(`${JSON.stringify(name)} cannot be the name of a snapshot`)
  const { baseUrl } = (await requireMirrorlist(location, context)).mirrorlist
  const before = await readSnapshotOf(location, name, context)
  if (before !== undefined && before !== id) throw snapshotExists(location, name, before)
  const key = snapshotKey(root, name)
  const bytes = Buffer.from(formatMirrorlist({ baseUrl, generation: id, isPinned: false }))
  const condition = context.singleWriter ? ({ if: 'always' } as const) : ({ if: 'absent' } as const)
  const options = fromNoCache(mirrorlistType, context)
  const { kind } = await useGeneration(location, id, `snapshot ${name} is about to be taken of it`, context, () =>
    store.put(key, bytes, condition, options),
  )
  const url = `${baseUrl}snapshots/${name}/mirrorlist`
  if (kind === 'stored') return { url, baseUrl }
  const there = await readSnapshotOf(location, name, context)
  if (there === id) return { url, baseUrl }
  throw snapshotExists(location, name, there)
}

function snapshotExists(location: RepositoryLocation, name: string, id: GenerationId | undefined): RepositoryError {
  const repository = describeLocation(location)
  const message = `${repository}: there is a snapshot ${name} already, of generation ${id ?? '(unknown)'}; delete it first, or take another name`
  return new RepositoryError('SNAPSHOT_EXISTS', message, repository)
}

/** @returns the generation that it was of, `unknown` where that could not be read; `undefined` where there was none of that name. @throws StoreError */
export async function deleteSnapshot(
  location: RepositoryLocation,
  name: string,
  context: RepositoryContext,
): Promise<GenerationId | 'unknown' | undefined> {
  const { store, root } = location
  if (!isSnapshotName(name)) return undefined
  const there = await readSmall(store, snapshotKey(root, name), mirrorlistBytesMax, context)
  if (there === undefined) return undefined
  const id = parseMirrorlist(there.bytes)?.generation
  // Who installs from it has the retention to finish.
  if (id !== undefined) await markLeft(location, id, `snapshot ${name} named it until now`, context)
  await store.delete(snapshotKey(root, name), withSignal(context))
  return id ?? 'unknown'
}

/**
 * No clean-up takes it away meanwhile.
 *
 * @param use by its end the mirrorlist or a snapshot names it; its repomd.xml is the one that was published
 */
async function useGeneration<Result>(
  location: RepositoryLocation,
  id: GenerationId,
  why: string,
  context: RepositoryContext,
  use: (repomd: Uint8Array) => Promise<Result>,
): Promise<Result> {
  const claimed = await withClaim(location, id, why, context, async (objects) => {
    const { repomd, faults } = await checkDirectory(location, id, context, { objects })
    if (repomd !== undefined && faults.length === 0) return { result: await use(repomd) }
    return { faults: faults.map(({ problem }) => problem) }
  })
  if (claimed.kind !== 'used') throw noSuchGeneration(location, id, unusable[claimed.kind])
  if ('result' in claimed.result) return claimed.result.result
  throw noSuchGeneration(location, id, `its directory is broken: ${claimed.result.faults.join(', ')}`)
}

function noSuchGeneration(location: RepositoryLocation, id: GenerationId, what: string): RepositoryError {
  const repository = describeLocation(location)
  const message = `${repository}: ${id}: ${what}; "repokeeper generations ${repository}" lists those that are kept`
  return new RepositoryError('NO_SUCH_GENERATION', message, repository)
}

const unusable = {
  'not there': 'there is no such generation',
  going: 'a clean-up is taking it away, or was, and was killed: then it can be tried again after an hour',
} as const

function leave(location: RepositoryLocation, { generation }: Mirrorlist, context: RepositoryContext): Promise<void> {
  return markLeft(location, generation, 'the mirrorlist named it until now', context)
}

async function readSnapshotOf(
  { store, root }: RepositoryLocation,
  name: string,
  context: RepositoryContext,
): Promise<GenerationId | undefined> {
  const there = await readSmall(store, snapshotKey(root, name), mirrorlistBytesMax, context)
  return there === undefined ? undefined : parseMirrorlist(there.bytes)?.generation
}

async function requireMirrorlist(location: RepositoryLocation, context: RepositoryContext) {
  const there = await readMirrorlist(location, context)
  if (there?.mirrorlist !== undefined) return { etag: there.etag, mirrorlist: there.mirrorlist }
  const repository = describeLocation(location)
  const message = `${repository} has no generations: publish with --generations-url, and each that is published from then on is one`
  throw new RepositoryError('NO_GENERATIONS', message, repository)
}

function contention(location: RepositoryLocation): RepositoryError {
  const repository = describeLocation(location)
  const message = `${repository}: its mirrorlist was written by others ${attemptsMax} times in a row; try again`
  return new RepositoryError('CONTENTION', message, repository)
}
