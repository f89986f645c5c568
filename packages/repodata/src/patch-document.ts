/**
 * The new document from whatever there was before, read whole: entries that stay are taken byte for byte, in the order that the plan gives.
 */
import { count } from './count.ts'
import { DocumentError } from './document-error.ts'
import type { DocumentKind } from './document-kind.ts'
import { type DocumentForm, type DocumentSink, DocumentWriter, type WrittenDocument } from './document-writer.ts'
import { readPkgId } from './entry-facts.ts'
import { EntrySpool, type SpoolSpan } from './entry-spool.ts'
import { compareLocations, type Location } from './identity.ts'
import type { ListedPackage } from './package-index.ts'
import type { PackedIndex } from './packed-index.ts'
import type { ScannedEntry } from './scan.ts'
import type { ScratchFile } from './scratch-file.ts'
import { readEntries, type StoredDocument } from './stored-document.ts'
import { escapeAttribute } from './text.ts'

/** One package of the new generation. */
export type NextPackage =
  | { readonly kind: 'kept'; readonly listed: ListedPackage }
  | { readonly kind: 'new'; readonly location: Location; read(kind: DocumentKind): Buffer | Promise<Buffer> }

export type NewPackage = Extract<NextPackage, { kind: 'new' }>

/**
 * The packages of the next generation in the order of their locations, each time that they are asked for.
 *
 * @param gone ordinals of the packages that are left out
 * @param added at most one for a location
 */
export function mergePackages(
  index: PackedIndex,
  gone: ReadonlySet<number>,
  added: readonly NewPackage[],
): Iterable<NextPackage> {
  const fresh = added.toSorted((a, b) => compareLocations(a.location, b.location))
  return {
    *[Symbol.iterator]() {
      let at = 0
      for (const listed of index.inOrderOfLocations()) {
        if (gone.has(listed.ordinal)) continue
        for (
          let one = fresh[at];
          one !== undefined && compareLocations(one.location, listed.href) <= 0;
          one = fresh[at]
        ) {
          yield one
          at += 1
        }
        yield { kind: 'kept', listed }
      }
      yield* fresh.slice(at)
    },
  }
}

interface Output {
  /** Begins the new document. */
  readonly start: () => Promise<DocumentSink>
  /** Makes an empty file for what is laid aside. */
  readonly scratch: () => Promise<ScratchFile>
}

export interface PatchedDocument extends WrittenDocument {
  /** For people: what the old document lacked. */
  readonly warnings: readonly string[]
}

/**
 * Writes one document of the next generation.
 *
 * @param old the document of the generation that `index` was read from; `undefined` where there is none
 * @throws DocumentError where the old document cannot be read; what went to the sink until then is to be thrown away
 */
export async function patchDocument(
  kind: DocumentKind,
  old: StoredDocument | undefined,
  index: PackedIndex,
  next: Iterable<NextPackage>,
  form: DocumentForm,
  output: Output,
): Promise<PatchedDocument> {
  if (index.inOrder && old !== undefined) {
    try {
      return await write(kind, next, new StreamedEntries(kind, old, index), form, output)
    } catch (cause) {
      if (!(cause instanceof DocumentError && cause.code === 'OUT_OF_ORDER')) throw cause
    }
  }
  const spool = new EntrySpool(await output.scratch())
  try {
    return await write(kind, next, await SpooledEntries.read(kind, old, index, spool), form, output)
  } finally {
    await spool.close()
  }
}

/** The old document's entries, asked for in the order of the next generation. */
interface OldEntries {
  entryOf(listed: ListedPackage): Promise<Uint8Array>
  /** Everything was asked for that will be. */
  finish(): Promise<readonly string[]>
  /** Gives the old document up, read to its end or not. */
  close(): Promise<void>
}

async function write(
  kind: DocumentKind,
  next: Iterable<NextPackage>,
  old: OldEntries,
  form: DocumentForm,
  output: Output,
): Promise<PatchedDocument> {
  const scratch = await output.scratch()
  try {
    const writer = new DocumentWriter(kind, form, scratch)
    for (const one of next) {
      if (one.kind === 'kept') await writer.add(one.listed, await old.entryOf(one.listed))
      else await writer.add({ href: one.location }, await one.read(kind))
    }
    const warnings = await old.finish()
    return { ...(await writer.finish(await output.start())), warnings }
  } finally {
    await old.close()
    await scratch.discard()
  }
}

/**
 * The usual case: the old document lies in the order of the index, entry for entry, and is read once beside the writing.
 * Throws `OUT_OF_ORDER` as soon as it does not.
 */
class StreamedEntries implements OldEntries {
  readonly #kind: DocumentKind
  readonly #index: PackedIndex
  readonly #entries: AsyncGenerator<ScannedEntry>
  #ordinal = 0

  constructor(kind: DocumentKind, old: StoredDocument, index: PackedIndex) {
    this.#kind = kind
    this.#index = index
    this.#entries = readEntries(kind, old)
  }

  async entryOf(listed: ListedPackage): Promise<Uint8Array> {
    if (listed.ordinal < this.#ordinal) throw new Error('entries are not asked for in order')
    while (this.#ordinal < listed.ordinal) await this.#next(this.#index.package(this.#ordinal))
    return (await this.#next(listed)).bytes
  }

  async finish(): Promise<readonly string[]> {
    while (this.#ordinal < this.#index.count) await this.#next(this.#index.package(this.#ordinal))
    if ((await this.#entries.next()).done !== true) throw outOfOrder(this.#kind)
    return []
  }

  async close(): Promise<void> {
    await this.#entries.return(undefined)
  }

  async #next(expected: ListedPackage): Promise<ScannedEntry> {
    const next = await this.#entries.next()
    if (next.done === true) throw outOfOrder(this.#kind)
    if (this.#kind !== 'primary' && readPkgId(this.#kind, next.value) !== expected.pkgid) throw outOfOrder(this.#kind)
    this.#ordinal += 1
    return next.value
  }
}

function outOfOrder(kind: DocumentKind): DocumentError {
  return new DocumentError('OUT_OF_ORDER', `the entries of ${kind} do not lie as those of primary do`)
}

/** A document of another tool, in an order of its own: laid aside first, read in ours. */
class SpooledEntries implements OldEntries {
  readonly #kind: DocumentKind
  readonly #spool: EntrySpool
  /** By ordinal. */
  readonly #spans: readonly (SpoolSpan | undefined)[]
  readonly #orphans: number
  #missing: ListedPackage[] = []

  private constructor(
    kind: DocumentKind,
    spool: EntrySpool,
    spans: readonly (SpoolSpan | undefined)[],
    orphans: number,
  ) {
    this.#kind = kind
    this.#spool = spool
    this.#spans = spans
    this.#orphans = orphans
  }

  static async read(
    kind: DocumentKind,
    old: StoredDocument | undefined,
    index: PackedIndex,
    spool: EntrySpool,
  ): Promise<SpooledEntries> {
    if (old === undefined) return new SpooledEntries(kind, spool, [], 0)
    if (kind === 'primary') {
      const spans: SpoolSpan[] = []
      for await (const entry of readEntries(kind, old)) {
        if (spans.length >= index.count)
          throw new DocumentError('UNEXPECTED_CONTENT', 'primary changed while it was read')
        spans.push(await spool.append(entry.bytes))
      }
      return new SpooledEntries(kind, spool, spans, 0)
    }
    const byPkgId = new Map<string, SpoolSpan[]>()
    for await (const entry of readEntries(kind, old)) {
      const pkgid = readPkgId(kind, entry)
      const span = await spool.append(entry.bytes)
      const found = byPkgId.get(pkgid)
      if (found === undefined) byPkgId.set(pkgid, [span])
      else found.push(span)
    }
    return new SpooledEntries(kind, spool, assign(index, byPkgId), orphans(index, byPkgId))
  }

  async entryOf(listed: ListedPackage): Promise<Uint8Array> {
    const span = this.#spans[listed.ordinal]
    if (span !== undefined) return this.#spool.read(span)
    if (this.#kind === 'primary') throw new DocumentError('UNEXPECTED_CONTENT', 'primary changed while it was read')
    this.#missing.push(listed)
    return bareEntry(listed)
  }

  async finish(): Promise<readonly string[]> {
    const [first] = this.#missing
    return [
      ...(first === undefined
        ? []
        : [
            `${this.#kind} had no entry for ${this.#missing.length} of the packages in primary (${first.href}): bare ones were written, a rebuild completes them`,
          ]),
      ...(this.#orphans === 0
        ? []
        : [
            `${this.#kind} had ${count(this.#orphans, 'entry', 'entries')} of packages that primary does not list: left out`,
          ]),
    ]
  }

  async close(): Promise<void> {}
}

/** A package at two locations has two entries of one pkgid, or, with some tools, one for both. */
function assign(index: PackedIndex, byPkgId: ReadonlyMap<string, readonly SpoolSpan[]>): (SpoolSpan | undefined)[] {
  const spans: (SpoolSpan | undefined)[] = []
  const used = new Map<string, number>()
  for (const { pkgid } of index.packages()) {
    const found = byPkgId.get(pkgid)
    const at = used.get(pkgid) ?? 0
    used.set(pkgid, at + 1)
    spans.push(found?.[Math.min(at, found.length - 1)])
  }
  return spans
}

function orphans(index: PackedIndex, byPkgId: ReadonlyMap<string, readonly SpoolSpan[]>): number {
  const listed = new Set<string>(Array.from(index.packages(), ({ pkgid }) => pkgid))
  return [...byPkgId].reduce((count, [pkgid, spans]) => count + (listed.has(pkgid) ? 0 : spans.length), 0)
}

/** `<package pkgid="…" name="bear" arch="noarch"><version …/></package>`: a package of which no more is known here. */
function bareEntry({ pkgid, name, arch, epoch, version, release }: ListedPackage): Buffer {
  const attribute = (key: string, value: string): string => ` ${key}="${escapeAttribute(value)}"`
  return Buffer.from(
    `<package${attribute('pkgid', pkgid)}${attribute('name', name)}${attribute('arch', arch)}>\n` +
      `  <version${attribute('epoch', epoch)}${attribute('ver', version)}${attribute('rel', release)}/>\n</package>`,
  )
}
