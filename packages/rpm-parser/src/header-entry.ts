import { isStringType, TagType } from './tag-type.ts'

/** One tag of a header with its data as it stands in the file: big-endian, strings with their NULs. */
export interface HeaderEntry {
  readonly tag: number
  readonly type: TagType
  readonly count: number
  readonly data: Uint8Array
}

/**
 * Finds a tag among entries sorted by tag. Where a tag stands twice, it is the one that librpm finds, which is neither the
 * first nor the last but the one that the C library's `bsearch` hits (lib/header.cc `findEntry`).
 */
export function findEntry(entries: readonly HeaderEntry[], tag: number): HeaderEntry | undefined {
  return entries[findEntryIndex(entries, tag)]
}

/** Like `findEntry`; -1 where the tag is absent. */
export function findEntryIndex(entries: readonly HeaderEntry[], tag: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = entries[middle]
    if (entry === undefined || entry.tag === tag) return middle
    if (tag < entry.tag) high = middle
    else low = middle + 1
  }
  return -1
}

/** The raw bytes of each string, without its NUL, as views; none where the type is no string. Linear in the data. */
export function stringItems(entry: HeaderEntry): Uint8Array[] {
  if (!isStringType(entry.type)) return []
  const { data } = entry
  const items: Uint8Array[] = []
  let start = 0
  for (let position = 0; position < data.length; position++) {
    if (data[position] !== 0) continue
    items.push(data.subarray(start, position))
    start = position + 1
  }
  return items
}

/** The items as unsigned numbers; none where the type is INT64, BIN or a string. */
export function numberItems(entry: HeaderEntry): number[] {
  const { data } = entry
  switch (entry.type) {
    case TagType.CHAR:
    case TagType.INT8:
      return Array.from(data)
    case TagType.INT16:
      return readItems(data, 2, (view, offset) => view.getUint16(offset))
    case TagType.INT32:
      return readItems(data, 4, (view, offset) => view.getUint32(offset))
    default:
      return []
  }
}

/** The items as unsigned integers of any width; none where the type is BIN or a string. */
export function bigintItems(entry: HeaderEntry): bigint[] {
  if (entry.type === TagType.INT64) return readItems(entry.data, 8, (view, offset) => view.getBigUint64(offset))
  return numberItems(entry).map(BigInt)
}

function readItems<Item>(data: Uint8Array, width: number, read: (view: DataView, offset: number) => Item): Item[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const items: Item[] = []
  for (let offset = 0; offset + width <= data.length; offset += width) items.push(read(view, offset))
  return items
}
