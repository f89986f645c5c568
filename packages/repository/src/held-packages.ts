/**
 * The packages of the generations that a person keeps: those of snapshots, and that to which the mirrorlist is pinned.
 *
 * Others are kept for a while, too, for clients that have their repomd.xml still. But each of them lists what is listed now: what could not be
 * pruned for their sake could never be.
 */
import { pathOf } from '@repokeeper/repodata'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { generationLocation } from './generation-directory.ts'
import { readGenerationHolders } from './generation-holders.ts'
import { heldPackage } from './prune-plan.ts'
import { readIndexedSnapshot } from './snapshot.ts'

/**
 * @returns each as `heldPackage` names it
 * @throws RepositoryError where the metadata of one of them cannot be read: then nobody knows what must stay. StoreError
 */
export async function readHeldPackages(
  location: RepositoryLocation,
  context: RepositoryContext,
): Promise<ReadonlySet<string>> {
  const { named, isPinned, snapshots } = await readGenerationHolders(location, context)
  const kept = new Set([...(named !== undefined && isPinned ? [named] : []), ...snapshots.values()])
  const held = new Set<string>()
  // One after the other: each is held in memory as a whole.
  for (const id of kept) {
    const { index } = await readIndexedSnapshot(generationLocation(location, id), context)
    for (const listed of index.packages) {
      const path = pathOf(listed)
      if (path !== undefined) held.add(heldPackage({ path, pkgid: listed.pkgid }))
    }
  }
  return held
}
