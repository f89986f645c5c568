/**
 * A quick look at the bytes of an entry: is it XML beyond doubt, with no names but the usual ones?
 *
 * `false` means only that a real parser has to look. It does so for comments, CDATA sections, processing instructions,
 * other prefixes, and whatever is broken.
 */
import { isUtf8 } from 'node:buffer'
import { rpmNamespace } from './document-kind.ts'

/**
 * @param namespace the one that may be declared again as the default
 * @param rpmPrefix `rpm:` may stand before names
 */
export function isWellFormedEntry(entry: Uint8Array, namespace: string, rpmPrefix: boolean): boolean {
  return isUtf8(entry) && new EntryLook(entry, namespace, rpmPrefix).isWellFormed()
}

/** Elements within elements: a primary entry has five. */
const depthMax = 16
/** Attributes of a tag, each of which is compared with those before it: an `rpm:entry` has six. */
const attributesMax = 64

/** Positions are indices into the bytes; -1 stands for "not beyond doubt". */
class EntryLook {
  readonly #bytes: Uint8Array
  readonly #namespace: string
  readonly #rpmPrefix: boolean
  /** Where the names of the open elements begin and end. */
  readonly #open: number[] = []
  /** Likewise the names of the attributes of the tag that is looked at. */
  #attributes: number[] = []

  constructor(bytes: Uint8Array, namespace: string, rpmPrefix: boolean) {
    this.#bytes = bytes
    this.#namespace = namespace
    this.#rpmPrefix = rpmPrefix
  }

  isWellFormed(): boolean {
    const bytes = this.#bytes
    let at = 0
    do {
      if (bytes[at] !== lessThan) return false
      at = bytes[at + 1] === slash ? this.#endTag(at + 2) : this.#startTag(at + 1)
      if (at === -1) return false
      if (this.#open.length > 0) at = this.#text(at)
      if (at === -1) return false
    } while (this.#open.length > 0)
    return at === bytes.length
  }

  #startTag(start: number): number {
    const bytes = this.#bytes
    let at = this.#name(start, false)
    if (at === -1) return -1
    const nameEnd = at
    this.#attributes = []
    while (true) {
      const next = this.#skipSpace(at)
      const byte = bytes[next]
      if (byte === greaterThan) {
        this.#open.push(start, nameEnd)
        return this.#open.length > 2 * depthMax ? -1 : next + 1
      }
      if (byte === slash) return bytes[next + 1] === greaterThan ? next + 2 : -1
      if (next === at) return -1
      at = this.#attribute(next)
      if (at === -1) return -1
    }
  }

  #endTag(start: number): number {
    const nameEnd = this.#open.pop()
    const name = this.#open.pop()
    if (nameEnd === undefined || name === undefined) return -1
    const length = nameEnd - name
    if (!this.#equal(start, name, length)) return -1
    const at = this.#skipSpace(start + length)
    return this.#bytes[at] === greaterThan ? at + 1 : -1
  }

  #attribute(start: number): number {
    const nameEnd = this.#name(start, true)
    if (nameEnd === -1 || this.#attributes.length >= 2 * attributesMax || this.#stoodBefore(start, nameEnd)) return -1
    this.#attributes.push(start, nameEnd)
    let at = this.#skipSpace(nameEnd)
    if (this.#bytes[at] !== equals) return -1
    at = this.#skipSpace(at + 1)
    const quote = this.#bytes[at]
    if (quote !== doubleQuote && quote !== singleQuote) return -1
    const end = this.#value(at + 1, quote)
    if (end === -1) return -1
    if (this.#isText(start, nameEnd, 'xmlns') && !this.#isText(at + 1, end, this.#namespace)) return -1
    if (this.#isText(start, nameEnd, 'xmlns:rpm') && !(this.#rpmPrefix && this.#isText(at + 1, end, rpmNamespace)))
      return -1
    return end + 1
  }

  /** A name without a prefix, or with one that means the same everywhere. */
  #name(start: number, isAttribute: boolean): number {
    const bytes = this.#bytes
    if (!isNameStart(bytes[start])) return -1
    let at = start
    let colon = -1
    for (; ; at += 1) {
      const byte = bytes[at] ?? 0
      if (byte === 0x3a) {
        if (colon !== -1) return -1
        colon = at
      } else if (classes[byte] !== inName) break
    }
    if (colon === -1) return at
    if (!isNameStart(bytes[colon + 1])) return -1
    if (this.#isText(start, colon, 'rpm')) return this.#rpmPrefix ? at : -1
    return isAttribute && (this.#isText(start, colon, 'xml') || this.#isText(start, at, 'xmlns:rpm')) ? at : -1
  }

  /** The quote that ends the value. */
  #value(start: number, quote: number): number {
    const bytes = this.#bytes
    let at = start
    while (at !== -1) {
      while (classes[bytes[at] ?? 0] !== special) at += 1
      const byte = bytes[at]
      if (byte === quote) return at
      at = byte === doubleQuote || byte === singleQuote || byte === greaterThan ? at + 1 : this.#character(at)
    }
    return -1
  }

  /** The `<` that ends the text. */
  #text(start: number): number {
    const bytes = this.#bytes
    let at = start
    while (at !== -1) {
      while (classes[bytes[at] ?? 0] !== special) at += 1
      const byte = bytes[at]
      if (byte === lessThan) return at
      // "]]>" must not stand in text.
      if (byte === greaterThan) at = bytes[at - 1] === 0x5d && bytes[at - 2] === 0x5d ? -1 : at + 1
      else at = byte === doubleQuote || byte === singleQuote ? at + 1 : this.#character(at)
    }
    return -1
  }

  /** Behind the reference, or the character of three bytes, that begins at `at`; nothing else may stand there. */
  #character(at: number): number {
    const bytes = this.#bytes
    if (bytes[at] === ampersand) return this.#reference(at + 1)
    // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
    if (bytes[at] === 0xef) return bytes[at + 1] === 0xbf && (bytes[at + 2] ?? 0) >= 0xbe ? -1 : at + 3
    return -1
  }

  #reference(start: number): number {
    const end = this.#bytes.indexOf(semicolon, start)
    if (end === -1 || end - start > longestReference) return -1
    const reference = String.fromCharCode(...this.#bytes.subarray(start, end))
    if (predefined.has(reference)) return end + 1
    const found = /^#(?:([0-9]+)|x([0-9A-Fa-f]+))$/.exec(reference)
    if (found === null) return -1
    const code = found[1] === undefined ? Number.parseInt(found[2] ?? '', 16) : Number(found[1])
    return isCharacter(code) ? end + 1 : -1
  }

  #stoodBefore(start: number, end: number): boolean {
    for (let at = 0; at < this.#attributes.length; at += 2) {
      const other = this.#attributes[at] ?? 0
      const otherEnd = this.#attributes[at + 1] ?? 0
      if (otherEnd - other === end - start && this.#equal(start, other, end - start)) return true
    }
    return false
  }

  #equal(a: number, b: number, length: number): boolean {
    for (let at = 0; at < length; at += 1) if (this.#bytes[a + at] !== this.#bytes[b + at]) return false
    return true
  }

  #isText(start: number, end: number, text: string): boolean {
    if (end - start !== text.length) return false
    for (let at = 0; at < text.length; at += 1) if (this.#bytes[start + at] !== text.charCodeAt(at)) return false
    return true
  }

  #skipSpace(start: number): number {
    let at = start
    while (isSpace(this.#bytes[at])) at += 1
    return at
  }
}

const lessThan = 0x3c
const greaterThan = 0x3e
const slash = 0x2f
const equals = 0x3d
const doubleQuote = 0x22
const singleQuote = 0x27
const ampersand = 0x26
const semicolon = 0x3b
/** `#x10ffff` */
const longestReference = 8
const predefined = new Set(['lt', 'gt', 'amp', 'quot', 'apos'])

/** What a byte is: one to look at, one that may stand in any text, or one that may stand in a name too. */
const special = 0
const ordinary = 1
const inName = 2

const classes = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80) return byte === 0xef ? special : ordinary
  const character = String.fromCharCode(byte)
  if (/[A-Za-z0-9._-]/.test(character)) return inName
  return /[\t\n\r\u0020-\u007f]/.test(character) && !/[<>&"']/.test(character) ? ordinary : special
})

function isNameStart(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f)
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** XML 1.0, production 2 (Char). */
function isCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x09 || code === 0x0a || code === 0x0d
  return code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfffe && code !== 0xffff
}
