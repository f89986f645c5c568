/**
 * A document as it lies in the store: compressed in one way or another, made by one tool or another.
 */
import { BlockedDocument } from './blocked-document.ts'
import { decompress } from './decompress.ts'
import { DocumentError } from './document-error.ts'
import type { ScannedHead } from './document-head.ts'
import type { DocumentKind } from './document-kind.ts'
import { checkEntry } from './entry-check.ts'
import { parseDocument } from './parse-document.ts'
import { type ScannedEntry, scanDocument } from './scan.ts'
import type { RandomAccess } from './scratch-file.ts'

export interface StoredDocument {
  /** For people: its file name. */
  readonly name: string
  /** Its compressed bytes, from the start; may be asked for again. */
  open(): AsyncIterable<Uint8Array>
  /** The same bytes, wherever one likes; absent or `undefined` where they are not kept. */
  access?(): Promise<RandomAccess | undefined>
  /** What it may uncompress to: the size that its record promises, or a bound. */
  readonly openBytesMax: number
}

/**
 * The document by its blocks.
 * @returns `undefined` where it has none of this project's, or is not kept: then it has to be read whole
 * @throws DocumentError with the document's name in front
 */
export async function openBlocks(kind: DocumentKind, document: StoredDocument): Promise<BlockedDocument | undefined> {
  try {
    const file = await document.access?.()
    const blocks = file === undefined ? undefined : await BlockedDocument.open(kind, file)
    // One that says other things than its record is looked at in every byte.
    return blocks === undefined || blocks.openSize > document.openBytesMax ? undefined : blocks
  } catch (error) {
    throw named(document, error)
  }
}

/**
 * Its entries in order, each of them well-formed and ready to stand below a head of ours: byte for byte as they are
 * wherever that can be, else written anew. Reading a document again gives the same.
 *
 * @throws DocumentError with the document's name in front
 */
export async function* readEntries(kind: DocumentKind, document: StoredDocument): AsyncGenerator<ScannedEntry> {
  try {
    const passed = yield* readAsBytes(kind, document)
    if (passed !== 'all') yield* readParsed(kind, document, passed)
  } catch (error) {
    throw named(document, error)
  }
}

function named({ name }: StoredDocument, error: unknown): unknown {
  if (!(error instanceof DocumentError)) return error
  return new DocumentError(error.code, `${name}: ${error.message}`, { cause: error })
}

/** Says after how many entries it came to something that cannot be found as bytes. */
async function* readAsBytes(
  kind: DocumentKind,
  document: StoredDocument,
): AsyncGenerator<ScannedEntry, 'all' | number> {
  let head: ScannedHead | undefined
  let passed = 0
  try {
    for await (const part of scanDocument(kind, decompress(document.open(), document.openBytesMax))) {
      if (part.kind === 'head') head = part
      else if (head !== undefined) {
        yield checkEntry(kind, head, part)
        passed += 1
      }
    }
    return 'all'
  } catch (error) {
    if (error instanceof DocumentError && error.code === 'NOT_PATCHABLE') return passed
    throw error
  }
}

/** Through a real parser, from the start; the first `passed` entries are known. */
async function* readParsed(kind: DocumentKind, document: StoredDocument, passed: number): AsyncGenerator<ScannedEntry> {
  let at = 0
  for await (const entry of parseDocument(kind, decompress(document.open(), document.openBytesMax))) {
    at += 1
    if (at > passed) yield entry
  }
}
