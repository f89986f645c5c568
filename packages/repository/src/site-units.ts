/**
 * The published packages in units: each is read for itself, and its key tells whether anything in it has changed. A block of documents that
 * this project wrote is one, and its key stands in their tables; documents of another tool are one together.
 */
import { createHash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import {
  areAligned,
  type BlockedDocument,
  DocumentError,
  type DocumentKind,
  documentKinds,
  EntrySpool,
  openBlocks,
  readEntries,
  readPkgId,
  readPrimaryFacts,
  recordOf,
  type ScannedEntry,
  type SpoolSpan,
  type StoredDocument,
} from '@repokeeper/repodata'
import type { RepositoryContext } from './context.ts'
import type { Snapshot } from './snapshot.ts'

export interface SiteUnit {
  /** Another one where anything in it is different. */
  readonly key: string
  /** @throws DocumentError `BROKEN_TABLE` or `OUT_OF_ORDER` where a block is not what the tables say: then the documents are to be read whole */
  read(): AsyncGenerator<EntriesOfPackage>
}

/** What the three documents have of one package. */
export interface EntriesOfPackage {
  readonly primary: ScannedEntry
  /** `undefined` where a document does not have it: that is an audit's to say. */
  readonly filelists: ScannedEntry | undefined
  readonly other: ScannedEntry | undefined
}

type UnitSource = Pick<Snapshot, 'documents' | 'repomd'>

/** @throws DocumentError where a document cannot be read */
export async function openUnits(source: UnitSource, context: RepositoryContext): Promise<SiteUnit[]> {
  const blocked: BlockedDocument[] = []
  for (const kind of documentKinds) {
    const document = source.documents[kind]
    const blocks = document === undefined ? undefined : await openBlocks(kind, document)
    if (blocks === undefined) return [wholeUnit(source, context)]
    blocked.push(blocks)
  }
  const [primary, filelists, other] = blocked
  if (primary === undefined || filelists === undefined || other === undefined) return [wholeUnit(source, context)]
  if (!areAligned(blocked)) return [wholeUnit(source, context)]
  return primary.table.blocks.map((_, at) => ({
    key: keyOf(blocked.map(({ table }) => table.blocks[at])),
    read: () => readBlock({ primary, filelists, other }, at, context),
  }))
}

/** All packages, from documents of whatever tool. */
export function wholeUnit({ documents, repomd }: UnitSource, context: RepositoryContext): SiteUnit {
  return {
    key: keyOf(documentKinds.map((kind) => recordOf(repomd, kind)?.checksum ?? null)),
    read: () => readWhole(documents, context),
  }
}

/** For blocks: sizes and CRC-32 of their pieces, open and as they lie. */
function keyOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, keyCharacters)
}

/** 132 bits. */
const keyCharacters = 22

async function* readBlock(
  documents: Readonly<Record<DocumentKind, BlockedDocument>>,
  at: number,
  context: RepositoryContext,
): AsyncGenerator<EntriesOfPackage> {
  const filelists = documents.filelists.entries(at, 1)
  const other = documents.other.entries(at, 1)
  try {
    for await (const primary of documents.primary.entries(at, 1)) {
      context.signal?.throwIfAborted()
      const { pkgid } = readPrimaryFacts(primary)
      yield {
        primary,
        filelists: await nextOf('filelists', filelists, pkgid),
        other: await nextOf('other', other, pkgid),
      }
    }
    // To the end, so that the tables are found true or not.
    for await (const _ of filelists) throw outOfOrder('filelists')
    for await (const _ of other) throw outOfOrder('other')
  } finally {
    await Promise.all([filelists.return(undefined), other.return(undefined)])
  }
}

async function nextOf(
  kind: Exclude<DocumentKind, 'primary'>,
  entries: AsyncGenerator<ScannedEntry>,
  pkgid: string,
): Promise<ScannedEntry> {
  const { done, value } = await entries.next()
  if (done === true || readPkgId(kind, value) !== pkgid) throw outOfOrder(kind)
  return value
}

function outOfOrder(kind: DocumentKind): DocumentError {
  return new DocumentError('OUT_OF_ORDER', `the entries of ${kind} do not lie as those of primary do`)
}

async function* readWhole(
  { primary, filelists, other }: Snapshot['documents'],
  context: RepositoryContext,
): AsyncGenerator<EntriesOfPackage> {
  const files = new Follower('filelists', filelists, context)
  const changelogs = new Follower('other', other, context)
  try {
    if (primary === undefined) return
    for await (const entry of readEntries('primary', primary)) {
      context.signal?.throwIfAborted()
      const { pkgid } = readPrimaryFacts(entry)
      yield { primary: entry, filelists: await files.of(pkgid), other: await changelogs.of(pkgid) }
    }
  } finally {
    await Promise.all([files.close(), changelogs.close()])
  }
}

/**
 * What another document has of the packages of primary. The documents of most tools have the same order, and nothing is kept;
 * where one has another, what was passed over is laid aside until it is asked for.
 */
class Follower {
  readonly #kind: Exclude<DocumentKind, 'primary'>
  readonly #entries: AsyncGenerator<ScannedEntry> | undefined
  readonly #context: RepositoryContext
  readonly #passed = new Map<string, { readonly span: SpoolSpan; readonly plain: boolean }>()
  #spool: EntrySpool | undefined

  constructor(
    kind: Exclude<DocumentKind, 'primary'>,
    document: StoredDocument | undefined,
    context: RepositoryContext,
  ) {
    this.#kind = kind
    this.#entries = document === undefined ? undefined : readEntries(kind, document)
    this.#context = context
  }

  async of(pkgid: string): Promise<ScannedEntry | undefined> {
    const passed = this.#passed.get(pkgid)
    if (passed !== undefined && this.#spool !== undefined) {
      const bytes = inflateRawSync(await this.#spool.read(passed.span))
      return { kind: 'entry', bytes, plain: passed.plain, at: undefined }
    }
    while (this.#entries !== undefined) {
      const { done, value } = await this.#entries.next()
      if (done === true) break
      const found = readPkgId(this.#kind, value)
      if (found === pkgid) return value
      this.#spool ??= new EntrySpool(await this.#context.cache.newScratch())
      // The fastest level: it is read once, a moment later.
      const span = await this.#spool.append(deflateRawSync(value.bytes, { level: 1 }))
      this.#passed.set(found, { span, plain: value.plain })
    }
    return undefined
  }

  async close(): Promise<void> {
    await this.#entries?.return(undefined)
    await this.#spool?.close()
  }
}
