/**
 * The first generation of a new repository: three empty documents, so that clients and workers find one before the first package.
 */
import { emptyRepomd, PackedIndex } from '@repokeeper/repodata'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { draftPackages, dropDraft, keepDraft } from './patch.ts'
import { publishDraft } from './publish.ts'
import { readStoredRepomd } from './snapshot.ts'
import { listPackages } from './survey.ts'

export type Founding =
  | { readonly kind: 'created'; readonly revision: string }
  /** There is a repomd.xml, whatever it says. */
  | { readonly kind: 'there already' }
  /** Packages lie there and nothing lists them: an empty repository would be a wrong one. A rebuild lists them. */
  | { readonly kind: 'packages without metadata'; readonly packages: number }
  /** Only looked: it would be created. */
  | { readonly kind: 'would be created' }

/** @throws StoreError */
export async function foundRepository(
  location: RepositoryLocation,
  context: RepositoryContext,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<Founding> {
  if ((await readStoredRepomd(location, context)) !== undefined) return { kind: 'there already' }
  const { packages } = await listPackages(location, context)
  if (packages.length > 0) return { kind: 'packages without metadata', packages: packages.length }
  if (dryRun) return { kind: 'would be created' }
  const nothing = { repomd: emptyRepomd, documents: {}, index: await PackedIndex.of([]) }
  const draft = await draftPackages(nothing, [], context)
  try {
    const outcome = await publishDraft(location, { stored: undefined, repomd: emptyRepomd }, draft, context)
    // Somebody was faster: a worker, or another who sets up the same.
    if (outcome.kind === 'conflict') return { kind: 'there already' }
    await keepDraft(location, draft, emptyRepomd, context)
    return { kind: 'created', revision: outcome.revision }
  } finally {
    await dropDraft(draft)
  }
}
