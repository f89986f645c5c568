/**
 * The packages of the generations that a person keeps: those of snapshots, and that to which the mirrorlist is pinned.
 *
 * Others are kept for a while, too, for clients that have their repomd.xml still. But each of them lists what is listed now: what could not be
 * pruned for their sake could never be.
 */
import { pathOf } from '@repokeeper/repodata'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { generationLocation } from './generation-directory.ts'
import { keptGenerations, readGenerationHolders } from './generation-holders.ts'
import { type HeldPackages, heldPackage } from './prune-plan.ts'
import { readIndexedSnapshot } from './snapshot.ts'

/**
 * @returns each as `heldPackage` names it, with who keeps it, for people (`keptBy`)
 * @throws RepositoryError where the metadata of one of them cannot be read: then nobody knows what must stay. StoreError
 */
export async function readHeldPackages(
  location: RepositoryLocation,
  context: RepositoryContext,
): Promise<HeldPackages> {
  const held = new Map<string, readonly string[]>()
  // One after the other: each is held in memory as a whole.
  for (const { id, keptBy } of keptGenerations(await readGenerationHolders(location, context))) {
    const { index } = await readIndexedSnapshot(generationLocation(location, id), context)
    for (const listed of index.packages) {
      const path = pathOf(listed)
      if (path === undefined) continue
      const one = heldPackage({ path, pkgid: listed.pkgid })
      held.set(one, [...(held.get(one) ?? []), ...keptBy])
    }
  }
  return held
}

/** Their paths alone. @throws like `readHeldPackages` */
export async function readHeldPaths(
  location: RepositoryLocation,
  context: RepositoryContext,
): Promise<ReadonlySet<string>> {
  const held = await readHeldPackages(location, context)
  return new Set([...held.keys()].map((one) => one.slice(one.indexOf(' ') + 1)))
}
