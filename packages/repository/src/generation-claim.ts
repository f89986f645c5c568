/**
 * Claims on the directory of a generation, so that a clean-up that was decided on before does not take it away from who begins to use it.
 *
 * Both write first and look then: who begins to use one writes a claim and looks for a sign that it is going; who cleans up writes such a sign,
 * and looks for claims that he did not know of, and for what names it by now. In whichever order these come, one of the two sees the other. Each has a
 * name of its own, and nobody takes away another's. A claim is taken back once the mirrorlist or a snapshot names the generation; who is killed before
 * leaves it, and it counts as use.
 *
 * Who sends clients elsewhere leaves a mark: from then on the generation they were sent to has the retention anew.
 */
import type { ListedObject } from '@repokeeper/object-store'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { generationRoot } from './generation-directory.ts'
import type { GenerationId } from './mirrorlist.ts'
import { type RepositoryRoot, repomdKey } from './roots.ts'

export type ClaimContext = Pick<RepositoryContext, 'signal'> & Partial<Pick<RepositoryContext, 'random'>>

export type Claimed<Result> =
  | { readonly kind: 'used'; readonly result: Result }
  | { readonly kind: 'not there' }
  /** A clean-up is taking it away, or was, and died. */
  | { readonly kind: 'going' }

/** What an object directly below the directory of a generation stands for; `undefined`: it is of the generation. */
export type Mark = 'claim' | 'left' | 'going'

/** A clean-up that has not ended after this time was killed: what it left is not believed any more. Milliseconds. */
export const goingMs = 3_600_000
/** Documents, repomd.xml, its signature and key, and marks: a repository has some ten. */
const objectsMax = 10_000
const leftName = 'left'

/**
 * @param why for people who look into the bucket
 * @param use with what is in the directory; by its end the mirrorlist or a snapshot names the generation, or nobody wants it any more
 * @throws StoreError, and what `use` throws
 */
export async function withClaim<Result>(
  location: RepositoryLocation,
  id: GenerationId,
  why: string,
  context: ClaimContext,
  use: (objects: readonly ListedObject[]) => Promise<Result>,
): Promise<Claimed<Result>> {
  const { store } = location
  const claim = await putMark(location, id, 'claimed', why, context)
  const takeBack = () => store.delete(claim, withSignal(context))
  try {
    const claimed = await useClaimed(location, id, claim, context, use)
    await takeBack()
    return claimed
  } catch (error) {
    // What went wrong is what has to be told; a claim that is left counts as use for a while.
    await takeBack().catch(() => {})
    throw error
  }
}

async function useClaimed<Result>(
  location: RepositoryLocation,
  id: GenerationId,
  claim: string,
  context: ClaimContext,
  use: (objects: readonly ListedObject[]) => Promise<Result>,
): Promise<Claimed<Result>> {
  const own = generationRoot(location.root, id)
  const objects = await listGeneration(location, id, context)
  if (!objects.some(({ key }) => key === repomdKey(own))) return { kind: 'not there' }
  if (isGoing(objects, own, objects.find(({ key }) => key === claim)?.lastModified)) return { kind: 'going' }
  return { kind: 'used', result: await use(objects) }
}

/** Clients were sent there until now, or until a moment from now. @throws StoreError */
export async function markLeft(
  { store, root }: RepositoryLocation,
  id: GenerationId,
  why: string,
  context: ClaimContext,
): Promise<void> {
  const key = `${generationRoot(root, id)}${leftName}`
  await store.put(key, Buffer.from(`${why}\n`), { if: 'always' }, withSignal(context))
}

/** @returns its key. @throws StoreError */
export async function putMark(
  { store, root }: RepositoryLocation,
  id: GenerationId,
  name: 'claimed' | 'going',
  why: string,
  context: ClaimContext,
): Promise<string> {
  const { random = Math.random } = context
  const salt = Math.floor(random() * 2 ** 48)
    .toString(16)
    .padStart(12, '0')
  const key = `${generationRoot(root, id)}${name}-${salt}`
  await store.put(key, Buffer.from(`${why}\n`), { if: 'always' }, withSignal(context))
  return key
}

/** @param own of the generation */
export function markOf(key: string, own: RepositoryRoot): Mark | undefined {
  const name = key.slice(own.length)
  if (name === leftName) return 'left'
  if (/^claimed(?:-[0-9a-f]+)?$/.test(name)) return 'claim'
  return /^going(?:-[0-9a-f]+)?$/.test(name) ? 'going' : undefined
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

/**
 * Whether a clean-up is under way there.
 *
 * @param now by the store's clock: when the own mark was stored; `undefined` where it is not in the listing, which then is not to be believed
 */
export function isGoing(objects: readonly ListedObject[], own: RepositoryRoot, now: Date | undefined): boolean {
  return objects.some(({ key, lastModified }) => {
    if (markOf(key, own) !== 'going') return false
    return now === undefined || now.getTime() - lastModified.getTime() < goingMs
  })
}
