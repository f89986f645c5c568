/**
 * What upstream has published now: its packages as a list, and the documents that come along, in files.
 */
import { StoreError } from '@repokeeper/object-store'
import {
  DocumentError,
  type ListedPackage,
  parseLocation,
  pathOf,
  type Repomd,
  readListedPackages,
} from '@repokeeper/repodata'
import { moduleArtifactsIn, passOverKey } from '@repokeeper/repository'
import type { Keyring } from '@repokeeper/signing'
import type { Bandwidth } from './bandwidth.ts'
import { DocumentGone, discardDocuments, type FetchedDocument, fetchDocuments } from './fetch-documents.ts'
import { readGeneration } from './read-generation.ts'
import type { ReplicaTime } from './replica.ts'
import type { WantedFile } from './replica-plan.ts'
import type { RepositorySource } from './source.ts'
import { TransferError } from './transfer-error.ts'
import type { Upstream } from './upstream.ts'
import { WebError } from './web-reader.ts'

/** A package that upstream lists; its path is that below upstream's root, or below `base` (`xml:base`) where that is said. */
export interface UpstreamPackage
  extends WantedFile,
    Pick<ListedPackage, 'name' | 'epoch' | 'version' | 'release' | 'arch' | 'modified' | 'base'> {}

export interface ReadUpstream {
  /** The one that gave it first, then the others. */
  readonly sources: readonly RepositorySource[]
  /** Those that lie elsewhere may have the path of another. */
  readonly packages: readonly UpstreamPackage[]
  /** `name-epoch:version-release.arch` of what module streams are made of. */
  readonly inModules: ReadonlySet<string>
  /** Of the types `companions`; the caller's to discard. */
  readonly documents: readonly FetchedDocument[]
}

export interface ReadUpstreamOptions {
  readonly keyring: Keyring | undefined
  /** A directory of the caller's. */
  readonly scratch: string
  readonly bandwidth: Bandwidth | undefined
  readonly time: ReplicaTime
  readonly signal: AbortSignal
}

/** What comes along, by the types under which others publish it, the one that is best to read first. */
export const companions = {
  comps: ['group', 'group_gz', 'group_xz', 'group_zst'],
  modules: ['modules'],
  updateinfo: ['updateinfo'],
} as const

export type Companion = keyof typeof companions

/** What primary, or modules, may uncompress to where the record does not say. */
const openBytesMax = 16 * 2 ** 30
/** Other places that packages lie at: mergerepo_c names one for each repository that it has merged. */
const basesMax = 256
/** It may be published anew while it is read: so often it is looked at again. */
const looksMax = 3
const pauseMs = 1_000

/** @throws TransferError where none of its addresses gives the repository; WebError, StoreError */
export async function readUpstream(upstream: Upstream, options: ReadUpstreamOptions): Promise<ReadUpstream> {
  const reasons: string[] = []
  for (const source of upstream.sources) {
    try {
      const read = await readSource(source, options)
      return { ...read, sources: [source, ...upstream.sources.filter((other) => other !== source)] }
    } catch (error) {
      options.signal.throwIfAborted()
      if (!isOfSource(error)) throw error
      if (upstream.sources.length === 1) throw error
      reasons.push(error.message)
    }
  }
  const [first, ...more] = reasons
  const others = more.length === 0 ? '' : `; and ${more.length} more, the last: ${more.at(-1)}`
  throw new TransferError('BAD_SOURCE', `${upstream.name}: no address of it gives the repository: ${first}${others}`)
}

function isOfSource(error: unknown): error is Error {
  return error instanceof TransferError || error instanceof WebError || error instanceof StoreError
}

async function readSource(
  source: RepositorySource,
  options: ReadUpstreamOptions,
): Promise<Omit<ReadUpstream, 'sources'>> {
  const { keyring, scratch, bandwidth, time, signal } = options
  const sleep = (milliseconds: number) => time.sleep(milliseconds, signal)
  for (let look = 1; ; look += 1) {
    const generation = await readGeneration(source, { keyring, now: time.now, sleep })
    if (generation === 'unchanged') throw new Error('a first look cannot be unchanged')
    try {
      const repomd = { ...generation.repomd, records: wantedRecords(generation.repomd) }
      const documents = await fetchDocuments(source, { repomd }, scratch, bandwidth)
      return await readDocuments(documents)
    } catch (error) {
      if (error instanceof DocumentError) throw badSource(source, error)
      if (!(error instanceof DocumentGone)) throw error
      if (look === looksMax) throw badSource(source, error)
    }
    await sleep(pauseMs)
  }
}

function wantedRecords({ records }: Repomd): Repomd['records'] {
  const first = (types: readonly string[]): Repomd['records'] => {
    const type = types.find((one) => records.some((record) => record.type === one))
    return records.filter((record) => record.type === type).slice(0, 1)
  }
  return [['primary'], ...Object.values(companions)].flatMap(first)
}

async function readDocuments(fetched: readonly FetchedDocument[]): Promise<Omit<ReadUpstream, 'sources'>> {
  try {
    const primary = fetched.find(({ type }) => type === 'primary')
    if (primary === undefined) throw new DocumentError('MISSING', 'repomd.xml names no primary')
    const packages = await readPackages(primary)
    const modules = fetched.find(({ type }) => type === 'modules')
    const inModules = modules === undefined ? new Set<string>() : await moduleArtifactsIn(modules.file.bytes())
    await primary.file.discard()
    return { packages, inModules, documents: fetched.filter((document) => document !== primary) }
  } catch (error) {
    await discardDocuments(fetched)
    throw error
  }
}

/** @throws DocumentError where it lists what cannot be */
async function readPackages({ path: name, file, openSize }: FetchedDocument): Promise<UpstreamPackage[]> {
  const stored = { name, open: () => file.bytes(), openBytesMax: Math.min(openSize ?? openBytesMax, openBytesMax) }
  const packages = new Map<string, UpstreamPackage>()
  const bases = new Set<string>()
  for await (const listed of readListedPackages(stored)) {
    const { href, base } = listed
    const path = parseLocation(pathOf({ href }) ?? '')
    // What lies in repodata/ would be metadata here.
    if (path === undefined || passOverKey(path) !== undefined) {
      throw new DocumentError('UNEXPECTED_CONTENT', `primary places ${listed.name} where no package may lie: ${href}`)
    }
    if (base !== undefined) bases.add(base)
    if (bases.size > basesMax) {
      throw new DocumentError('TOO_LARGE', `primary names more than ${basesMax} other places (xml:base) of packages`)
    }
    const place = JSON.stringify([path, base])
    const other = packages.get(place)
    if (other !== undefined && other.checksum.hex !== listed.pkgid) {
      throw new DocumentError('UNEXPECTED_CONTENT', `primary lists two different packages at ${path}`)
    }
    packages.set(place, upstreamPackage(listed, path))
  }
  return [...packages.values()]
}

function upstreamPackage(listed: ListedPackage, path: string): UpstreamPackage {
  const { name, epoch, version, release, arch, modified, size, checksumType, pkgid, base } = listed
  const file = { path, size, checksum: { type: checksumType, hex: pkgid }, ...(base !== undefined && { base }) }
  return { ...file, name, epoch, version, release, arch, modified }
}

function badSource(source: RepositorySource, error: Error): TransferError {
  return new TransferError('BAD_SOURCE', `${source.name}: ${error.message}`, { cause: error })
}
