/**
 * The entries of a document that cannot be patched as bytes: through a real parser, each written anew below a head of ours.
 */
import { DocumentError } from './document-error.ts'
import { type DocumentKind, documentFrames, isMetadataNamespace } from './document-kind.ts'
import { EntryRewriter } from './entry-rewriter.ts'
import { type ScanLimits, type ScannedEntry, scanLimits } from './scan.ts'
import { isPlain } from './tag-bytes.ts'
import { decodeXml } from './xml-encoding.ts'
import { type XmlEvents, XmlPushParser, type XmlTag } from './xml-push-parser.ts'

/**
 * @param chunks the uncompressed bytes, cut anywhere
 * @throws DocumentError `BROKEN_XML`, `UNEXPECTED_CONTENT`, `TOO_LARGE`, and `NOT_PATCHABLE` for what even this way does not
 * read: encodings that are not known, external entities, entities that hold markup
 */
export async function* parseDocument(
  kind: DocumentKind,
  chunks: AsyncIterable<Uint8Array>,
  limits: ScanLimits = scanLimits,
): AsyncGenerator<ScannedEntry> {
  const entries = new DocumentEntries(kind, limits)
  const parser = new XmlPushParser(kind, entries)
  for await (const text of decodeXml(chunks, kind)) {
    parser.write(text)
    entries.fed(text.length)
    yield* entries.take()
  }
  parser.end()
  yield* entries.take()
}

/** Follows the parser through the document and gathers what stands in entries. */
class DocumentEntries implements XmlEvents {
  readonly #kind: DocumentKind
  readonly #limits: ScanLimits
  #depth = 0
  #ownNamespace = ''
  #inRoot = false
  #entry: EntryRewriter | undefined
  #ready: ScannedEntry[] = []
  /** Characters since the last entry's end, but for one chunk: what the parser and the rewriter hold is no more. */
  #held = 0
  /** The head or an entry ended since the last look. */
  #moved = false

  constructor(kind: DocumentKind, limits: ScanLimits) {
    this.#kind = kind
    this.#limits = limits
  }

  open(tag: XmlTag): void {
    this.#depth += 1
    if (this.#entry !== undefined) this.#entry.open(tag)
    else if (this.#depth === 1) this.#openRoot(tag)
    else if (tag.local === 'package' && tag.uri === this.#ownNamespace) {
      this.#entry = new EntryRewriter(this.#kind, this.#ownNamespace)
      this.#entry.open(tag)
    } else throw this.#unexpected(`<${tag.name}>`)
  }

  close(tag: XmlTag): void {
    this.#depth -= 1
    const entry = this.#entry
    if (entry === undefined) return
    entry.close(tag)
    // Entities may make it longer than what was read.
    if (entry.length > this.#limits.entryBytesMax) throw this.#tooLarge('an entry', this.#limits.entryBytesMax)
    if (this.#depth > 1) return
    const { bytes } = entry.finish()
    this.#ready.push({ kind: 'entry', bytes, plain: isPlain(bytes), at: undefined })
    this.#entry = undefined
    this.#moved = true
  }

  text(text: string): void {
    if (this.#entry !== undefined) this.#entry.text(text)
    else if (this.#depth === 1 && /[^\t\n\r ]/.test(text))
      throw this.#unexpected(JSON.stringify(text.trim().slice(0, 40)))
  }

  comment(text: string): void {
    this.#entry?.comment(text)
  }

  instruction(target: string, body: string): void {
    this.#entry?.instruction(target, body)
  }

  /** So many characters went into the parser, and may all still be there, unless something ended in them. */
  fed(characters: number): void {
    this.#held = this.#moved ? 0 : this.#held + characters
    this.#moved = false
    const [what, limit] = this.#inRoot
      ? (['an entry', this.#limits.entryBytesMax] as const)
      : (['its head', this.#limits.headBytesMax] as const)
    if (this.#held > limit) throw this.#tooLarge(what, limit)
  }

  take(): ScannedEntry[] {
    const ready = this.#ready
    this.#ready = []
    return ready
  }

  #openRoot(tag: XmlTag): void {
    const { root, namespace } = documentFrames[this.#kind]
    if (tag.local !== root) throw this.#unexpected(`the root <${tag.name}>`, `<${root}>`)
    if (!isMetadataNamespace(tag.uri) && tag.uri !== '') {
      throw this.#unexpected(`the namespace ${tag.uri}`, namespace)
    }
    this.#ownNamespace = tag.uri
    this.#inRoot = true
    this.#moved = true
  }

  #unexpected(found: string, expected = '<package> or the end'): DocumentError {
    return new DocumentError('UNEXPECTED_CONTENT', `${this.#kind} holds ${found}, expected ${expected}`)
  }

  #tooLarge(what: string, limit: number): DocumentError {
    return new DocumentError('TOO_LARGE', `${this.#kind}: ${what} is longer than ${limit} bytes`)
  }
}
