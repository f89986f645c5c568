/**
 * The packages of a repository that may be pruned, and the deletion of one: bucket and metadata together say what goes.
 */
import type { ListedObject } from '@repokeeper/object-store'
import type { ListedPackage } from '@repokeeper/repodata'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { HeldPackages } from './held-packages.ts'
import { inParallel } from './in-parallel.ts'
import { readModuleArtifacts } from './module-artifacts.ts'
import { modifiedSeconds } from './package-reader.ts'
import type { PrunablePackage, PruneInput } from './prune-plan.ts'
import { repomdKey } from './roots.ts'
import { readIndexedSnapshot, type Snapshot } from './snapshot.ts'
import { listPackages } from './survey.ts'

export interface ReadForPrune extends PruneInput {
  /** Of repomd.xml; `undefined` where there is none. */
  readonly etag: Snapshot['etag']
  /** To be asked again before anything is deleted: `held` is as it was at the time of the plan. */
  readonly heldPackages: HeldPackages
  /** In the bucket, but which package it is the metadata does not say for certain: it stays, and counts for nothing. */
  readonly unclear: readonly { readonly path: string; readonly why: 'not listed' | 'listed as another' }[]
}

export type PruneOutcome =
  | { readonly kind: 'deleted' }
  | { readonly kind: 'gone already' }
  /** Another object stands there now than the one that was planned on. */
  | { readonly kind: 'changed' }

/**
 * What is listed and gone from the bucket is no version that could stay for others: the bucket says what there is.
 *
 * @throws RepositoryError, StoreError
 */
export async function readForPrune(location: RepositoryLocation, context: RepositoryContext): Promise<ReadForPrune> {
  const { store, root } = location
  // First the time: however long the rest takes, nothing looks older than it is.
  const now = await store.clock({ near: repomdKey(root), ...withSignal(context) })
  const snapshot = await readIndexedSnapshot(location, context)
  const { etag, index } = snapshot
  const inModules = await readModuleArtifacts(location, snapshot, context)
  const packages: PrunablePackage[] = []
  const unclear: { path: string; why: 'not listed' | 'listed as another' }[] = []
  const { packages: objects } = await listPackages(location, context)
  const certain = new Set<ListedObject>()
  await inParallel(objects, context.packageReadsMax, async (object) => {
    const listed = index.at(object.key.slice(root.length))
    if (await isListedAs(location, object, listed, context)) certain.add(object)
  })
  for (const object of objects) {
    const path = object.key.slice(root.length)
    const [only] = index.at(path)
    if (only === undefined) unclear.push({ path, why: 'not listed' })
    else if (certain.has(object)) packages.push(prunable(path, object, only))
    else unclear.push({ path, why: 'listed as another' })
  }
  const heldPackages = new HeldPackages(location, packages, context)
  return { etag, now, packages, inModules, heldPackages, held: await heldPackages.look(), unclear }
}

/**
 * Whether the metadata speaks of this very object: by its size and the time that it was stored, or else by the digest that the store knows. One
 * that was replaced a moment ago may be of the same size, and the newest there is.
 */
async function isListedAs(
  { store }: RepositoryLocation,
  object: ListedObject,
  [only, ...more]: readonly ListedPackage[],
  context: RepositoryContext,
): Promise<boolean> {
  if (only === undefined || more.length > 0 || only.size !== object.size) return false
  if (only.modified === modifiedSeconds(object)) return true
  const head = await store.head(object.key, withSignal(context))
  return head?.etag === object.etag && only.checksumType === 'sha256' && head.sha256 === only.pkgid
}

/**
 * Deletes the very object that was planned on. Two packages of one size at one path differ in their digest, which the store may know.
 *
 * @throws StoreError
 */
export async function deletePruned(
  { store, root }: RepositoryLocation,
  { path, etag, checksumType, pkgid }: PrunablePackage,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<PruneOutcome> {
  const key = `${root}${path}`
  const head = await store.head(key, withSignal(context))
  if (head === undefined) return { kind: 'gone already' }
  const isAnother = checksumType === 'sha256' && head.sha256 !== undefined && head.sha256 !== pkgid
  if (head.etag !== etag || isAnother) return { kind: 'changed' }
  const { kind } = await store.delete(key, { ifMatch: etag, ...withSignal(context) })
  return { kind: kind === 'deleted' ? 'deleted' : 'changed' }
}

function prunable(path: string, { etag, size, lastModified }: ListedObject, listed: ListedPackage): PrunablePackage {
  const { name, epoch, version, release, arch, checksumType, pkgid } = listed
  return { path, name, epoch, version, release, arch, checksumType, pkgid, etag, size, lastModified }
}
