import { findEntry, findEntryIndex, type HeaderEntry, numberItems, stringItems } from './header-entry.ts'
import { TagType } from './tag-type.ts'

/** The entries of a main header while what librpm adds on reading is added: sorted by tag at all times. */
export class HeaderDraft {
  readonly #entries: HeaderEntry[]

  /** @param entries sorted by tag; they become the draft's own */
  constructor(entries: HeaderEntry[]) {
    this.#entries = entries
  }

  get entries(): readonly HeaderEntry[] {
    return this.#entries
  }

  has(tag: number): boolean {
    return this.find(tag) !== undefined
  }

  find(tag: number): HeaderEntry | undefined {
    return findEntry(this.#entries, tag)
  }

  /** lib/headerutil.cc `headerGetNumber`: 0 where the tag is absent, no number, or several. */
  soleNumber(tag: number): number {
    const entry = this.find(tag)
    return entry?.count === 1 ? (numberItems(entry)[0] ?? 0) : 0
  }

  /**
   * lib/headerutil.cc `headerGetString`, as Latin-1 so that every byte survives: `undefined` where the tag is absent, no
   * string, or an array of several.
   */
  soleString(tag: number): string | undefined {
    const strings = this.strings(tag)
    return strings.length === 1 ? strings[0] : undefined
  }

  /** All items of an array, the only one of STRING, the first of I18NSTRING; as Latin-1, so that every byte survives. */
  strings(tag: number): string[] {
    const entry = this.find(tag)
    if (entry === undefined) return []
    const items = entry.type === TagType.I18NSTRING ? stringItems(entry).slice(0, 1) : stringItems(entry)
    return items.map((item) => Buffer.from(item.buffer, item.byteOffset, item.byteLength).toString('latin1'))
  }

  /** Adds an entry behind those of the same tag. */
  put(entry: HeaderEntry): void {
    let index = this.#entries.length
    while (index > 0 && (this.#entries[index - 1]?.tag ?? 0) > entry.tag) index--
    this.#entries.splice(index, 0, entry)
  }

  /** lib/header.cc `intAppendEntry`: behind the items of an entry with the same tag and type, where there is one. */
  append(entry: HeaderEntry): void {
    let index = findEntryIndex(this.#entries, entry.tag)
    // Of a tag that stands twice, librpm looks backwards for the type (lib/header.cc `findEntry`).
    while (this.#entries[index]?.tag === entry.tag && this.#entries[index]?.type !== entry.type) index--
    const existing = this.#entries[index]
    if (existing?.tag !== entry.tag) {
      this.put(entry)
      return
    }
    this.#entries[index] = {
      ...existing,
      count: existing.count + entry.count,
      data: new Uint8Array(Buffer.concat([existing.data, entry.data])),
    }
  }

  appendStrings(tag: number, latin1: readonly string[]): void {
    if (latin1.length === 0) return
    const data = new Uint8Array(Buffer.from(latin1.map((text) => `${text}\0`).join(''), 'latin1'))
    this.append({ tag, type: TagType.STRING_ARRAY, count: latin1.length, data })
  }

  appendNumbers(tag: number, numbers: readonly number[]): void {
    if (numbers.length === 0) return
    const data = new DataView(new ArrayBuffer(4 * numbers.length))
    for (const [index, number] of numbers.entries()) data.setUint32(4 * index, number)
    this.append({ tag, type: TagType.INT32, count: numbers.length, data: new Uint8Array(data.buffer) })
  }

  delete(tag: number): void {
    const first = this.#entries.findIndex((entry) => entry.tag === tag)
    if (first === -1) return
    let end = first
    while (this.#entries[end]?.tag === tag) end++
    this.#entries.splice(first, end - first)
  }
}
