/**
 * Adopt: a repository as somebody else has left it, what repokeeper would make of it, and doing that. The first publish of any command would take it
 * over as well; this says before what comes, and lets nobody wait for it later.
 */
import {
  type Compression,
  detectCompression,
  documentKinds,
  type ListedPackage,
  openBlocks,
  pathOf,
  type RepomdRecord,
  recordGoesStale,
  showNevra,
} from '@repokeeper/repodata'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { readRanges } from './read-ranges.ts'
import { type ReconcileReport, reconcile } from './reconcile.ts'
import { readSignature } from './signature.ts'
import { type IndexedSnapshot, readIndexedSnapshot, recordKey } from './snapshot.ts'
import { type Difference, listPackages, surveyRepository } from './survey.ts'

export interface FoundRecord {
  readonly type: string
  readonly href: string
  readonly compression: Compression | undefined
  /** Bytes, as the record has them. */
  readonly size: number | undefined
  readonly openSize: number | undefined
  readonly checksumType: string | undefined
  /** One of the three documents, written in blocks by repokeeper. */
  readonly isOurs: boolean
  /** What becomes of it: written anew, carried over, or dropped, since it says again what will have changed. */
  readonly fate: 'written anew' | 'stays' | 'dropped'
}

export interface Adoption {
  /** `undefined`: there is no metadata yet. */
  readonly revision: string | undefined
  readonly signed: boolean
  readonly records: readonly FoundRecord[]
  /** Packages in the bucket, and listed. */
  readonly inBucket: number
  readonly listed: number
  /** Where bucket and metadata differ. */
  readonly differences: readonly Difference[]
  /** Of the packages that are not listed those that cannot be: no packages, or cut off. So many as were looked at. */
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[]
  /** Paths that are listed more than once. */
  readonly listedTwice: readonly string[]
  /** One NEVRA at several paths: clients take any of them. */
  readonly sameNevra: readonly { readonly nevra: string; readonly paths: readonly string[] }[]
  /** Listed with `xml:base`: they lie elsewhere, and stay so. */
  readonly elsewhere: number
  /** Of `asked` packages in the bucket so many of which the store does not know the SHA-256: each would be read whole when its entry is made. */
  readonly digests: { readonly asked: number; readonly unknown: number }
  /** It is as repokeeper writes it, and agrees with the bucket: there is nothing to do. */
  readonly isAdopted: boolean
}

/** Packages whose digest the store is asked for: enough to see how they were uploaded. */
const digestsAsked = 200

/** Files that are not listed, and are looked at whether they are packages: each costs a request or two. */
const headersAsked = 200

/** @throws RepositoryError, StoreError */
export async function examineForAdoption(location: RepositoryLocation, context: RepositoryContext): Promise<Adoption> {
  const survey = await surveyRepository(location, context)
  const snapshot = await readIndexedSnapshot(location, context)
  const records = await inParallel(snapshot.repomd.records, 4, (record) =>
    findRecord(record, snapshot, location, context),
  )
  const { packages } = snapshot.index
  const listedTwice = repeated(packages, (listed) => pathOf(listed)).map(([path]) => path)
  const sameNevra = repeated(packages, showNevra)
    .map(([nevra, several]) => ({ nevra, paths: [...new Set(several.map(({ href }) => href))] }))
    .filter(({ paths }) => paths.length > 1)
  const { differences, inBucket, listed, revision } = survey
  const ours = records.filter(({ type, isOurs }) => isOurs && (documentKinds as readonly string[]).includes(type))
  const isOurs =
    ours.length === documentKinds.length && records.every(({ fate }) => fate === 'stays' || fate === 'written anew')
  return {
    ...{ revision, records, inBucket, listed, differences, listedTwice, sameNevra },
    signed: (await readSignature(location, context)) !== undefined,
    elsewhere: packages.length - listed,
    unreadable: revision === undefined ? [] : await findUnreadable(location, differences, context),
    digests: await askForDigests(location, context),
    isAdopted: isOurs && differences.length === 0 && revision !== undefined,
  }
}

/**
 * Publishes it as repokeeper writes it: documents in blocks, what is in the bucket and not listed added, what is listed and not there removed.
 *
 * @param adoption what `examineForAdoption` has found, with metadata; without there is something to be rebuilt
 * @throws RepositoryError, StoreError
 */
export async function adoptRepository(
  location: RepositoryLocation,
  { differences }: Adoption,
  context: RepositoryContext,
): Promise<ReconcileReport> {
  const paths = new Set(differences.map(({ path }) => path))
  if (paths.size === 0) {
    // One that is right says that all are written anew.
    const { index } = await readIndexedSnapshot(location, context)
    const [first] = index.packages.flatMap((listed) => pathOf(listed) ?? [])
    if (first !== undefined) paths.add(first)
  }
  const keys = new Set([...paths].map((path) => `${location.root}${path}`))
  return reconcile(location, keys, context, { rewrites: true })
}

async function findRecord(
  record: RepomdRecord,
  { documents }: IndexedSnapshot,
  location: RepositoryLocation,
  context: RepositoryContext,
): Promise<FoundRecord> {
  const { type, href, size, openSize, checksum } = record
  const kind = documentKinds.find((one) => one === type)
  const document = kind && documents[kind]
  const isOurs = kind !== undefined && document !== undefined && (await openBlocks(kind, document)) !== undefined
  const fate = kind !== undefined ? 'written anew' : recordGoesStale(type) ? 'dropped' : 'stays'
  const compression = await compressionOf(recordKey(location, record), location, context)
  return { type, href, compression, size, openSize, checksumType: checksum?.type, isOurs, fate }
}

async function compressionOf(
  key: string,
  { store }: RepositoryLocation,
  context: RepositoryContext,
): Promise<Compression | undefined> {
  const got = await store.get(key, { range: { start: 0, end: 16 }, ...withSignal(context) })
  if (got.kind !== 'found') return undefined
  const chunks: Uint8Array[] = []
  for await (const chunk of got.body) chunks.push(chunk)
  return detectCompression(Buffer.concat(chunks))
}

async function askForDigests(location: RepositoryLocation, context: RepositoryContext): Promise<Adoption['digests']> {
  const { packages } = await listPackages(location, context)
  const step = Math.max(1, Math.floor(packages.length / digestsAsked))
  const asked = packages.filter((_, at) => at % step === 0).slice(0, digestsAsked)
  const heads = await inParallel(asked, context.packageReadsMax, ({ key }) =>
    location.store.head(key, withSignal(context)),
  )
  return {
    asked: asked.length,
    unknown: heads.filter((head) => head !== undefined && head.sha256 === undefined).length,
  }
}

/** By the headers alone: what whoever brings it into line would find as well. */
async function findUnreadable(
  { store, root }: RepositoryLocation,
  differences: readonly Difference[],
  context: RepositoryContext,
): Promise<Adoption['unreadable']> {
  const missing = differences.filter(({ kind }) => kind === 'missing').slice(0, headersAsked)
  const looks = await inParallel(missing, context.packageReadsMax, async ({ path }) => {
    const head = await store.head(`${root}${path}`, withSignal(context))
    const read = head && (await readRanges(store, head, withSignal(context)))
    return read?.kind === 'unreadable' ? [{ path, reason: read.reason }] : []
  })
  return looks.flat()
}

function repeated(
  packages: readonly ListedPackage[],
  nameOf: (listed: ListedPackage) => string | undefined,
): [string, ListedPackage[]][] {
  const groups = new Map<string, ListedPackage[]>()
  for (const listed of packages) {
    const name = nameOf(listed)
    if (name !== undefined) groups.set(name, [...(groups.get(name) ?? []), listed])
  }
  return [...groups].filter(([, several]) => several.length > 1)
}
