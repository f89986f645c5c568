/**
 * Publish: the documents, a record of what they supersede and, where that is wanted, the directory of the generation first, then repomd.xml by
 * compare-and-swap, then its signature and the mirrorlist. repomd.xml is the only thing that ever changes, and these two follow it.
 */
import type { CopySource, ETag, ObjectHead, PutCondition, PutOutcome } from '@repokeeper/object-store'
import {
  type DocumentKind,
  documentKinds,
  formatRepomd,
  type NamedDocument,
  nextRevision,
  parseLocation,
  renewRepomd,
} from '@repokeeper/repodata'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import type { PlacedDocuments } from './generation-directory.ts'
import { storeGenerationRecord } from './generation-record.ts'
import { prepareGeneration } from './generations.ts'
import { digestOf } from './object-digest.ts'
import type { Draft, DraftDocument } from './patch.ts'
import { placeFollower } from './repomd-follower.ts'
import { repomdKey } from './roots.ts'
import { prepareSignature } from './signature.ts'
import { recordKey, type Snapshot } from './snapshot.ts'

export type PublishOutcome =
  | { readonly kind: 'published'; readonly etag: ETag; readonly revision: string; readonly bytesSent: number }
  /** Another generation was published since the snapshot. Or it was this one, and the answer was lost: the next look tells. */
  | { readonly kind: 'conflict' }

export interface PublishOptions {
  /** Default: `believed`. */
  readonly published?: Published
  /** Called when all that is to be named is in place, and nothing names it yet. */
  readonly beforeSwap?: () => Promise<void>
}

/**
 * How far a document that is published already with the digest of the draft is believed: by its size and what the store
 * says of it, or, for who mends a repository, only after every byte was read.
 */
export type Published = 'believed' | 'read through'

/** createrepo_c (compression_wrapper.c `cr_compression_suffix`), and the media types of RFC 6713 and RFC 8878. */
const suffixes = { gzip: 'gz', zstd: 'zst' } as const
const contentTypes = { gzip: 'application/gzip', zstd: 'application/zstd' } as const

/** The name that a document gets is taken by one that nobody may name: so many other names are tried. */
const namesMax = 10

/**
 * Publishes a draft over the snapshot that it was made from. The draft's files are taken over by the cache.
 * @throws StoreError
 */
export async function publishDraft(
  location: RepositoryLocation,
  snapshot: Pick<Snapshot, 'stored' | 'repomd'>,
  draft: Draft,
  context: RepositoryContext,
  { published = 'believed', beforeSwap }: PublishOptions = {},
): Promise<PublishOutcome> {
  const nowSeconds = Math.floor(context.now().getTime() / 1000)
  // Before the swap: whatever we supersede has its record by then, from which a clean-up knows since when nothing names a document.
  const [recordBytes, placed] = await Promise.all([
    storeGenerationRecord(location, snapshot.stored, context),
    Promise.all(
      documentKinds.map((kind) => placeDocument(location, snapshot, draft[kind], nowSeconds, context, published)),
    ),
  ])
  const documents = byKind(placed.map(({ document }) => document))
  const revision = nextRevision(snapshot.repomd, nowSeconds)
  const { bytes, dropped } = formatRepomd(snapshot.repomd, revision, documents)

  const sources = new Map(placed.map(({ source }) => [source.key, source]))
  const outcome = await swap(location, snapshot, bytes, sources, context, beforeSwap)
  if (outcome.kind === 'conflict') return outcome
  warn(location, draft, dropped, context)
  const bytesSent = placed.reduce((sum, { sent }) => sum + sent, recordBytes + bytes.length)
  return { kind: 'published', etag: outcome.etag, revision, bytesSent }
}

/**
 * Publishes what the snapshot says once more, so that nothing can land any more that stands on it or on one before.
 * @throws StoreError
 */
export async function renewGeneration(
  location: RepositoryLocation,
  snapshot: Pick<Snapshot, 'stored' | 'repomd'>,
  context: RepositoryContext,
): Promise<PublishOutcome> {
  const recordBytes = await storeGenerationRecord(location, snapshot.stored, context)
  const revision = nextRevision(snapshot.repomd, Math.floor(context.now().getTime() / 1000))
  const bytes = renewRepomd(snapshot.repomd, revision)
  const outcome = await swap(location, snapshot, bytes, new Map(), context)
  if (outcome.kind === 'conflict') return outcome
  return { kind: 'published', etag: outcome.etag, revision, bytesSent: recordBytes + bytes.length }
}

async function swap(
  location: RepositoryLocation,
  snapshot: Pick<Snapshot, 'stored'>,
  bytes: Uint8Array,
  placed: PlacedDocuments,
  context: RepositoryContext,
  beforeSwap: PublishOptions['beforeSwap'] = async () => {},
): Promise<PutOutcome> {
  const signature = await prepareSignature(location, bytes, context)
  const prepared = { signature: signature?.bytes, placed }
  const mirrorlist = await prepareGeneration(location, bytes, prepared, snapshot.stored?.bytes, context)
  await beforeSwap()
  const outcome = await location.store.put(repomdKey(location.root), bytes, swapCondition(snapshot, context), {
    contentType: 'application/xml',
    cacheControl: 'no-cache',
    ...withSignal(context),
  })
  if (outcome.kind === 'conflict') return outcome
  for (const follower of [signature, mirrorlist]) {
    if (follower !== undefined) await placeFollower(location, outcome.etag, follower, context)
  }
  return outcome
}

interface Placed {
  readonly document: NamedDocument
  /** Where it is. */
  readonly source: CopySource
  /** Bytes. */
  readonly sent: number
}

/**
 * Puts a document where repomd.xml can name it.
 *
 * A document of the snapshot may be named again. Any other must be created here and now (`If-None-Match: *`): one that
 * stands there already, of a lost race or an old generation, may be about to be cleaned up.
 */
async function placeDocument(
  location: RepositoryLocation,
  snapshot: Pick<Snapshot, 'repomd'>,
  draft: DraftDocument,
  timestamp: number,
  context: RepositoryContext,
  published: Published,
): Promise<Placed> {
  const { store } = location
  const intact = await findIntact(location, snapshot, draft, context, published)
  if (intact !== undefined) {
    const { href, head } = intact
    return { document: { ...draft, href, timestamp }, source: { ...head, store }, sent: 0 }
  }
  for (let attempt = 0; attempt < namesMax; attempt += 1) {
    const href = documentHref(draft, context.random())
    const key = recordKey(location, { type: draft.kind, href })
    const outcome = await store.put(
      key,
      { size: draft.size, open: () => draft.file.bytes(), path: draft.file.path },
      context.singleWriter ? { if: 'always' } : { if: 'absent' },
      {
        sha256: draft.sha256,
        contentType: contentTypes[draft.compression],
        cacheControl: 'public, max-age=31536000, immutable',
        ...withSignal(context),
      },
    )
    if (outcome.kind === 'conflict') continue
    const { size, sha256 } = draft
    return {
      document: { ...draft, href, timestamp },
      source: { store, key, etag: outcome.etag, size, sha256 },
      sent: size,
    }
  }
  throw new Error(`${describeLocation(location)}: ${namesMax} names for one document are all taken`)
}

/** Where the snapshot has this very document, whole and below the root. */
async function findIntact(
  location: RepositoryLocation,
  { repomd }: Pick<Snapshot, 'repomd'>,
  draft: DraftDocument,
  context: RepositoryContext,
  published: Published,
): Promise<{ readonly href: string; readonly head: ObjectHead } | undefined> {
  const named = repomd.records.filter(({ type, checksum }) => type === draft.kind && checksum?.hex === draft.sha256)
  for (const record of named) {
    if (parseLocation(record.href) === undefined || record.base !== undefined) continue
    const head = await location.store.head(recordKey(location, record), withSignal(context))
    if (head === undefined || head.size !== draft.size) continue
    if (head.sha256 !== undefined && head.sha256 !== draft.sha256) continue
    if (published === 'read through' && (await digestOf(location, head, 'sha256', context)) !== draft.sha256) continue
    return { href: record.href, head }
  }
  return undefined
}

/**
 * `repodata/<sha256>-5f3a99c1-primary.xml.gz`. Each name is used once: a clean-up that was decided long ago, and whose DELETE
 * arrives late, must never meet a document that was created anew under the same name.
 */
function documentHref({ kind, sha256, compression }: DraftDocument, chance: number): string {
  const salt = Math.floor(chance * 2 ** 32)
    .toString(16)
    .padStart(8, '0')
  return `repodata/${sha256}-${salt}-${kind}.xml.${suffixes[compression]}`
}

function swapCondition({ stored }: Pick<Snapshot, 'stored'>, { singleWriter }: RepositoryContext): PutCondition {
  if (singleWriter) return { if: 'always' }
  return stored === undefined ? { if: 'absent' } : { if: 'unchanged', etag: stored.etag }
}

function byKind(documents: readonly NamedDocument[]): Record<DocumentKind, NamedDocument> {
  const find = (kind: DocumentKind): NamedDocument => {
    const found = documents.find((document) => document.kind === kind)
    if (found === undefined) throw new Error(`no ${kind} was written`)
    return found
  }
  return { primary: find('primary'), filelists: find('filelists'), other: find('other') }
}

function warn(
  location: RepositoryLocation,
  draft: Draft,
  dropped: readonly string[],
  context: RepositoryContext,
): void {
  const repository = describeLocation(location)
  for (const kind of documentKinds) {
    for (const message of draft[kind].warnings) {
      context.onEvent({ kind: 'warning', repository, subject: kind, message })
    }
  }
  for (const subject of dropped) {
    const message = `${subject} would have been out of date and is no longer named in repomd.xml`
    context.onEvent({ kind: 'warning', repository, subject, message })
  }
}
