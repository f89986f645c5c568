/**
 * The directories of generations that there are, and how one is taken away.
 */
import type { ListedObject } from '@repokeeper/object-store'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { claimName, goingName, listGeneration } from './generation-claim.ts'
import { generationRoot, generationsPrefix } from './generation-directory.ts'
import { inParallel } from './in-parallel.ts'
import { type GenerationId, parseGenerationId } from './mirrorlist.ts'
import { repomdKey } from './roots.ts'

export interface GenerationDirectory {
  readonly id: GenerationId
  /** Bytes of all that is in it. */
  readonly size: number
  /** When the last of it was written, by the store's clock; claims and deletions begun do not count. */
  readonly writtenAt: Date
  /** When somebody last began or ceased to use it (generation-claim.ts). */
  readonly claimedAt: Date | undefined
  /** Its repomd.xml is there, which is written last. */
  readonly isWhole: boolean
}

/** Some 200 bytes each are held: what lies beyond, the next clean-up finds. */
const directoriesMax = 100_000
const atATime = 16

/** By id. Whatever else lies below `generations/` is somebody else's. @throws StoreError */
export async function listGenerationDirectories(
  { store, root }: RepositoryLocation,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<GenerationDirectory[]> {
  const prefix = generationsPrefix(root)
  const found = new Map<GenerationId, GenerationDirectory>()
  for await (const object of store.list(prefix, withSignal(context))) {
    const path = object.key.slice(prefix.length)
    const id = parseGenerationId(path.slice(0, Math.max(0, path.indexOf('/'))))
    if (id === undefined || (!found.has(id) && found.size === directoriesMax)) continue
    found.set(id, withObject(found.get(id) ?? emptyDirectory(id), object, generationRoot(root, id)))
  }
  return [...found.values()]
}

/**
 * Takes a directory away, unless somebody has claimed it since it was listed. repomd.xml goes last but for the sign that the rest is going:
 * a deletion that was cut off is found again.
 *
 * @returns whether it was taken away
 * @throws StoreError
 */
export async function deleteGenerationDirectory(
  location: RepositoryLocation,
  { id, claimedAt }: Pick<GenerationDirectory, 'id' | 'claimedAt'>,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<boolean> {
  const { store, root } = location
  const own = generationRoot(root, id)
  const going = `${own}${goingName}`
  const remove = (key: string) => store.delete(key, withSignal(context))
  await store.put(
    going,
    Buffer.from('a clean-up is taking this generation away\n'),
    { if: 'always' },
    withSignal(context),
  )
  const objects = await listGeneration(location, id, context)
  const claim = objects.find(({ key }) => key === `${own}${claimName}`)
  if (claim !== undefined && (claimedAt === undefined || claim.lastModified > claimedAt)) {
    await remove(going)
    return false
  }
  const last = [repomdKey(own), going]
  await inParallel(
    // A package that lies there is somebody's own: none of ours does.
    objects.filter(({ key }) => !last.includes(key) && !key.endsWith('.rpm')),
    atATime,
    ({ key }) => remove(key),
  )
  for (const key of last) await remove(key)
  return true
}

function emptyDirectory(id: GenerationId): GenerationDirectory {
  return { id, size: 0, writtenAt: new Date(0), claimedAt: undefined, isWhole: false }
}

function withObject(
  directory: GenerationDirectory,
  { key, size, lastModified }: ListedObject,
  own: ReturnType<typeof generationRoot>,
): GenerationDirectory {
  const grown = { ...directory, size: directory.size + size }
  if (key === `${own}${claimName}`) return { ...grown, claimedAt: lastModified }
  if (key === `${own}${goingName}`) return grown
  const writtenAt = lastModified > directory.writtenAt ? lastModified : directory.writtenAt
  return { ...grown, writtenAt, isWhole: directory.isWhole || key === repomdKey(own) }
}
