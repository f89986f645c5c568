/**
 * Claims on the directory of a generation, so that a clean-up that was decided on before does not take it away from who begins to use it.
 *
 * Both write first and look then: who claims writes `claimed` and looks for `going`; who cleans up writes `going` and looks for a claim that it
 * did not know of. In whichever order these come, one of the two sees the other. A claim counts as use: the retention begins at it anew.
 */
import type { ListedObject } from '@repokeeper/object-store'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { generationRoot } from './generation-directory.ts'
import type { GenerationId } from './mirrorlist.ts'
import { repomdKey } from './roots.ts'

/** Names directly below the directory of a generation. */
export const claimName = 'claimed'
export const goingName = 'going'

/** Documents, repomd.xml, its signature and key, and the two names above: a repository has some ten. */
const objectsMax = 10_000

/**
 * @param why for people who look into the bucket
 * @returns what is in the directory; `undefined` where it is not there, or is being taken away
 * @throws StoreError
 */
export async function claimGeneration(
  location: RepositoryLocation,
  id: GenerationId,
  why: string,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<readonly ListedObject[] | undefined> {
  const { store, root } = location
  const own = generationRoot(root, id)
  await store.put(`${own}${claimName}`, Buffer.from(`${why}\n`), { if: 'always' }, withSignal(context))
  const objects = await listGeneration(location, id, context)
  const has = (key: string): boolean => objects.some((object) => object.key === key)
  if (has(repomdKey(own)) && !has(`${own}${goingName}`)) return objects
  await store.delete(`${own}${claimName}`, withSignal(context))
  return undefined
}

/** @throws StoreError */
export async function listGeneration(
  { store, root }: RepositoryLocation,
  id: GenerationId,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<ListedObject[]> {
  const objects: ListedObject[] = []
  for await (const object of store.list(generationRoot(root, id), withSignal(context))) {
    objects.push(object)
    if (objects.length === objectsMax) break
  }
  return objects
}
