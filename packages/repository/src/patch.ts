/**
 * Patch: snapshot × plan → the documents of the next generation, in files of their own.
 */
import {
  areAligned,
  type BlockedDocument,
  BlockLookup,
  DocumentError,
  type DocumentForm,
  type DocumentKind,
  type DocumentSink,
  documentKinds,
  gzipContainer,
  mergePackages,
  type NewPackage,
  type NextPackage,
  openBlocks,
  PackageIndex,
  PackedIndex,
  type PatchedDocument,
  patchBlocks,
  patchDocument,
  planBlocks,
  type Repomd,
  readListedPackages,
  type ScratchFile,
  type StoredDocument,
  zstdContainer,
} from '@repokeeper/repodata'
import { describeLocation, type RepositoryContext, type RepositoryLocation } from './context.ts'
import { goneOf, type PlannedPackage, type RepositoryPlan } from './plan.ts'
import type { Snapshot } from './snapshot.ts'

/** A document that is written but not published. */
export interface DraftDocument extends PatchedDocument {
  /** Its compressed bytes; who publishes or drops the draft takes the file away. */
  readonly file: ScratchFile
}

export type Draft = Readonly<Record<DocumentKind, DraftDocument>>

/**
 * By blocks where the published documents have them, else all of them anew.
 * @throws DocumentError where a published document cannot be read; nothing is left behind then
 */
export async function draftGeneration(
  snapshot: Snapshot,
  plan: RepositoryPlan,
  context: RepositoryContext,
): Promise<Draft> {
  const gone = new Set(plan.changes.flatMap(goneOf).map(({ ordinal }) => ordinal))
  const added = plan.changes.flatMap((change) =>
    change.kind === 'add' || change.kind === 'replace' ? [newPackage(change.package)] : [],
  )
  return (await draftBlocks(snapshot, gone, added, context)) ?? (await draftWhole(snapshot, gone, added, context))
}

/** All documents anew. @param published what kept packages are taken from, and what repomd.xml says */
export function draftPackages(
  published: Pick<Snapshot, 'repomd' | 'documents'> & { readonly index: PackedIndex },
  next: Iterable<NextPackage>,
  context: RepositoryContext,
): Promise<Draft> {
  const { documents, index, repomd } = published
  const form = formOf(repomd, context)
  return draftAll(context, (kind, output) => patchDocument(kind, documents[kind], index, next, form, output))
}

/** As `publish` names documents. Those of other tools are taken over as gzip: nobody has said that all clients read more. */
const ownZstd = /^repodata\/[0-9a-f]{64}-[0-9a-f]{8}-primary\.xml\.zst$/

function formOf(repomd: Repomd, { documents: { compression, openChecksum } }: RepositoryContext): DocumentForm {
  const isOwnZstd = repomd.records.some(({ type, href }) => type === 'primary' && ownZstd.test(href))
  const published = isOwnZstd ? 'zstd' : 'gzip'
  return { container: (compression ?? published) === 'zstd' ? zstdContainer : gzipContainer, openChecksum }
}

async function draftWhole(
  { repomd, documents, lookup }: Snapshot,
  gone: ReadonlySet<number>,
  added: readonly NewPackage[],
  context: RepositoryContext,
): Promise<Draft> {
  const index = await indexOf(documents.primary, lookup)
  return draftPackages({ repomd, documents, index }, mergePackages(index, gone, added), context)
}

function indexOf(primary: StoredDocument | undefined, lookup: Snapshot['lookup']): Promise<PackedIndex> | PackedIndex {
  if (lookup instanceof PackedIndex) return lookup
  if (lookup instanceof PackageIndex) return PackedIndex.of(lookup.packages)
  return PackedIndex.of(primary === undefined ? [] : readListedPackages(primary))
}

/** `undefined` where the documents are not of this project, or not what their tables say: then they are read whole. */
async function draftBlocks(
  { repomd, documents, lookup }: Snapshot,
  gone: ReadonlySet<number>,
  added: readonly NewPackage[],
  context: RepositoryContext,
): Promise<Draft | undefined> {
  const form = formOf(repomd, context)
  const { filelists, other } = documents
  if (!(lookup instanceof BlockLookup) || filelists === undefined || other === undefined) return undefined
  const old = {
    primary: lookup.primary,
    filelists: await openBlocks('filelists', filelists),
    other: await openBlocks('other', other),
  }
  const all = Object.values(old).filter((document) => document !== undefined)
  const isInForm = all.every(({ container }) => container === form.container)
  if (old.filelists === undefined || old.other === undefined || !isInForm || !areAligned(all)) return undefined
  const blocked: Readonly<Record<DocumentKind, BlockedDocument>> = {
    ...old,
    filelists: old.filelists,
    other: old.other,
  }
  try {
    const steps = await planBlocks(lookup, gone, added)
    return await draftAll(context, async (kind, { start, scratch }) => {
      const laidAside = await scratch()
      try {
        const output = { sink: await start(), scratch: laidAside }
        return { ...(await patchBlocks(kind, blocked[kind], steps, form, output)), warnings: [] }
      } finally {
        await laidAside.discard()
      }
    })
  } catch (error) {
    if (error instanceof DocumentError && (error.code === 'BROKEN_TABLE' || error.code === 'OUT_OF_ORDER'))
      return undefined
    throw error
  }
}

interface DraftOutput {
  /** Begins the draft, anew if it is called again. */
  readonly start: () => Promise<DocumentSink>
  readonly scratch: () => Promise<ScratchFile>
}

/** The three documents side by side. */
async function draftAll(
  context: RepositoryContext,
  write: (kind: DocumentKind, output: DraftOutput) => Promise<PatchedDocument>,
): Promise<Draft> {
  const written = await Promise.allSettled(documentKinds.map((kind) => draftDocument(kind, write, context)))
  const drafts = new Map<DocumentKind, DraftDocument>()
  for (const one of written) if (one.status === 'fulfilled') drafts.set(one.value.kind, one.value)
  const [primary, filelists, other] = documentKinds.map((kind) => drafts.get(kind))
  if (primary !== undefined && filelists !== undefined && other !== undefined) return { primary, filelists, other }
  await Promise.all([...drafts.values()].map(({ file }) => file.discard()))
  throw written.find((one) => one.status === 'rejected')?.reason
}

/**
 * Hands the files of a published draft to the cache, where the next snapshot finds them. Where the cache can't take them (its directory is gone,
 * its disk is full) they are fetched then: what is published is published.
 * @param superseded what it stands in the place of
 */
export async function keepDraft(
  location: RepositoryLocation,
  draft: Draft,
  superseded: Repomd,
  { cache, onEvent }: RepositoryContext,
): Promise<void> {
  const kept = new Set(documentKinds.map((kind) => draft[kind].sha256))
  try {
    for (const kind of documentKinds) await cache.adopt(draft[kind].file, { type: 'sha256', hex: draft[kind].sha256 })
    await cache.retire(
      superseded.records.flatMap(({ type, checksum }) =>
        checksum !== undefined && isDocumentKind(type) && !kept.has(checksum.hex) ? [checksum] : [],
      ),
    )
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const message = `the published documents are fetched again for the next change: ${why}`
    onEvent({ kind: 'warning', repository: describeLocation(location), subject: 'the cache', message })
  }
}

function isDocumentKind(type: string): boolean {
  return documentKinds.some((kind) => kind === type)
}

export async function dropDraft(draft: Draft): Promise<void> {
  await Promise.all(documentKinds.map((kind) => draft[kind].file.discard()))
}

async function draftDocument(
  kind: DocumentKind,
  write: (kind: DocumentKind, output: DraftOutput) => Promise<PatchedDocument>,
  { cache }: RepositoryContext,
): Promise<DraftDocument> {
  let file: ScratchFile | undefined
  const start = async (): Promise<DocumentSink> => {
    await file?.discard()
    const begun = await cache.newDraft()
    file = begun
    return (bytes) => begun.append(bytes)
  }
  try {
    const patched = await write(kind, { start, scratch: () => cache.newScratch() })
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
