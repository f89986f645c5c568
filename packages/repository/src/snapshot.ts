/**
 * Snapshot: repomd.xml and its ETag → the repository as it is published now.
 */
import { type ETag, readBody } from '@repokeeper/object-store'
import {
  BlockLookup,
  DocumentError,
  type DocumentKind,
  documentKinds,
  emptyIndex,
  emptyRepomd,
  openBlocks,
  type PackageIndex,
  type PackageLookup,
  PackedIndex,
  parseLocation,
  parseRepomd,
  type Repomd,
  type RepomdRecord,
  readListedPackages,
  readPackageIndex,
  recordOf,
  type StoredDocument,
} from '@repokeeper/repodata'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { RepositoryError } from './repository-error.ts'
import { repomdKey } from './roots.ts'

export interface Snapshot {
  /** Of repomd.xml; `undefined` where there is none yet. */
  readonly etag: ETag | undefined
  /** repomd.xml as it lies there; `undefined` where there is none yet. */
  readonly stored: StoredRepomd | undefined
  readonly repomd: Repomd
  readonly documents: Readonly<Partial<Record<DocumentKind, StoredDocument>>>
  /** Finds what is listed. Of a document of this project it reads only the blocks that are asked for. */
  readonly lookup: PackageLookup
}

/** A snapshot for who looks at all packages. */
export interface IndexedSnapshot extends Snapshot {
  readonly index: PackageIndex
}

/** repomd.xml as it lies in the store, whatever is in it. */
export interface StoredRepomd {
  readonly etag: ETag
  /** When this generation was published, by the store's clock. */
  readonly lastModified: Date
  /** `undefined` where they are more than any repomd.xml has (`repomdBytesMax`). */
  readonly bytes: Uint8Array | undefined
}

/** repomd.xml of the largest distributions is some 20 KB. */
export const repomdBytesMax = 16 * 2 ** 20
/** What a document may uncompress to where its record does not say: the largest known is some 3 GB. */
const openBytesMax = 64 * 2 ** 30
/** A document that is gone may have been superseded a moment ago: then there is a newer repomd.xml. */
const rereadsMax = 5

/**
 * Reads what is published. The newest repomd.xml is taken each time; documents come from the cache.
 *
 * @throws RepositoryError `BROKEN_METADATA` or `MISSING_DOCUMENT`, and what the store throws; its lookup throws DocumentErrors
 */
export async function readSnapshot(location: RepositoryLocation, context: RepositoryContext): Promise<Snapshot> {
  const { primary: lookup, ...snapshot } = await readPrimary<PackageLookup>(location, context, openLookup, emptyIndex)
  return { ...snapshot, lookup }
}

/** The same with all packages. @throws like `readSnapshot` */
export async function readIndexedSnapshot(
  location: RepositoryLocation,
  context: RepositoryContext,
): Promise<IndexedSnapshot> {
  const { primary: index, ...snapshot } = await readPrimary(location, context, readPackageIndex, emptyIndex)
  return { ...snapshot, lookup: index, index }
}

async function openLookup(primary: StoredDocument): Promise<PackageLookup> {
  const blocks = await openBlocks('primary', primary)
  return blocks === undefined
    ? PackedIndex.of(readListedPackages(primary))
    : new BlockLookup(blocks, () => PackedIndex.of(readListedPackages(primary)))
}

/**
 * A snapshot with what `read` makes of primary; it is called again where that is superseded meanwhile, or a copy of it was not to be trusted.
 * @param nothing where no primary is published
 * @throws like `readSnapshot`, and what `read` throws
 */
export async function readPrimary<Read extends Pick<PackageLookup, 'count'>>(
  location: RepositoryLocation,
  context: RepositoryContext,
  read: (primary: StoredDocument) => Promise<Read>,
  nothing: Read,
): Promise<Omit<Snapshot, 'lookup'> & { readonly primary: Read }> {
  await context.cache.restore()
  let distrusted = false
  for (let reread = 0; ; reread += 1) {
    const head = await readRepomd(location, context)
    try {
      const { etag, stored, repomd } = head
      const documents = openDocuments(location, repomd, context)
      const primary = documents.primary === undefined ? nothing : await read(documents.primary)
      const repository = describeLocation(location)
      context.onEvent({ kind: 'snapshot read', repository, revision: repomd.revision, packages: primary.count })
      return { etag, stored, repomd, documents, primary }
    } catch (error) {
      if (isMissing(error) && reread < rereadsMax) {
        if ((await readRepomd(location, context)).etag !== head.etag) continue
      }
      if (error instanceof DocumentError && !isMissing(error) && !distrusted) {
        // The copy on disk may be at fault, not what is published.
        context.cache.distrust()
        distrusted = true
        continue
      }
      throw explain(error, location)
    }
  }
}

/** What repomd.xml says, without looking at what it names. @throws RepositoryError `BROKEN_METADATA` */
export async function readRepomd(
  location: RepositoryLocation,
  context: Pick<RepositoryContext, 'signal' | 'cache'>,
): Promise<Pick<Snapshot, 'etag' | 'stored' | 'repomd'>> {
  const stored = await readStoredRepomd(location, context)
  if (stored === undefined) return { etag: undefined, stored, repomd: emptyRepomd }
  return { etag: stored.etag, stored, repomd: parseStoredRepomd(stored, location) }
}

/** repomd.xml, unread: the one that is there now. `undefined` where there is none. @throws StoreError */
export async function readStoredRepomd(
  location: RepositoryLocation,
  { cache, ...context }: Pick<RepositoryContext, 'signal'> & Partial<Pick<RepositoryContext, 'cache'>>,
): Promise<StoredRepomd | undefined> {
  const known = cache?.lastRepomds.of(location)
  const ifNoneMatch = known === undefined ? {} : { ifNoneMatch: known.etag }
  const got = await location.store.get(repomdKey(location.root), { ...ifNoneMatch, ...withSignal(context) })
  if (got.kind === 'unchanged') return known
  if (got.kind !== 'found') return undefined
  const { etag, lastModified } = got.head
  const bytes = await readBody(got.body, repomdBytesMax).catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error
    return undefined
  })
  const stored = { etag, lastModified, bytes }
  cache?.lastRepomds.remember(location, stored)
  return stored
}

/** @throws RepositoryError `BROKEN_METADATA` */
export function parseStoredRepomd({ bytes }: Pick<StoredRepomd, 'bytes'>, location: RepositoryLocation): Repomd {
  try {
    if (bytes !== undefined) return parseRepomd(bytes)
    throw new DocumentError('TOO_LARGE', `repomd.xml is longer than ${repomdBytesMax} bytes`)
  } catch (error) {
    throw explain(error, location)
  }
}

/** The key of what a record names. @throws DocumentError where it lies outside the repository */
export function recordKey(
  location: Pick<RepositoryLocation, 'root'>,
  record: Pick<RepomdRecord, 'type' | 'href' | 'base'>,
): string {
  const href = parseLocation(record.href.replace(/^(?:\.\/)+/, ''))
  if (href === undefined || record.base !== undefined) {
    const where = record.base === undefined ? record.href : `${record.base} ${record.href}`
    throw new DocumentError('UNEXPECTED_CONTENT', `repomd.xml places ${record.type} outside the repository: ${where}`)
  }
  return `${location.root}${href}`
}

/** Says which repository it is and what to do. Anything else passes through. */
export function explain(error: unknown, location: RepositoryLocation): unknown {
  if (!(error instanceof DocumentError)) return error
  const repository = describeLocation(location)
  const code = error.code === 'MISSING' ? 'MISSING_DOCUMENT' : 'BROKEN_METADATA'
  const remedy = `it was left as it is; "repokeeper rebuild ${repository}" writes the metadata anew from the packages`
  return new RepositoryError(code, `${repository}: ${error.message}; ${remedy}`, repository, { cause: error })
}

function isMissing(error: unknown): boolean {
  return error instanceof DocumentError && error.code === 'MISSING'
}

function openDocuments(
  location: RepositoryLocation,
  repomd: Repomd,
  context: RepositoryContext,
): Partial<Record<DocumentKind, StoredDocument>> {
  const documents: Partial<Record<DocumentKind, StoredDocument>> = {}
  for (const kind of documentKinds) {
    const record = recordOf(repomd, kind)
    if (record !== undefined) documents[kind] = openDocument(location, record, context)
  }
  return documents
}

function openDocument(location: RepositoryLocation, record: RepomdRecord, context: RepositoryContext): StoredDocument {
  const key = recordKey(location, record)
  const { checksum } = record
  if (checksum === undefined) {
    throw new DocumentError('UNEXPECTED_CONTENT', `repomd.xml gives no usable checksum for ${record.href}`)
  }
  async function* fetch(): AsyncGenerator<Uint8Array> {
    const got = await location.store.get(key, withSignal(context))
    if (got.kind !== 'found') throw new DocumentError('MISSING', 'repomd.xml names it, but it is not there')
    yield* got.body
  }
  return {
    name: record.href,
    open: () => context.cache.read(checksum, record.size, fetch),
    access: () => context.cache.access(checksum, record.size, fetch),
    openBytesMax: record.openSize ?? openBytesMax,
  }
}
