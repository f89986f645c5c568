/**
 * What is published at some paths: of documents of this project only the blocks are read that may list them.
 */
import { DocumentError, type ListedPackage } from '@repokeeper/repodata'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { readIndexedSnapshot, readSnapshot, type Snapshot } from './snapshot.ts'

export interface PublishedAt {
  readonly etag: Snapshot['etag']
  /** By path, of each that was asked for: the entries that spell it, more than one only in bad metadata. */
  readonly listed: ReadonlyMap<string, readonly ListedPackage[]>
}

/** @param paths below the repository's root @throws RepositoryError, StoreError */
export async function readListedAt(
  location: RepositoryLocation,
  paths: readonly string[],
  context: RepositoryContext,
): Promise<PublishedAt> {
  try {
    return await look(await readSnapshot(location, context), paths)
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
  }
  // The copy on disk may be at fault, or a table: then all is read.
  context.cache.distrust()
  return look(await readIndexedSnapshot(location, context), paths)
}

async function look({ etag, lookup }: Snapshot, paths: readonly string[]): Promise<PublishedAt> {
  const listed = new Map<string, readonly ListedPackage[]>()
  for (const path of paths) listed.set(path, await lookup.at(path))
  return { etag, listed }
}
