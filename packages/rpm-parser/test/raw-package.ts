import { SignatureTag, Tag } from '../src/index.ts'
import { encodeHeader, int32, string, strings, type TagValue } from '../src/testing/index.ts'

/** The parts of a package that a test wants to be its own; the rest is valid. */
export interface RawParts {
  readonly lead?: Uint8Array
  readonly signature?: Uint8Array
  readonly header?: Uint8Array
}

export function rawPackage({ lead = validLead(), signature = validSignature(), header = validHeader() }: RawParts) {
  const padding = new Uint8Array((8 - (signature.length % 8)) % 8)
  return new Uint8Array(Buffer.concat([lead, signature, padding, header]))
}

export function validLead(): Uint8Array {
  const lead = Buffer.alloc(96)
  lead.set([0xed, 0xab, 0xee, 0xdb, 3])
  lead[79] = 5
  return lead
}

export function validSignature(...tags: readonly TagValue[]): Uint8Array {
  return encodeHeader([int32(SignatureTag.SIZE, 1), ...tags], Tag.HEADERSIGNATURES)
}

/** Entries: 0 the region, 1 NAME, 2 VERSION, 3 RELEASE, 4 SIZE, 5 ARCH, 6 SOURCERPM, 7 PROVIDENAME, then those given. */
export function validHeader(...tags: readonly TagValue[]): Uint8Array {
  return encodeHeader([...mainTags, ...tags], Tag.HEADERIMMUTABLE)
}

export function v3Header(...tags: readonly TagValue[]): Uint8Array {
  return encodeHeader([...mainTags, ...tags])
}

const mainTags = [
  string(Tag.NAME, 'raw'),
  string(Tag.VERSION, '1'),
  string(Tag.RELEASE, '2'),
  int32(Tag.SIZE, 3),
  string(Tag.ARCH, 'noarch'),
  string(Tag.SOURCERPM, 'raw.src.rpm'),
  strings(Tag.PROVIDENAME, ['a', 'b']),
]

export interface EntryFields {
  readonly tag?: number
  readonly type?: number
  readonly offset?: number
  readonly count?: number
}

/** A copy of a header with fields of one index entry overwritten. */
export function patchEntry(header: Uint8Array, index: number, fields: EntryFields): Uint8Array {
  const copy = Uint8Array.from(header)
  patchFields(copy, 16 + 16 * index, fields)
  return copy
}

/** A copy of a header with fields of its region's trailer overwritten. */
export function patchTrailer(header: Uint8Array, fields: EntryFields): Uint8Array {
  const copy = Uint8Array.from(header)
  patchFields(copy, copy.length - 16, fields)
  return copy
}

/** A copy of a header with another number of entries or bytes in its first 16 bytes. */
export function patchCounts(header: Uint8Array, counts: { entries?: number; dataBytes?: number }): Uint8Array {
  const copy = Uint8Array.from(header)
  const view = new DataView(copy.buffer)
  if (counts.entries !== undefined) view.setUint32(8, counts.entries)
  if (counts.dataBytes !== undefined) view.setUint32(12, counts.dataBytes)
  return copy
}

function patchFields(bytes: Uint8Array, at: number, { tag, type, offset, count }: EntryFields): void {
  const view = new DataView(bytes.buffer)
  for (const [index, field] of [tag, type, offset, count].entries()) {
    if (field !== undefined) view.setUint32(at + 4 * index, field)
  }
}
