/**
 * Deletes what a mirror brought and upstream no longer has: that very file, and no other that lies there by now.
 */
import type { ObjectHead } from '@repokeeper/object-store'
import {
  HeldPackages,
  inParallel,
  type RepositoryContext,
  type RepositoryLocation,
  withSignal,
} from '@repokeeper/repository'
import type { Checksum } from './mirror-record.ts'
import { isPromised } from './place-file.ts'

export interface PrunedPackage {
  /** Below the root of the repository. */
  readonly path: string
  readonly outcome:
    | { readonly kind: 'deleted' }
    | { readonly kind: 'gone already' }
    /** Somebody has put another file there: it stays, and is no longer the mirror's. */
    | { readonly kind: 'changed' }
}

/** Deletions are small requests. */
const deletionsAtATime = 16

/**
 * @returns without those that a snapshot or the pinned generation lists: they stay, and are the mirror's still
 * @throws StoreError, RepositoryError where it cannot be told what these list, and the signal's reason
 */
export async function pruneDropped(
  location: RepositoryLocation,
  dropped: readonly { readonly path: string; readonly checksum: Checksum }[],
  context: RepositoryContext,
): Promise<PrunedPackage[]> {
  const placed = dropped.map(({ path, checksum }) => ({ path, checksumType: checksum.type, pkgid: checksum.hex }))
  const pruned: PrunedPackage[] = []
  for await (const { free } of new HeldPackages(location, placed, context).batchesOf(dropped)) {
    const outcomes = await inParallel(free, deletionsAtATime, async ({ path, checksum }) => {
      context.signal?.throwIfAborted()
      return { path, outcome: await deleteIf(location, path, checksum, context) }
    })
    pruned.push(...outcomes)
  }
  return pruned
}

async function deleteIf(
  { store, root }: RepositoryLocation,
  path: string,
  checksum: Checksum,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<PrunedPackage['outcome']> {
  const head = await store.head(`${root}${path}`, withSignal(context))
  if (head === undefined) return { kind: 'gone already' }
  if (!(await isFile({ store, root }, head, checksum, context))) return { kind: 'changed' }
  const { kind } = await store.delete(head.key, { ifMatch: head.etag, ...withSignal(context) })
  return kind === 'deleted' ? { kind: 'deleted' } : { kind: 'changed' }
}

/** By the digest that the store vouches for, else by every byte. */
async function isFile(
  { store }: RepositoryLocation,
  head: ObjectHead,
  checksum: Checksum,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<boolean> {
  if (checksum.type === 'sha256' && head.sha256 !== undefined) return head.sha256 === checksum.hex
  const got = await store.get(head.key, { ifMatch: head.etag, ...withSignal(context) })
  return got.kind === 'found' && isPromised(got.body, { checksum, size: undefined })
}
