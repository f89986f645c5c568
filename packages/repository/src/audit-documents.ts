/**
 * The documents of an audit, without reading them through: what repomd.xml names is there, has its size, and says that it
 * holds as many packages as primary does.
 */
import type { ListedObject } from '@repokeeper/object-store'
import {
  count,
  DocumentError,
  type DocumentKind,
  decompress,
  documentKinds,
  type PackageIndex,
  type Repomd,
  type RepomdRecord,
  type StoredDocument,
  scanDocument,
} from '@repokeeper/repodata'
import { type DocumentFindingKind, documentFinding } from './audit-finding.ts'
import type { Generation, Suspect } from './audit-generation.ts'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { recordKey } from './snapshot.ts'

/** The keys of everything that repomd.xml names below the root. */
export function documentKeysOf(location: RepositoryLocation, repomd: Repomd | undefined): Set<string> {
  return new Set((repomd?.records ?? []).flatMap((record) => keyOf(location, record) ?? []))
}

/**
 * @param documents of the bucket, by key, as a listing has them
 * @throws StoreError
 */
export async function checkDocuments(
  location: RepositoryLocation,
  { repomd, index, documents: stored, fault }: Generation,
  documents: ReadonlyMap<string, ListedObject>,
  context: RepositoryContext,
): Promise<Suspect[]> {
  const suspects: Suspect[] = []
  for (const record of repomd?.records ?? []) {
    const object = documents.get(keyOf(location, record) ?? '')
    suspects.push(...checkRecord(location, record, object, context))
  }
  if (repomd !== undefined) suspects.push(...checkNames(repomd, index))
  if (index !== undefined && repomd !== undefined) {
    for (const kind of documentKinds) {
      const record = repomd.records.find(({ type }) => type === kind)
      const open = kind === 'primary' ? stored.primary : undefined
      if (record !== undefined)
        suspects.push(...(await checkCount(location, kind, record, open, documents, index, context)))
    }
  }
  // Missing and misplaced documents have said why already.
  if (fault !== undefined && repomd !== undefined && !suspects.some(({ finding }) => finding.mend === 'rebuild')) {
    const problem = fault.cause instanceof Error ? fault.cause.message : fault.message
    const record = repomd.records.find(({ type }) => type === 'primary') ?? { type: 'primary', href: 'repodata/' }
    suspects.push({
      finding: documentFinding('unreadable-document', record, true, problem),
      holds: async (now) => now.fault !== undefined,
    })
  }
  return suspects
}

function checkRecord(
  location: RepositoryLocation,
  record: RepomdRecord,
  object: ListedObject | undefined,
  context: RepositoryContext,
): Suspect[] {
  const key = keyOf(location, record)
  if (key === undefined) {
    const where = [record.base, record.href].filter((part) => part !== undefined && part !== '').join(' ')
    const problem =
      where === '' ? 'its record names no document' : `its record places it outside the repository: ${where}`
    return [suspectRecord('outside', record, problem, async () => true)]
  }
  const sizeNow = async (): Promise<number | undefined> => (await location.store.head(key, withSignal(context)))?.size
  if (object === undefined) {
    const problem = 'repomd.xml names it, but it is not there: clients fail on the repository'
    return [suspectRecord('missing-document', record, problem, async () => (await sizeNow()) === undefined)]
  }
  const { size } = record
  if (size === undefined || size === object.size) return []
  const problem = `it has ${object.size} bytes, its record says ${size}: clients refuse it`
  const differs = async (): Promise<boolean> => {
    const now = await sizeNow()
    return now !== undefined && now !== size
  }
  return [suspectRecord('wrong-size', record, problem, differs)]
}

/** Whether repomd.xml names primary, filelists and other, and each once. */
function checkNames({ records }: Repomd, index: PackageIndex | undefined): Suspect[] {
  return documentKinds.flatMap((kind): Suspect[] => {
    const times = (all: readonly RepomdRecord[]): number => all.filter(({ type }) => type === kind).length
    const [first] = records.filter(({ type }) => type === kind)
    const found = times(records)
    const holds = async ({ repomd }: Generation): Promise<boolean> =>
      repomd !== undefined && times(repomd.records) === found
    if (first !== undefined && found > 1) {
      const problem = `repomd.xml names ${kind} ${found} times: clients take one or the other`
      return [{ finding: documentFinding('named-twice', first, true, problem), holds }]
    }
    // An empty repository of another tool may do without; what lists packages may not.
    const expected = records.length > 0 && (kind === 'primary' || (index?.packages.length ?? 0) > 0)
    if (found > 0 || !expected) return []
    const finding = documentFinding(
      'half-written',
      { type: kind, href: 'repodata/repomd.xml' },
      true,
      `repomd.xml names no ${kind}`,
    )
    return [{ finding, holds }]
  })
}

/** What the root of a document says it holds, against what primary lists. */
async function checkCount(
  location: RepositoryLocation,
  kind: DocumentKind,
  record: RepomdRecord,
  cached: StoredDocument | undefined,
  documents: ReadonlyMap<string, ListedObject>,
  { packages }: PackageIndex,
  context: RepositoryContext,
): Promise<Suspect[]> {
  const key = keyOf(location, record)
  const object = documents.get(key ?? '')
  // What is missing or has another size is a finding already.
  if (key === undefined || object === undefined || (record.size ?? object.size) !== object.size) return []
  const unchanged = async (): Promise<boolean> =>
    (await location.store.head(key, withSignal(context)))?.etag === object.etag
  try {
    const bytes = cached?.open() ?? (await openStored(location, key, context))
    if (bytes === undefined) return []
    const promised = await readPromisedCount(kind, bytes, cached?.openBytesMax ?? Number.POSITIVE_INFINITY)
    // With some tools a package at two locations has one entry in filelists and other.
    const listed =
      kind === 'primary' ? [packages.length] : [packages.length, new Set(packages.map((one) => one.pkgid)).size]
    if (promised === undefined || listed.includes(promised)) return []
    return kind === 'primary'
      ? [
          suspectRecord(
            'wrong-count',
            record,
            `it says it holds ${count(promised, 'package')}, and holds ${packages.length}`,
            unchanged,
          ),
        ]
      : [
          suspectRecord(
            'half-written',
            record,
            `it holds ${count(promised, 'package')}, primary lists ${packages.length}`,
            unchanged,
          ),
        ]
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    return [suspectRecord('unreadable-document', record, error.message, unchanged)]
  }
}

/** Reads no further than the root's start tag. `undefined` where the root does not say, or is not written as ours is. */
async function readPromisedCount(
  kind: DocumentKind,
  bytes: AsyncIterable<Uint8Array>,
  openBytesMax: number,
): Promise<number | undefined> {
  try {
    for await (const part of scanDocument(kind, decompress(bytes, openBytesMax))) {
      return part.kind === 'head' ? part.packages : undefined
    }
    return undefined
  } catch (error) {
    if (error instanceof DocumentError && error.code === 'NOT_PATCHABLE') return undefined
    throw error
  }
}

async function openStored(
  location: RepositoryLocation,
  key: string,
  context: RepositoryContext,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const got = await location.store.get(key, withSignal(context))
  return got.kind === 'found' ? got.body : undefined
}

/** A suspect for as long as repomd.xml has this record. @param stillSo asks the bucket */
export function suspectRecord(
  kind: DocumentFindingKind,
  record: RepomdRecord,
  problem: string,
  stillSo: () => Promise<boolean>,
): Suspect {
  const described = describeRecord(record)
  return {
    finding: documentFinding(kind, record, isOurs(record.type), problem),
    async holds({ repomd }) {
      return repomd?.records.some((one) => describeRecord(one) === described) === true && (await stillSo())
    },
  }
}

export function describeRecord({ type, href, base, checksum, size }: RepomdRecord): string {
  return JSON.stringify([type, href, base, checksum?.hex, size])
}

/** The key of what a record names; `undefined` where it lies outside the repository. */
export function keyOf(location: RepositoryLocation, record: RepomdRecord): string | undefined {
  try {
    return recordKey(location, record)
  } catch (error) {
    if (error instanceof DocumentError) return undefined
    throw error
  }
}

export function isOurs(type: string): type is DocumentKind {
  return (documentKinds as readonly string[]).includes(type)
}
