/**
 * Takes away what a replica no longer names: files, and directories of generations.
 */
import {
  deleteGenerationDirectory,
  heldGenerations,
  inParallel,
  listGenerationDirectories,
  type RepositoryLocation,
  readGenerationHolders,
} from '@repokeeper/repository'
import { directoryPath } from './replica-generations.ts'

/**
 * @param paths below the root; directories have a slash at their end. One that the mirrorlist or a snapshot names stays
 * @throws StoreError, RepositoryError where it cannot be told what a snapshot is of
 */
export async function deleteSuperseded(
  paths: readonly string[],
  { store, root }: RepositoryLocation,
  { concurrency, signal }: { readonly concurrency: number; readonly signal: AbortSignal },
): Promise<void> {
  const files = paths.filter((path) => !path.endsWith('/'))
  await inParallel(files, concurrency, (path) => store.delete(`${root}${path}`, { signal }))
  if (files.length === paths.length) return
  const location = { store, root }
  const held = heldGenerations(await readGenerationHolders(location, { signal }))
  for (const directory of await listGenerationDirectories(location, { signal })) {
    if (held.has(directory.id) || !paths.includes(directoryPath(directory.id))) continue
    await deleteGenerationDirectory(location, directory, { signal }, { isAlone: true })
  }
}
