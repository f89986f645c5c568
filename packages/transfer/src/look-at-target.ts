/**
 * What the target holds before anything is done: its files, what its own metadata says of them, and whose replica it is.
 */
import type { ETag } from '@repokeeper/object-store'
import { type PackageIndex, pathOf, type Repomd } from '@repokeeper/repodata'
import {
  type GenerationId,
  liesInNested,
  MemoryCache,
  nestedRootOf,
  parseGenerationId,
  RepositoryError,
  type RepositoryLocation,
  readIndexedSnapshot,
  realContext,
} from '@repokeeper/repository'
import { publicKeyPath, repomdPath, signaturePath } from './read-generation.ts'
import { refuseTakeOver } from './refuse-take-over.ts'
import type { GenerationFiles } from './replica-generations.ts'
import type { HeldFile } from './replica-plan.ts'
import { readRecord, recordPath, type StoredReplicaRecord } from './replica-record.ts'
import { TransferError } from './transfer-error.ts'

export interface TargetView {
  /** Packages and documents by their path, without the metadata's own three files and the record. */
  readonly held: ReadonlyMap<string, HeldFile>
  readonly record: StoredReplicaRecord | undefined
  readonly generations: GenerationFiles
  readonly hasMirrorlist: boolean
  /** Whether what stands at a path was put there by a run, now or before, or is to be taken for that. */
  readonly isOwn: (path: string) => boolean
  /** Of repomd.xml, its signature and its key; `undefined` where there is none. */
  readonly etags: Readonly<Record<'repomd' | 'signature' | 'publicKey', ETag | undefined>>
}

export interface LookOptions {
  /** The name of the source. */
  readonly source: string
  /** What is there may be another repository: its packages and documents will go after the retention. */
  readonly takesOver: boolean
  readonly signal: AbortSignal
}

/** @throws TransferError `NOT_A_REPLICA`, StoreError */
export async function lookAtTarget(location: RepositoryLocation, options: LookOptions): Promise<TargetView> {
  const { store, root } = location
  const { source, takesOver, signal } = options
  const record = takesOver ? await readRecord(location).catch(ignoreForeign) : await readRecord(location)
  const sizes = new Map<string, number>()
  const etags: Record<'repomd' | 'signature' | 'publicKey', ETag | undefined> = { ...noETags }
  const nested = new Set<string>()
  const generations = new Map<GenerationId, Set<string>>()
  const mirrorlists = new Set<string>()
  for await (const { key, size, etag } of store.list(root, { signal })) {
    const below = nestedRootOf(key, root)
    if (below !== undefined) nested.add(below)
    const path = key.slice(root.length)
    const own = metadataFiles.get(path)
    if (own !== undefined) etags[own] = etag
    else if (isManaged(path)) sizes.set(path, size)
    else if (mirrorlistPaths.test(path)) mirrorlists.add(path)
    else noteGeneration(path, generations)
  }
  for (const path of sizes.keys()) if (liesInNested(`${root}${path}`, root, nested)) sizes.delete(path)
  const isEmpty = sizes.size === 0 && generations.size === 0 && etags.repomd === undefined
  if (record === undefined && !takesOver && !isEmpty) {
    const what = 'it holds packages or metadata, and none of them was pulled'
    throw notAReplica(location, source, what)
  }
  if (record !== undefined && record.source !== source && !takesOver) {
    throw notAReplica(location, source, `it is a replica of ${record.source}`)
  }
  if (takesOver && record?.source !== source && mirrorlists.size > 0) await refuseTakeOver(location, signal)
  const digests = etags.repomd === undefined ? noDigests : await publishedDigests(location, signal)
  const held = new Map([...sizes].map(([path, size]) => [path, { size, checksum: digests.get(path) }]))
  const isOwn = (path: string): boolean =>
    takesOver ||
    held.get(path)?.checksum !== undefined ||
    (record !== undefined && (record.begun.has(path) || record.superseded.has(path) || record.doubted.has(path)))
  return { held, record, generations, hasMirrorlist: mirrorlists.has(mirrorlistPath), etags, isOwn }
}

const noETags = { repomd: undefined, signature: undefined, publicKey: undefined }
const metadataFiles: ReadonlyMap<string, keyof typeof noETags> = new Map([
  [repomdPath, 'repomd'],
  [signaturePath, 'signature'],
  [publicKeyPath, 'publicKey'],
])

const mirrorlistPath = 'mirrorlist'
/** That of the repository, and those of its snapshots. */
const mirrorlistPaths = /^(?:snapshots\/[^/]+\/)?mirrorlist$/

/** Anything else that lies there (pages, a .repo file) is somebody's own. */
function isManaged(path: string): boolean {
  return path !== recordPath && (path.endsWith('.rpm') || path.startsWith('repodata/'))
}

/** A directory of this name is a publisher's, or a replica's. */
function noteGeneration(path: string, generations: Map<GenerationId, Set<string>>): void {
  const [, name = '', below = ''] = /^generations\/([^/]+)\/(.+)$/s.exec(path) ?? []
  const id = parseGenerationId(name)
  if (id === undefined) return
  const files = generations.get(id) ?? new Set()
  generations.set(id, files.add(below))
}

function notAReplica({ store, root }: RepositoryLocation, source: string, why: string): TransferError {
  const message =
    `${store.name}/${root} is no replica of ${source}: ${why}. Name an empty directory; or --take-over makes it one, ` +
    'and what the source does not list goes after the retention'
  return new TransferError('NOT_A_REPLICA', message)
}

function ignoreForeign(error: unknown): undefined {
  if (error instanceof TransferError) return undefined
  throw error
}

type Digests = ReadonlyMap<string, HeldFile['checksum']>
const noDigests: Digests = new Map()

/** A repomd.xml is put in place only once all that it names was checked: so its digests are those of the files. */
async function publishedDigests(location: RepositoryLocation, signal: AbortSignal): Promise<Digests> {
  const context = realContext({ cache: new MemoryCache(), onEvent: () => {}, signal })
  try {
    const { index, repomd } = await readIndexedSnapshot(location, context)
    return new Map([...digestsOfPackages(index), ...digestsOfDocuments(repomd)])
  } catch (error) {
    // Then nothing is known of the files, and they are read.
    if (error instanceof RepositoryError) return noDigests
    throw error
  }
}

function* digestsOfPackages({ packages }: PackageIndex): Generator<[string, HeldFile['checksum']]> {
  for (const listed of packages) {
    const path = pathOf(listed)
    if (path !== undefined) yield [path, { type: listed.checksumType, hex: listed.pkgid }]
  }
}

function* digestsOfDocuments({ records }: Repomd): Generator<[string, HeldFile['checksum']]> {
  for (const { href, checksum } of records) yield [href, checksum]
}
