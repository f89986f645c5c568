import { isStringType, itemBytes, TagType } from '../tag-type.ts'

/** Text is written as UTF-8; bytes as they are. */
export type Text = string | Uint8Array

/** A tag to be written: its data as in a header, big-endian, strings with their NULs. */
export interface TagValue {
  readonly tag: number
  readonly type: TagType
  readonly count: number
  readonly data: Uint8Array
}

/** @throws TypeError where a text holds a NUL, which would end it */
export function string(tag: number, text: Text): TagValue {
  return texts(tag, TagType.STRING, [text])
}

export function strings(tag: number, items: readonly Text[]): TagValue {
  return texts(tag, TagType.STRING_ARRAY, items)
}

/** The text in the C locale, and those of the other locales of HEADERI18NTABLE. */
export function i18nString(tag: number, ...items: readonly Text[]): TagValue {
  return texts(tag, TagType.I18NSTRING, items)
}

export function binary(tag: number, data: Uint8Array): TagValue {
  return { tag, type: TagType.BIN, count: data.length, data }
}

export function chars(tag: number, ...items: readonly number[]): TagValue {
  return { tag, type: TagType.CHAR, count: items.length, data: Uint8Array.from(items) }
}

export function int8(tag: number, ...items: readonly number[]): TagValue {
  return { tag, type: TagType.INT8, count: items.length, data: Uint8Array.from(items) }
}

export function int16(tag: number, ...items: readonly number[]): TagValue {
  return integers(tag, TagType.INT16, items, (view, offset, item) => view.setUint16(offset, item))
}

export function int32(tag: number, ...items: readonly number[]): TagValue {
  return integers(tag, TagType.INT32, items, (view, offset, item) => view.setUint32(offset, item))
}

export function int64(tag: number, ...items: readonly (number | bigint)[]): TagValue {
  return integers(tag, TagType.INT64, items, (view, offset, item) => view.setBigUint64(offset, BigInt(item)))
}

function texts(tag: number, type: TagType, items: readonly Text[]): TagValue {
  const parts = items.flatMap((item) => {
    const bytes = Buffer.from(item)
    if (bytes.includes(0)) throw new TypeError(`tag ${tag}: ${JSON.stringify(item)} holds a NUL`)
    return [bytes, nul]
  })
  return { tag, type, count: items.length, data: Buffer.concat(parts) }
}

const nul = Buffer.alloc(1)

function integers<Item>(
  tag: number,
  type: TagType,
  items: readonly Item[],
  write: (view: DataView, offset: number, item: Item) => void,
): TagValue {
  if (isStringType(type)) throw new TypeError(`type ${type} is no integer`)
  const view = new DataView(new ArrayBuffer(itemBytes(type) * items.length))
  for (const [index, item] of items.entries()) write(view, index * itemBytes(type), item)
  return { tag, type, count: items.length, data: new Uint8Array(view.buffer) }
}
