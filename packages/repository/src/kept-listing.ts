/**
 * What a generation lists that a person keeps. Where that cannot be told nobody knows which packages must stay.
 */
import type { ListedPackage } from '@repokeeper/repodata'
import { describeLocation, type RepositoryContext, type RepositoryLocation } from './context.ts'
import { generationLocation } from './generation-directory.ts'
import type { GenerationHolders } from './generation-holders.ts'
import { type GenerationId, generationIdOf } from './mirrorlist.ts'
import { withoutOwnBase } from './own-base.ts'
import { RepositoryError } from './repository-error.ts'
import { readIndexedSnapshot, readStoredRepomd } from './snapshot.ts'

/**
 * @param holders who keeps it is among them: the error names them
 * @throws RepositoryError `BROKEN_METADATA` or `MISSING_DOCUMENT`, StoreError
 */
export async function readKeptListing(
  location: RepositoryLocation,
  id: GenerationId,
  holders: GenerationHolders,
  context: RepositoryContext,
): Promise<readonly ListedPackage[]> {
  try {
    const { stored, index } = await readIndexedSnapshot(generationLocation(location, id), context)
    // One that is gone would list nothing, and one of another generation something else: all could be deleted.
    const isItsOwn = stored?.bytes !== undefined && generationIdOf(stored.bytes) === id
    if (isItsOwn) return await withoutOwnBase(location, index.packages, context)
  } catch (error) {
    if (!(error instanceof RepositoryError)) throw error
    const fault = error.cause instanceof Error ? error.cause.message : error.message
    throw await unreadable(location, id, holders, { code: error.code, fault, cause: error }, context)
  }
  const fault = 'its repomd.xml is not the one that was published'
  throw await unreadable(location, id, holders, { code: 'BROKEN_METADATA', fault }, context)
}

async function unreadable(
  location: RepositoryLocation,
  id: GenerationId,
  { named, isPinned, snapshots }: GenerationHolders,
  { code, fault, cause }: Pick<RepositoryError, 'code'> & { readonly fault: string; readonly cause?: RepositoryError },
  context: RepositoryContext,
): Promise<RepositoryError> {
  const repository = describeLocation(location)
  const names = [...snapshots].flatMap(([name, of]) => (of === id ? [name] : [])).toSorted()
  const isPinnedTo = isPinned && named === id
  const keepers = [
    ...(isPinnedTo ? ['the mirrorlist is pinned to it'] : []),
    ...names.map((one) => `snapshot ${one} is of it`),
  ]
  const published = (await readStoredRepomd(location, context))?.bytes
  const remedies = [
    ...(published !== undefined && generationIdOf(published) === id
      ? [`"repokeeper audit ${repository} --deep --repair" makes it whole, for it is what is published now`]
      : []),
    ...names.map((name) => `"repokeeper snapshot ${repository} ${name} --delete" gives that snapshot up`),
    ...(isPinnedTo ? [`"repokeeper rollback ${repository} ID" pins the mirrorlist to another generation`] : []),
  ]
  const message = `${repository}: which packages generation ${id} lists cannot be read, so nobody knows what must stay for it (${keepers.join(', ')}): ${fault}; ${remedies.join('; ')}`
  return new RepositoryError(code, message, repository, { cause })
}
