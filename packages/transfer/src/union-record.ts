/**
 * Comps, modules and updateinfo of upstream, united with those of the repository, and published.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { DocumentError, decompress, type Repomd, type RepomdRecord, type ScratchFile } from '@repokeeper/repodata'
import {
  DocumentCheck,
  type DraftRecord,
  describeLocation,
  publishRecords,
  type RecordsChange,
  type RepositoryContext,
  RepositoryError,
  type RepositoryLocation,
  recordKey,
  withSignal,
} from '@repokeeper/repository'
import type { FetchedDocument } from './fetch-documents.ts'
import { type Companion, companions } from './read-upstream.ts'
import { TransferError } from './transfer-error.ts'
import { type UnionForm, type UnionSource, uniteDocuments } from './union-document.ts'
import { compsForm, modulesForm, updateinfoForm } from './union-forms.ts'

/** As createrepo_c publishes them: comps also uncompressed, for clients that know nothing else. */
const published: Readonly<
  Record<Companion, { readonly form: UnionForm; readonly name: string; readonly openAs?: string }>
> = {
  comps: { form: compsForm, name: 'comps.xml', openAs: 'group' },
  modules: { form: modulesForm, name: 'modules.yaml' },
  updateinfo: { form: updateinfoForm, name: 'updateinfo.xml' },
}

/** An updateinfo of 200 MB is large. */
const openBytesMax = 2 ** 31

/**
 * All of them in one publish.
 *
 * @param documents of upstream
 * @returns the revision that was published; `undefined` where the repository says all that upstream does
 * @throws TransferError where upstream's cannot be read, RepositoryError where the repository's cannot; StoreError
 */
export async function unitePublished(
  location: RepositoryLocation,
  upstream: string,
  documents: ReadonlyMap<Companion, FetchedDocument>,
  context: RepositoryContext,
): Promise<string | undefined> {
  /** What was made for the last look, and of what: after a lost race it is most often still good. */
  const made = new Map<Companion, { readonly of: string; readonly drafts: readonly DraftRecord[] }>()
  const plan = async ({ records }: Repomd): Promise<RecordsChange> => {
    for (const [companion, document] of documents) {
      const there = companions[companion].flatMap((type) => records.find((record) => record.type === type) ?? [])[0]
      const of = there?.checksum?.hex ?? ''
      const before = made.get(companion)
      if (before?.of === of) continue
      made.delete(companion)
      await discard(before?.drafts)
      const drafts = await unite(location, companion, { name: upstream, document }, there, context)
      made.set(companion, { of, drafts })
    }
    const replaces = new Set([...documents.keys()].flatMap(typesOf))
    return { replaces, drafts: [...made.values()].flatMap(({ drafts }) => drafts) }
  }
  try {
    return await publishRecords(location, plan, context)
  } finally {
    for (const { drafts } of made.values()) await discard(drafts)
  }
}

/** Also those that say the same once more, compressed in another way. */
function typesOf(companion: Companion): string[] {
  return companions[companion].flatMap((type) => [type, `${type}_zck`])
}

async function discard(drafts: readonly DraftRecord[] = []): Promise<void> {
  for (const { file } of drafts) await file.discard()
}

async function unite(
  location: RepositoryLocation,
  companion: Companion,
  upstream: { readonly name: string; readonly document: FetchedDocument },
  there: RepomdRecord | undefined,
  context: RepositoryContext,
): Promise<DraftRecord[]> {
  const { form, name, openAs } = published[companion]
  const { file, path } = upstream.document
  const first: UnionSource = {
    chunks: decompress(file.bytes(), openBytesMax),
    blame: (cause) => new TransferError('BAD_SOURCE', `${upstream.name}/${path}: ${cause.message}`, { cause }),
  }
  const second = there === undefined ? [] : await openThere(location, there, context)
  const spool = await context.cache.newScratch()
  const output = await context.cache.newScratch()
  try {
    await uniteDocuments(form, [first, ...second], spool, output)
    const open = { sha256: await digestOf(output), size: output.size }
    const compressed = await compress(output, await context.cache.newScratch())
    const contentType = name.endsWith('.xml') ? 'application/xml' : 'application/yaml'
    const type = openAs === undefined ? companion : `${openAs}_gz`
    const drafts: DraftRecord[] = [{ type, name: `${name}.gz`, contentType: 'application/gzip', ...compressed, open }]
    if (openAs === undefined) await output.discard()
    else drafts.unshift({ type: openAs, name, contentType, file: output, sha256: open.sha256 })
    return drafts
  } catch (error) {
    await output.discard()
    throw error
  } finally {
    await spool.discard()
  }
}

/** None where the record leads nowhere: it makes way. */
async function openThere(
  location: RepositoryLocation,
  record: RepomdRecord,
  context: RepositoryContext,
): Promise<UnionSource[]> {
  const repository = describeLocation(location)
  const blame = (cause: DocumentError): RepositoryError => {
    const message = `${repository}: ${record.href}: ${cause.message}; it was left as it is: "repokeeper audit" says more`
    return new RepositoryError('BROKEN_METADATA', message, repository, { cause })
  }
  const { checksum, size } = record
  if (checksum === undefined) throw blame(new DocumentError('UNEXPECTED_CONTENT', 'repomd.xml gives no digest of it'))
  const got = await location.store.get(recordKey(location, record), withSignal(context))
  if (got.kind !== 'found') return []
  return [{ chunks: decompress(checked(got.body, new DocumentCheck(checksum, size)), openBytesMax), blame }]
}

async function* checked(body: AsyncIterable<Uint8Array>, check: DocumentCheck): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    check.update(chunk)
    yield chunk
  }
  check.finish()
}

async function digestOf(file: ScratchFile): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of file.bytes()) hash.update(chunk)
  return hash.digest('hex')
}

async function compress(open: ScratchFile, into: ScratchFile): Promise<Pick<DraftRecord, 'file' | 'sha256'>> {
  const hash = createHash('sha256')
  await pipeline(Readable.from(open.bytes(), { objectMode: false }), createGzip({ level: 9 }), async (chunks) => {
    for await (const chunk of chunks) {
      hash.update(chunk)
      await into.append(chunk)
    }
  })
  return { file: into, sha256: hash.digest('hex') }
}
