/**
 * A look at repomd.xml and at what follows it, while no other repomd.xml is published: what follows lies there a moment later than it.
 */
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { readStoredRepomd, type StoredRepomd } from './snapshot.ts'

/** One publish after the other may come in between. */
const attemptsMax = 5

/** @returns `undefined` where each time another was published meanwhile: then nothing can be said. @throws StoreError, and what `look` throws */
export async function settledLook<Result>(
  location: RepositoryLocation,
  context: RepositoryContext,
  look: (stored: StoredRepomd | undefined) => Promise<Result>,
): Promise<Result | undefined> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const stored = await readStoredRepomd(location, context)
    const result = await look(stored)
    if ((await readStoredRepomd(location, context))?.etag === stored?.etag) return result
  }
  return undefined
}
