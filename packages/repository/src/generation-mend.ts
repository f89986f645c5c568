/**
 * The directory of what is published now, made what it has to be, whatever became of it: what lies at the root stands for it.
 */
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { checkDirectory } from './generation-check.ts'
import { documentKeyIn, putRepomdOf } from './generation-directory.ts'
import type { GenerationId } from './mirrorlist.ts'
import { recordKey } from './snapshot.ts'

/**
 * Replaces what is damaged. What is only missing is there by now (`writeGenerationDirectory`).
 *
 * @param repomd that of the root, of which the id was made
 * @returns whether there was anything
 * @throws StoreError
 */
export async function mendDirectory(
  location: RepositoryLocation,
  id: GenerationId,
  repomd: Uint8Array,
  context: RepositoryContext,
  { deep }: { readonly deep: boolean },
): Promise<boolean> {
  const { store, root } = location
  const isRepomd = (await checkDirectory(location, id, context)).repomd === undefined
  if (isRepomd) await putRepomdOf(location, id, repomd, { if: 'always' }, context)
  const { faults: damaged } = await checkDirectory(location, id, context, { deep })
  for (const { record } of damaged) {
    if (record === undefined) continue
    const source = await store.head(recordKey(location, record), withSignal(context))
    // Then the root is as broken: what mends that publishes another generation.
    if (source === undefined || source.size !== (record.size ?? source.size)) continue
    await store.copy({ ...source, store }, documentKeyIn(root, id, record), { if: 'always' }, withSignal(context))
  }
  return isRepomd || damaged.length > 0
}
