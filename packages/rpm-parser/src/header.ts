import { bigintItems, findEntry, type HeaderEntry, numberItems, stringItems } from './header-entry.ts'
import { isStringType, TagType } from './tag-type.ts'

/**
 * The tags of a header. Values are decoded each time they are asked for; bytes are views over the package's bytes, not
 * copies. A tag that is absent, or whose type the method does not read, gives `undefined` or no items, as librpm does;
 * nothing here throws.
 */
export class Header {
  readonly #entries: readonly HeaderEntry[]

  /** @param entries sorted by tag */
  constructor(entries: readonly HeaderEntry[]) {
    this.#entries = entries
  }

  has(tag: number): boolean {
    return this.#find(tag) !== undefined
  }

  typeOf(tag: number): TagType | undefined {
    return this.#find(tag)?.type
  }

  /** Items (bytes, for BIN) of the tag; 0 where it is absent. */
  count(tag: number): number {
    return this.#find(tag)?.count ?? 0
  }

  /** STRING, or the first of I18NSTRING (the C locale) or STRING_ARRAY. Invalid UTF-8 becomes U+FFFD. */
  string(tag: number): string | undefined {
    const bytes = this.stringBytes(tag)
    return bytes && utf8.decode(bytes)
  }

  /** All strings of STRING, STRING_ARRAY (or I18NSTRING: one a locale). Invalid UTF-8 becomes U+FFFD. */
  strings(tag: number): readonly string[] {
    const entry = this.#find(tag)
    if (entry === undefined || !isStringType(entry.type)) return []
    // One call for all: NUL ends a string in UTF-8, too, even behind an unfinished sequence.
    const strings = utf8.decode(entry.data).split('\0')
    strings.pop()
    return strings
  }

  /** Like `string`, undecoded: views of the bytes without the NUL. */
  stringBytes(tag: number): Uint8Array | undefined {
    const entry = this.#find(tag)
    if (entry === undefined || !isStringType(entry.type)) return undefined
    return entry.data.subarray(0, entry.data.indexOf(0))
  }

  /** Like `strings`, undecoded: views of the bytes without the NUL. */
  stringArrayBytes(tag: number): readonly Uint8Array[] {
    const entry = this.#find(tag)
    return entry === undefined ? [] : stringItems(entry)
  }

  /** The items of CHAR, INT8, INT16 and INT32, unsigned. INT64 only `bigints` reads. */
  numbers(tag: number): readonly number[] {
    const entry = this.#find(tag)
    return entry === undefined ? [] : numberItems(entry)
  }

  /** The items of every integer type, unsigned. */
  bigints(tag: number): readonly bigint[] {
    const entry = this.#find(tag)
    return entry === undefined ? [] : bigintItems(entry)
  }

  /** The first of `numbers`. */
  number(tag: number): number | undefined {
    const entry = this.#find(tag)
    return entry && numberItems(firstItem(entry))[0]
  }

  /** The first of `bigints`. */
  bigint(tag: number): bigint | undefined {
    const entry = this.#find(tag)
    return entry && bigintItems(firstItem(entry))[0]
  }

  /** BIN: a view of the bytes. (Of a region's tag: its trailer.) */
  bytes(tag: number): Uint8Array | undefined {
    const entry = this.#find(tag)
    return entry?.type === TagType.BIN ? entry.data : undefined
  }

  /** Every tag in ascending order, the regions left out. */
  *entries(): Generator<{ readonly tag: number; readonly type: TagType; readonly count: number }> {
    for (const { tag, type, count } of this.#entries) {
      if (tag >= regionsEnd) yield { tag, type, count }
    }
  }

  #find(tag: number): HeaderEntry | undefined {
    return findEntry(this.#entries, tag)
  }
}

/** rpm's HEADER_REGIONS: the tags below are regions. */
const regionsEnd = 64

/** A byte order mark is a character like any other here. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** No integer is longer than eight bytes. */
function firstItem(entry: HeaderEntry): HeaderEntry {
  return entry.count === 1 ? entry : { ...entry, count: 1, data: entry.data.subarray(0, 8) }
}
