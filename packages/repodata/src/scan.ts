/**
 * Finds the entries of a document as spans of bytes, without parsing it into objects.
 *
 * Between `<` and `>` of well-formed XML no other `<` can stand, neither in text nor in an attribute. So wherever there is
 * no comment, CDATA section or processing instruction, the bytes `<package` and `</package>` are tags and nothing else, and
 * a plain search finds them. An entry that holds one of those constructs is walked tag by tag.
 */
import { DocumentError } from './document-error.ts'
import { findRootEnd, isEmptyElement, readHead, type ScannedHead } from './document-head.ts'
import { type DocumentKind, documentFrames } from './document-kind.ts'
import { endsName, findEntryEnd, isWhiteSpace } from './tag-bytes.ts'

/** One part of a document, in order: the head once, then the entries. What lies between entries is white space. */
export type ScannedPart = ScannedHead | ScannedEntry

export interface ScannedEntry {
  readonly kind: 'entry'
  /** From `<package` to the `>` of its end tag. They are the caller's to keep. */
  readonly bytes: Buffer
  /** Without comments, CDATA sections and processing instructions: every `<` is a tag's. */
  readonly plain: boolean
  /** Its first byte in the open document; `undefined` where it was written anew. */
  readonly at: number | undefined
}

export interface ScanLimits {
  /**
   * Longest entry in bytes. The largest packages known have some 600,000 files, about 60 MB. Whoever reads a document needs
   * memory for three such entries, and no more: one that arrives, the copy that puts it together, and one not yet collected.
   */
  readonly entryBytesMax: number
  /** Longest head in bytes: XML declaration, comments, root tag. */
  readonly headBytesMax: number
}

export const scanLimits: ScanLimits = { entryBytesMax: 256 * 2 ** 20, headBytesMax: 2 ** 20 }

/**
 * Scans a document as its uncompressed bytes arrive; chunks may be cut anywhere.
 *
 * @throws DocumentError `BROKEN_XML` where it is cut off or has no end, `UNEXPECTED_CONTENT` where the root or something
 * between the entries is not what this document holds, `NOT_PATCHABLE` where its entries cannot be handled as bytes,
 * `TOO_LARGE` where a limit is passed
 */
export async function* scanDocument(
  kind: DocumentKind,
  chunks: AsyncIterable<Uint8Array>,
  limits: ScanLimits = scanLimits,
): AsyncGenerator<ScannedPart> {
  const scanner = new DocumentScanner(kind, limits)
  for await (const chunk of chunks) {
    if (scanner.push(chunk)) yield* scanner.parts()
  }
  scanner.join()
  yield* scanner.parts()
  scanner.end()
}

/**
 * Entries alone, without head and foot: of blocks in the middle of a document.
 * @throws DocumentError like `scanDocument`
 */
export async function* scanEntries(
  kind: DocumentKind,
  chunks: AsyncIterable<Uint8Array>,
  limits: ScanLimits = scanLimits,
): AsyncGenerator<ScannedEntry> {
  const scanner = new DocumentScanner(kind, limits, 'between entries')
  for await (const chunk of chunks) {
    if (!scanner.push(chunk)) continue
    for (const part of scanner.parts()) if (part.kind === 'entry') yield part
  }
  scanner.join()
  for (const part of scanner.parts()) if (part.kind === 'entry') yield part
  scanner.endBetweenEntries()
}

/** Where the scanner stands. */
type State = 'in head' | 'between entries' | 'in entry' | 'behind foot'

class DocumentScanner {
  readonly #kind: DocumentKind
  readonly #limits: ScanLimits
  /** Bytes that are not yet handed out; `#at` is the first unread one, `#searched` how far an end tag was looked for. */
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  #searched = 0
  /** Bytes before the buffer. */
  #consumed = 0
  /** Where the buffer ends with the beginning of a chunk, to finish what began before it: that chunk, and where in the buffer it begins. */
  #seam: { readonly chunk: Buffer; readonly start: number } | undefined
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #state: State

  constructor(kind: DocumentKind, limits: ScanLimits, state: State = 'in head') {
    this.#kind = kind
    this.#limits = limits
    this.#state = state
  }

  /**
   * Takes a chunk; says whether it is worth looking for parts. Chunks wait until they are as long as what is unread, so
   * that an entry of many chunks is not copied over and over; but no more waits than an entry may have.
   */
  push(chunk: Uint8Array): boolean {
    this.#waiting.push(chunk)
    this.#waitingBytes += chunk.length
    const unread = this.#buffer.length - this.#at
    if (this.#waitingBytes < unread && unread + this.#waitingBytes <= this.#limits.entryBytesMax) return false
    this.join()
    return true
  }

  /**
   * Puts what waits behind what is unread. Of a chunk only the beginning is copied for that, as much as most entries need: the rest of it is
   * read where it lies.
   */
  join(): void {
    const [chunk, ...more] = this.#waiting
    if (chunk === undefined) return
    this.#waiting = []
    this.#waitingBytes = 0
    const unread = this.#buffer.subarray(this.#at)
    const isLong = more.length === 0 && chunk.length > 2 * seamBytes
    const behind = isLong ? [chunk.subarray(0, seamBytes)] : [chunk, ...more]
    this.#continueIn(Buffer.concat([unread, ...behind]), this.#at)
    if (isLong) this.#seam = { chunk: Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length), start: unread.length }
  }

  *parts(): Generator<ScannedPart> {
    while (true) {
      const part = this.#next()
      if (part === 'more') {
        if (!this.#passSeam()) return
      } else if (part !== 'nothing') yield part
    }
  }

  /** Goes on in the chunk at the seam, if there is one. */
  #passSeam(): boolean {
    const seam = this.#seam
    if (seam === undefined) return false
    this.#seam = undefined
    const { chunk, start } = seam
    if (this.#at >= start) this.#continueIn(chunk, start)
    else this.#continueIn(Buffer.concat([this.#buffer.subarray(this.#at, start), chunk]), this.#at)
    return true
  }

  /** Another buffer, which begins where the present one has its byte `start`. */
  #continueIn(buffer: Buffer, start: number): void {
    this.#buffer = buffer
    this.#consumed += start
    this.#at = Math.max(0, this.#at - start)
    this.#searched = Math.max(0, this.#searched - start)
  }

  end(): void {
    if (this.#state === 'behind foot') return
    const where = this.#state === 'in head' ? 'in its head' : `after byte ${this.#position(this.#at)}`
    throw new DocumentError('BROKEN_XML', `${this.#kind} ends ${where}, before </${documentFrames[this.#kind].root}>`)
  }

  endBetweenEntries(): void {
    if (this.#state === 'between entries' && this.#at === this.#buffer.length) return
    throw new DocumentError('BROKEN_XML', `${this.#kind}: a block ends within an entry`)
  }

  #next(): ScannedPart | 'more' | 'nothing' {
    switch (this.#state) {
      case 'in head':
        return this.#head()
      case 'between entries':
        return this.#between()
      case 'in entry':
        return this.#entry()
      case 'behind foot':
        return this.#behind()
    }
  }

  #head(): ScannedPart | 'more' {
    const end = findRootEnd(this.#buffer)
    if (end === undefined) {
      if (this.#buffer.length > this.#limits.headBytesMax) throw this.#tooLarge('head', this.#limits.headBytesMax)
      return 'more'
    }
    const bytes = this.#buffer.subarray(0, end)
    const head = readHead(this.#kind, bytes)
    this.#at = end
    this.#state = isEmptyElement(bytes) ? 'behind foot' : 'between entries'
    return head
  }

  #between(): 'more' | 'nothing' {
    this.#skipWhiteSpace()
    const rest = this.#buffer.subarray(this.#at, this.#at + longestMark)
    if (rest.length === 0) return 'more'
    if (rest[0] !== lessThan) throw this.#unexpected()
    if (startsWith(rest, '<!--')) return this.#skip('<!--', '-->')
    if (startsWith(rest, '<?')) return this.#skip('<?', '?>')
    if (startsWith(rest, '</')) return this.#foot()
    if (rest.length < '<package'.length + 1) return 'more'
    if (this.#isPrefixed()) throw this.#notPatchable('an element with a namespace prefix')
    if (!startsWith(rest, '<package') || !endsName(rest[8])) throw this.#unexpected()
    this.#state = 'in entry'
    this.#searched = this.#at
    return 'nothing'
  }

  #entry(): ScannedPart | 'more' {
    const found = findEntryEnd(this.#buffer, this.#at, this.#searched)
    if ('searched' in found) {
      const length = this.#buffer.length - this.#at
      if (length > this.#limits.entryBytesMax) throw this.#tooLarge('entry', this.#limits.entryBytesMax)
      this.#searched = found.searched
      return 'more'
    }
    const { end, plain } = found
    const bytes = this.#buffer.subarray(this.#at, end)
    const part: ScannedEntry = { kind: 'entry', bytes, plain, at: this.#position(this.#at) }
    this.#at = end
    this.#state = 'between entries'
    return part
  }

  #foot(): 'more' | 'nothing' {
    const close = this.#buffer.indexOf('>', this.#at)
    if (close === -1) return 'more'
    const tag = this.#buffer.toString('latin1', this.#at, close).trimEnd()
    const { root } = documentFrames[this.#kind]
    if (tag !== `</${root}`) throw this.#unexpected()
    this.#at = close + 1
    this.#state = 'behind foot'
    return 'nothing'
  }

  /** White space, comments and processing instructions may follow the root; anything else is a second document or rubbish. */
  #behind(): 'more' | 'nothing' {
    this.#skipWhiteSpace()
    const rest = this.#buffer.subarray(this.#at, this.#at + longestMark)
    if (rest.length === 0) return 'more'
    if (startsWith(rest, '<!--')) return this.#skip('<!--', '-->')
    if (startsWith(rest, '<?')) return this.#skip('<?', '?>')
    if (rest.length < 4 && rest[0] === lessThan) return 'more'
    throw this.#unexpected()
  }

  #skip(start: string, end: string): 'more' | 'nothing' {
    const close = this.#buffer.indexOf(end, this.#at + start.length)
    if (close === -1) {
      if (this.#buffer.length - this.#at > this.#limits.headBytesMax) {
        throw this.#tooLarge(start === '<?' ? 'processing instruction' : 'comment', this.#limits.headBytesMax)
      }
      return 'more'
    }
    this.#at = close + end.length
    return 'nothing'
  }

  #skipWhiteSpace(): void {
    while (this.#at < this.#buffer.length && isWhiteSpace(this.#buffer[this.#at])) this.#at += 1
  }

  #position(at: number): number {
    return this.#consumed + at
  }

  #unexpected(): DocumentError {
    const found = JSON.stringify(this.#buffer.toString('utf8', this.#at, this.#at + 40))
    const expected = this.#state === 'behind foot' ? 'the end' : '<package> or the end'
    return new DocumentError(
      'UNEXPECTED_CONTENT',
      `${this.#kind} holds ${found} at byte ${this.#position(this.#at)}, expected ${expected}`,
    )
  }

  #isPrefixed(): boolean {
    return /^<[^\t\n\r />:"'=<&]{1,100}:[^\t\n\r />]/.test(this.#buffer.toString('latin1', this.#at, this.#at + 128))
  }

  #notPatchable(what: string): DocumentError {
    return new DocumentError('NOT_PATCHABLE', `${this.#kind} holds ${what} at byte ${this.#position(this.#at)}`)
  }

  #tooLarge(what: string, limit: number): DocumentError {
    return new DocumentError(
      'TOO_LARGE',
      `${this.#kind}: the ${what} at byte ${this.#position(this.#at)} is longer than ${limit} bytes`,
    )
  }
}

/** Most entries are shorter. */
const seamBytes = 2 ** 14

const lessThan = 0x3c
const longestMark = '<package>'.length

function startsWith(bytes: Buffer, mark: string): boolean {
  return bytes.length >= mark.length && bytes.toString('latin1', 0, mark.length) === mark
}
