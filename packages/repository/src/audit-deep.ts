/**
 * The deep part of an audit: every byte that the metadata vouches for is read and its digest taken.
 */
import { createHash } from 'node:crypto'
import { StoreError } from '@repokeeper/object-store'
import {
  type ChecksumType,
  DocumentError,
  decompress,
  documentKinds,
  type ListedPackage,
  type PackageIndex,
  parseChecksumType,
  type RepomdRecord,
  readEntries,
  readPkgId,
  type StoredDocument,
} from '@repokeeper/repodata'
import { keyOf, suspectRecord } from './audit-documents.ts'
import { type AuditFinding, type AuditNote, packageFinding, packageSignatureFinding } from './audit-finding.ts'
import type { Generation, Suspect } from './audit-generation.ts'
import { type SignerCount, SignerTally } from './audit-package-signatures.ts'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { nodeAlgorithm } from './document-cache.ts'
import { inParallel } from './in-parallel.ts'
import { digestOf } from './object-digest.ts'
import { PackageReader } from './package-reader.ts'
import { suspectPackage, suspectUnreadable } from './suspect-package.ts'

export interface DeepCheck {
  readonly suspects: readonly Suspect[]
  readonly notes: readonly AuditNote[]
  /** Where packages have to be signed: by whom they are. */
  readonly signers: readonly SignerCount[]
}

type Findings = Pick<DeepCheck, 'suspects' | 'notes'>

/** Packages between which what was laid aside of their entries is thrown away. */
const packagesAtOnce = 500
/** What a document may uncompress to where its record does not say. */
const openBytesMax = 64 * 2 ** 30

/**
 * @param places by ordinal of the index: the path of the object that an entry stands for
 * @param onProgress is told the bytes read so far, and all of them
 * @throws StoreError where the store is out; an object that it does not give is a finding
 */
export async function checkDigests(
  location: RepositoryLocation,
  { repomd, index, documents }: Generation,
  places: readonly (string | undefined)[],
  context: RepositoryContext,
  onProgress: (read: number, total: number) => void = () => {},
): Promise<DeepCheck> {
  const records = repomd?.records ?? []
  const packages = (index?.packages ?? []).filter(({ ordinal }) => places[ordinal] !== undefined)
  const total = [...records, ...packages].reduce((sum, { size }) => sum + (size ?? 0), 0)
  let read = 0
  const advance = ({ size }: { readonly size: number | undefined }): void => {
    read += size ?? 0
    onProgress(read, total)
  }

  const suspects: Suspect[] = []
  const notes: AuditNote[] = []
  const signers = new SignerTally()
  for (const record of records) {
    const checked = await checkRecordDigests(location, record, context)
    suspects.push(...checked.suspects)
    notes.push(...checked.notes)
    advance(record)
  }
  if (index !== undefined) {
    for (const kind of documentKinds) {
      const record = records.find(({ type }) => type === kind)
      const document = documents[kind]
      if (kind === 'primary' || record === undefined || document === undefined) continue
      suspects.push(...(await checkPackagesOf(kind, record, document, index)))
    }
  }
  for (let start = 0; start < packages.length; start += packagesAtOnce) {
    const some = packages.slice(start, start + packagesAtOnce)
    const reader = await PackageReader.open(location, context)
    try {
      await inParallel(some, context.packageReadsMax, async (listed) => {
        const checked = await checkPackage(location, listed, places[listed.ordinal] ?? '', reader, signers, context)
        suspects.push(...checked.suspects)
        notes.push(...checked.notes)
        advance(listed)
      })
    } finally {
      await reader.close()
    }
  }
  return { suspects, notes, signers: signers.counts() }
}

const nothing: Findings = { suspects: [], notes: [] }

/** Digests and sizes, compressed and open, in one pass. */
async function checkRecordDigests(
  location: RepositoryLocation,
  record: RepomdRecord,
  context: RepositoryContext,
): Promise<Findings> {
  const key = keyOf(location, record)
  const got = key === undefined ? undefined : await location.store.get(key, withSignal(context))
  // Missing and misplaced ones are findings already.
  if (key === undefined || got?.kind !== 'found') return nothing
  const unchanged = async (): Promise<boolean> =>
    (await location.store.head(key, withSignal(context)))?.etag === got.head.etag
  const openChecksum = openChecksumOf(record)
  const stored = new Digest(record.checksum?.type)
  const open = new Digest(openChecksum?.type)

  const source = got.body[Symbol.asyncIterator]()
  const next = async (): Promise<Uint8Array | undefined> => {
    const { done, value } = await source.next()
    if (done === true) return undefined
    stored.update(value)
    return value
  }
  async function* tapped(): AsyncGenerator<Uint8Array> {
    for (let chunk = await next(); chunk !== undefined; chunk = await next()) yield chunk
  }
  let fault: DocumentError | undefined
  try {
    for await (const chunk of decompress(tapped(), record.openSize ?? openBytesMax)) open.update(chunk)
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    fault = error
  }
  // A decoder stops where it has seen enough; the digest is of everything.
  while ((await next()) !== undefined);

  const suspect = (kind: 'wrong-digest' | 'wrong-size' | 'unreadable-document', problem: string): Findings => ({
    suspects: [suspectRecord(kind, record, problem, unchanged)],
    notes: [],
  })
  const wrong = stored.problem(record.checksum?.hex)
  if (wrong !== undefined) return suspect('wrong-digest', `${wrong}: clients refuse it`)
  if (fault?.code === 'UNKNOWN_COMPRESSION') {
    return { suspects: [], notes: [{ kind: 'unchecked', path: record.href, reason: fault.message }] }
  }
  if (fault !== undefined) return suspect('unreadable-document', fault.message)
  const wrongOpen = open.problem(openChecksum?.hex)
  if (wrongOpen !== undefined) return suspect('wrong-digest', `uncompressed, ${wrongOpen}`)
  if (record.openSize !== undefined && record.openSize !== open.bytes) {
    return suspect('wrong-size', `it uncompresses to ${open.bytes} bytes, its record says ${record.openSize}`)
  }
  return nothing
}

/** Bytes on their way, and what they should have come to. */
class Digest {
  readonly #hash: ReturnType<typeof createHash> | undefined
  readonly #type: ChecksumType | undefined
  bytes = 0

  constructor(type: ChecksumType | undefined) {
    this.#type = type
    this.#hash = type === undefined ? undefined : createHash(nodeAlgorithm(type))
  }

  update(chunk: Uint8Array): void {
    this.bytes += chunk.length
    this.#hash?.update(chunk)
  }

  /** `undefined` where it is as expected, or nothing is. */
  problem(expected: string | undefined): string | undefined {
    const found = this.#hash?.digest('hex')
    if (found === undefined || expected === undefined || found === expected) return undefined
    return `its ${this.#type} is ${found}, its record says ${expected}`
  }
}

/** `<open-checksum type="sha256">`: of the document as it was before it was compressed. */
export function openChecksumOf({
  element,
}: RepomdRecord): { readonly type: ChecksumType; readonly hex: string } | undefined {
  for (const child of element.children) {
    if (typeof child === 'string' || child.name !== 'open-checksum') continue
    const type = parseChecksumType(child.attributes.get('type') ?? '')
    const hex = child.children
      .filter((part) => typeof part === 'string')
      .join('')
      .trim()
      .toLowerCase()
    return type === undefined || hex === '' ? undefined : { type, hex }
  }
  return undefined
}

/** Whether filelists or other has an entry for every package of primary, and none for others. */
async function checkPackagesOf(
  kind: 'filelists' | 'other',
  record: RepomdRecord,
  document: StoredDocument,
  index: PackageIndex,
): Promise<Suspect[]> {
  const expected = new Set<string>(index.packages.map(({ pkgid }) => pkgid))
  const missing = new Set(expected)
  let strangers = 0
  try {
    for await (const entry of readEntries(kind, document)) {
      const pkgid = readPkgId(kind, entry)
      missing.delete(pkgid)
      if (!expected.has(pkgid)) strangers += 1
    }
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    return error.code === 'MISSING'
      ? []
      : [suspectRecord('unreadable-document', record, error.message, async () => true)]
  }
  if (missing.size === 0 && strangers === 0) return []
  const parts = [
    ...(missing.size === 0 ? [] : [`it lacks ${missing.size} of the packages of primary`]),
    ...(strangers === 0 ? [] : [`it has ${strangers} that primary does not list`]),
  ]
  return [suspectRecord('half-written', record, parts.join(', '), async () => true)]
}

/**
 * Facts are compared, not bytes: every tool formats an entry in a way of its own.
 */
async function checkPackage(
  location: RepositoryLocation,
  listed: ListedPackage,
  path: string,
  reader: PackageReader,
  signers: SignerTally,
  context: RepositoryContext,
): Promise<Findings> {
  try {
    const head = await location.store.head(`${location.root}${path}`, withSignal(context))
    if (head === undefined) return nothing
    // What the store says of the digest is not asked: the bytes are.
    const { sha256: _, ...unvouched } = head
    const outcome = await reader.read(path, unvouched)
    if (outcome.kind === 'changed') return nothing
    const suspect = (finding: AuditFinding): Findings => ({
      suspects: [suspectPackage(location, listed, head, finding, context)],
      notes: [],
    })
    const sha256 = outcome.kind === 'package' ? outcome.facts.pkgid : outcome.pkgid
    const found =
      listed.checksumType === 'sha256' ? sha256 : await digestOf(location, head, listed.checksumType, context)
    if (found !== undefined && found !== listed.pkgid) {
      const problem = `its ${listed.checksumType} is ${found}, it is listed with ${listed.pkgid}: clients refuse it`
      return suspect(packageFinding('changed', path, problem))
    }
    if (outcome.kind === 'untrusted') return suspect(packageSignatureFinding(path, outcome))
    if (outcome.kind === 'unreadable') {
      const reason = `its digest is right, but another tool made its entry, for it cannot be read here: ${outcome.reason}`
      return { suspects: [], notes: [{ kind: 'unchecked', path, reason }] }
    }
    if (outcome.signer !== undefined) signers.count(outcome.signer)
    const [inHeader, inEntry] = [nevraOf(outcome.facts), nevraOf(listed)]
    if (inHeader === inEntry) return nothing
    return suspect(packageFinding('entry-differs', path, `it is ${inHeader}, but listed as ${inEntry}`))
  } catch (error) {
    if (!(error instanceof StoreError) || error.code === 'UNAVAILABLE') throw error
    const finding = packageFinding('unreadable-package', path, error.message)
    return { suspects: [suspectUnreadable(listed, finding)], notes: [] }
  }
}

type NevraParts = Pick<ListedPackage, 'name' | 'epoch' | 'version' | 'release' | 'arch'>

function nevraOf({ name, epoch, version, release, arch }: NevraParts): string {
  return `${name}-${epoch}:${version}-${release}.${arch}`
}
