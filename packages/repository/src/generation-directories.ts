/**
 * The directories of generations that there are, and how one is taken away.
 */
import type { ListedObject } from '@repokeeper/object-store'
import { type RepositoryLocation, withSignal } from './context.ts'
import { type ClaimContext, isGoing, listGeneration, markOf, putMark } from './generation-claim.ts'
import { generationRoot, generationsPrefix } from './generation-directory.ts'
import { heldGenerations, readGenerationHolders } from './generation-holders.ts'
import { inParallel } from './in-parallel.ts'
import { type GenerationId, parseGenerationId } from './mirrorlist.ts'
import { type RepositoryRoot, repomdKey } from './roots.ts'

export interface GenerationDirectory {
  readonly id: GenerationId
  /** Bytes of all that is in it. */
  readonly size: number
  /** When the last of it was written, by the store's clock; marks do not count (generation-claim.ts). */
  readonly writtenAt: Date
  /** When somebody last began to use it, and has not ended, and when clients were last sent elsewhere. */
  readonly claimedAt: Date | undefined
  readonly leftAt: Date | undefined
  /** The claims, and the mark of who left, as `describeMark` has them. */
  readonly marks: readonly string[]
  /** Its repomd.xml is there, which is written last. */
  readonly isWhole: boolean
}

/** Some 200 bytes each are held: what lies beyond, the next clean-up finds. */
const directoriesMax = 100_000
const atATime = 16

/** By id. Whatever else lies below `generations/` is somebody else's. @throws StoreError */
export async function listGenerationDirectories(
  { store, root }: RepositoryLocation,
  context: ClaimContext,
): Promise<GenerationDirectory[]> {
  const prefix = generationsPrefix(root)
  const found = new Map<GenerationId, GenerationDirectory>()
  for await (const object of store.list(prefix, withSignal(context))) {
    const path = object.key.slice(prefix.length)
    const id = parseGenerationId(path.slice(0, Math.max(0, path.indexOf('/'))))
    // None of ours holds a package: one that lies there is somebody's own, and stays.
    if (id === undefined || path.endsWith('.rpm') || (!found.has(id) && found.size === directoriesMax)) continue
    found.set(id, withObject(found.get(id) ?? emptyDirectory(id), object, generationRoot(root, id)))
  }
  return [...found.values()]
}

/**
 * Takes a directory away, unless somebody has begun to use it, or has left it, since it was listed. repomd.xml goes last but for the sign that the
 * rest is going: a deletion that was cut off is found again.
 *
 * @param isAlone nobody else cleans up here: signs that another is at it are of one that was killed
 * @returns whether it was taken away
 * @throws StoreError, RepositoryError `BROKEN_METADATA` where what a snapshot is of cannot be told
 */
export async function deleteGenerationDirectory(
  location: RepositoryLocation,
  { id, marks }: Pick<GenerationDirectory, 'id' | 'marks'>,
  context: ClaimContext,
  { isAlone = false }: { readonly isAlone?: boolean } = {},
): Promise<boolean> {
  const { store, root } = location
  const own = generationRoot(root, id)
  const going = await putMark(location, id, 'going', 'a clean-up is taking this generation away', context)
  const remove = (key: string) => store.delete(key, withSignal(context))
  // In this order: who took his claim back before the listing has named the generation before that.
  const objects = await listGeneration(location, id, context)
  const isNew = (object: ListedObject): boolean => {
    const mark = describeMark(object, own)
    return mark !== undefined && !marks.includes(mark)
  }
  const isUsed = objects.some(isNew) || heldGenerations(await readGenerationHolders(location, context)).has(id)
  if (isUsed) {
    await remove(going)
    return false
  }
  const last = [repomdKey(own), going]
  const now = objects.find(({ key }) => key === going)?.lastModified
  await inParallel(
    // What another clean-up is about is its own to end.
    objects.filter((object) => {
      return !last.includes(object.key) && !object.key.endsWith('.rpm') && (isAlone || !isGoing([object], own, now))
    }),
    atATime,
    ({ key }) => remove(key),
  )
  for (const key of last) await remove(key)
  return true
}

function emptyDirectory(id: GenerationId): GenerationDirectory {
  return { id, size: 0, writtenAt: new Date(0), claimedAt: undefined, leftAt: undefined, marks: [], isWhole: false }
}

function withObject(directory: GenerationDirectory, object: ListedObject, own: RepositoryRoot): GenerationDirectory {
  const { key, size, lastModified } = object
  const grown = { ...directory, size: directory.size + size }
  const mark = describeMark(object, own)
  const marks = mark === undefined ? directory.marks : [...directory.marks, mark]
  switch (markOf(key, own)) {
    case 'claim':
      return { ...grown, marks, claimedAt: later(directory.claimedAt, lastModified) }
    case 'left':
      return { ...grown, marks, leftAt: lastModified }
    case 'going':
      return grown
    case undefined: {
      const writtenAt = later(directory.writtenAt, lastModified)
      return { ...grown, writtenAt, isWhole: directory.isWhole || key === repomdKey(own) }
    }
  }
}

/** One that was written anew is another. `undefined` for what says nothing of who uses the directory. */
function describeMark({ key, lastModified, etag }: ListedObject, own: RepositoryRoot): string | undefined {
  const mark = markOf(key, own)
  return mark === 'claim' || mark === 'left' ? `${key} ${lastModified.getTime()} ${etag}` : undefined
}

function later(a: Date | undefined, b: Date): Date {
  return a === undefined || b > a ? b : a
}
