/**
 * The directory of a generation, `generations/<id>/`: everything that one repomd.xml names, that itself and its signature, under paths that
 * nobody else uses. Clients that are sent there never meet anything of another generation.
 *
 * repomd.xml is the very bytes that lie at the root, so that one signature is of both. The documents are copied by the store. (repomd.xml at the
 * root could name them in here instead, but then what this one names would have other hrefs, and it would be another file with another
 * signature.)
 */
import { type CopySource, type ObjectHead, type PutCondition, StoreError } from '@repokeeper/object-store'
import { DocumentError, parseRepomd, type RepomdRecord } from '@repokeeper/repodata'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { inParallel } from './in-parallel.ts'
import type { GenerationId } from './mirrorlist.ts'
import { fromNoCache } from './repomd-follower.ts'
import { type RepositoryRoot, repomdKey } from './roots.ts'
import { recordKey } from './snapshot.ts'

/** What is written beside the documents. */
export interface DirectoryParts {
  readonly repomd: Uint8Array
  /** `undefined` where it is not signed. */
  readonly signature: Uint8Array | undefined
  /** The keys that it is checked with. */
  readonly publicKey: Uint8Array | undefined
  readonly placed: PlacedDocuments
}

/**
 * Documents at the root that a publish has put there or looked at just now, by key. They have the digests that its repomd.xml says, and so do
 * their copies, whatever was there: neither is looked at before.
 */
export type PlacedDocuments = ReadonlyMap<string, CopySource>

/** Copies at a time. */
const atATime = 8
/** A conflict may have stored nothing (S3: 409). */
const attemptsMax = 5
const immutable = 'public, max-age=31536000, immutable'

export function generationsPrefix(root: RepositoryRoot): string {
  return `${root}generations/`
}

export function generationRoot(root: RepositoryRoot, id: GenerationId): RepositoryRoot {
  return `${generationsPrefix(root)}${id}/` as RepositoryRoot
}

/** It reads as a repository of its own, but for the packages. */
export function generationLocation({ store, root }: RepositoryLocation, id: GenerationId): RepositoryLocation {
  return { store, root: generationRoot(root, id) }
}

/**
 * Writes what is not there yet, repomd.xml last: where that is, the directory is whole. What is there already is of the same bytes, by the same
 * name; another publisher of the same generation, or one before who died on the way, wrote it.
 *
 * @throws StoreError
 */
export async function writeGenerationDirectory(
  location: RepositoryLocation,
  id: GenerationId,
  { repomd, signature, publicKey, placed }: DirectoryParts,
  context: RepositoryContext,
): Promise<void> {
  const own = repomdKey(generationRoot(location.root, id))
  await inParallel(documentsIn(repomd), atATime, (record) => copyDocument(location, id, record, placed, context))
  // Another key may sign it one day: those two come from no cache.
  if (publicKey !== undefined) await createBeside(location, `${own}.key`, publicKey, 'application/pgp-keys', context)
  if (signature !== undefined) {
    await createBeside(location, `${own}.asc`, signature, 'application/pgp-signature', context)
  }
  const condition = context.singleWriter ? ({ if: 'always' } as const) : ({ if: 'absent' } as const)
  await untilThere(location, own, context, () => putRepomdOf(location, id, repomd, condition, context))
}

/** @returns whether it was stored. @throws StoreError */
export async function putRepomdOf(
  { store, root }: RepositoryLocation,
  id: GenerationId,
  repomd: Uint8Array,
  condition: PutCondition,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<boolean> {
  const options = { contentType: 'application/xml', cacheControl: immutable, ...withSignal(context) }
  return (await store.put(repomdKey(generationRoot(root, id)), repomd, condition, options)).kind === 'stored'
}

/** The records whose documents lie below the root. Others a client finds where they are, or nowhere, whatever the directory. */
export function documentsIn(repomd: Uint8Array): RepomdRecord[] {
  return parseRepomd(repomd).records.filter((record) => placeIn(record) !== undefined)
}

/** Where the document of a record is in the directory of a generation. */
export function documentKeyIn(root: RepositoryRoot, id: GenerationId, record: RepomdRecord): string {
  return recordKey({ root: generationRoot(root, id) }, record)
}

function placeIn(record: RepomdRecord): string | undefined {
  try {
    return recordKey(nowhere, record)
  } catch (error) {
    if (error instanceof DocumentError) return undefined
    throw error
  }
}

const nowhere = { root: '' as RepositoryRoot }

/** One that is not there leaves the directory as broken as the root is: what mends that publishes another generation. */
async function copyDocument(
  location: RepositoryLocation,
  id: GenerationId,
  record: RepomdRecord,
  placed: PlacedDocuments,
  context: RepositoryContext,
): Promise<void> {
  const { store } = location
  const key = documentKeyIn(location.root, id, record)
  const known = placed.get(recordKey(location, record))
  if (known !== undefined) {
    const { kind } = await store.copy(known, key, { if: 'always' }, withSignal(context))
    if (kind === 'stored') return
  }
  const condition = context.singleWriter ? ({ if: 'always' } as const) : ({ if: 'absent' } as const)
  await untilThere(location, key, context, async () => {
    const source = await store.head(recordKey(location, record), withSignal(context))
    if (source === undefined) return true
    const { kind } = await store.copy({ ...source, store }, key, condition, withSignal(context))
    return kind === 'stored'
  })
}

async function createBeside(
  location: RepositoryLocation,
  key: string,
  bytes: Uint8Array,
  contentType: string,
  context: RepositoryContext,
): Promise<void> {
  const condition = context.singleWriter ? ({ if: 'always' } as const) : ({ if: 'absent' } as const)
  const options = fromNoCache(contentType, context)
  await untilThere(location, key, context, async () => {
    const { kind } = await location.store.put(key, bytes, condition, options)
    return kind === 'stored'
  })
}

/** @param write tells whether there is nothing left to do; else what is in the way is looked at */
async function untilThere(
  { store, root }: RepositoryLocation,
  key: string,
  context: RepositoryContext,
  write: () => Promise<boolean>,
): Promise<void> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    if (await write()) return
    const there: ObjectHead | undefined = await store.head(key, withSignal(context))
    if (there !== undefined) return
  }
  const message = `${describeLocation({ store, root })}: ${key} could not be written: ${attemptsMax} conflicts or changes in a row, and it is not there`
  throw new StoreError('UNAVAILABLE', message, { store: store.name, key })
}
