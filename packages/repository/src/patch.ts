/**
 * Patch: snapshot × plan → the documents of the next generation, in files of their own.
 */
import {
  type DocumentKind,
  documentKinds,
  mergePackages,
  type NewPackage,
  type NextPackage,
  type PatchedDocument,
  patchDocument,
  type ScratchFile,
} from '@repokeeper/repodata'
import type { RepositoryContext } from './context.ts'
import { goneOf, type PlannedPackage, type RepositoryPlan } from './plan.ts'
import type { Snapshot } from './snapshot.ts'

/** A document that is written but not published. */
export interface DraftDocument extends PatchedDocument {
  /** Its compressed bytes; who publishes or drops the draft takes the file away. */
  readonly file: ScratchFile
}

export type Draft = Readonly<Record<DocumentKind, DraftDocument>>

/** @throws DocumentError where a published document cannot be read; nothing is left behind then */
export function draftGeneration(snapshot: Snapshot, plan: RepositoryPlan, context: RepositoryContext): Promise<Draft> {
  const gone = new Set(plan.changes.flatMap(goneOf))
  const added = plan.changes.flatMap((change) =>
    change.kind === 'add' || change.kind === 'replace' ? [newPackage(change.package)] : [],
  )
  return draftPackages(snapshot, mergePackages(snapshot.index, gone, added), context)
}

/** The three documents side by side. */
export async function draftPackages(
  snapshot: Pick<Snapshot, 'documents' | 'index'>,
  next: readonly NextPackage[],
  context: RepositoryContext,
): Promise<Draft> {
  const written = await Promise.allSettled(documentKinds.map((kind) => draftDocument(kind, snapshot, next, context)))
  const drafts = new Map<DocumentKind, DraftDocument>()
  for (const one of written) if (one.status === 'fulfilled') drafts.set(one.value.kind, one.value)
  const [primary, filelists, other] = documentKinds.map((kind) => drafts.get(kind))
  if (primary !== undefined && filelists !== undefined && other !== undefined) return { primary, filelists, other }
  await Promise.all([...drafts.values()].map(({ file }) => file.discard()))
  throw written.find((one) => one.status === 'rejected')?.reason
}

/** Hands the files of a published draft to the cache, where the next snapshot finds them. */
export async function keepDraft(draft: Draft, { cache }: RepositoryContext): Promise<void> {
  for (const kind of documentKinds) await cache.adopt(draft[kind].file, { type: 'sha256', hex: draft[kind].sha256 })
}

export async function dropDraft(draft: Draft): Promise<void> {
  await Promise.all(documentKinds.map((kind) => draft[kind].file.discard()))
}

async function draftDocument(
  kind: DocumentKind,
  { documents, index }: Pick<Snapshot, 'documents' | 'index'>,
  next: readonly NextPackage[],
  { cache }: RepositoryContext,
): Promise<DraftDocument> {
  let file: ScratchFile | undefined
  const start = async (): Promise<(bytes: Uint8Array) => Promise<void>> => {
    await file?.discard()
    const begun = await cache.newDraft()
    file = begun
    return (bytes) => begun.append(bytes)
  }
  try {
    const patched = await patchDocument(kind, documents[kind], index, next, {
      start,
      scratch: () => cache.newScratch(),
    })
    if (file === undefined) throw new Error(`no ${kind} was begun`)
    return { ...patched, file }
  } catch (error) {
    await file?.discard()
    throw error
  }
}

function newPackage({ facts, readEntry }: PlannedPackage): NewPackage {
  return { kind: 'new', location: facts.location, read: readEntry }
}
