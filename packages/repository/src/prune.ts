/**
 * The packages of a repository that may be pruned, and the deletion of one: bucket and metadata together say what goes.
 */
import type { ListedObject } from '@repokeeper/object-store'
import type { ListedPackage } from '@repokeeper/repodata'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { readModuleArtifacts } from './module-artifacts.ts'
import type { PrunablePackage, PruneInput } from './prune-plan.ts'
import { repomdKey } from './roots.ts'
import { readIndexedSnapshot, type Snapshot } from './snapshot.ts'
import { listPackages } from './survey.ts'

export interface ReadForPrune extends PruneInput {
  /** Of repomd.xml; `undefined` where there is none. */
  readonly etag: Snapshot['etag']
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
  for (const object of (await listPackages(location, context)).packages) {
    const path = object.key.slice(root.length)
    const listed = index.at(path)
    const [only, ...more] = listed
    if (only === undefined) unclear.push({ path, why: 'not listed' })
    else if (more.length > 0 || only.size !== object.size) unclear.push({ path, why: 'listed as another' })
    else packages.push(prunable(path, object, only))
  }
  return { etag, now, packages, inModules, unclear }
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
