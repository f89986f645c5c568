import { describe, expect, it } from 'vitest'
import { parsePackage, RpmError, type RpmErrorCode, SignatureTag, Tag } from '../src/index.ts'
import { binary, encodeHeader, int16, int32, string, type TagValue } from '../src/testing/index.ts'
import { hasLibrpm, librpmVerdicts } from './librpm.ts'
import {
  patchCounts,
  patchEntry,
  patchTrailer,
  rawPackage,
  v3Header,
  validHeader,
  validLead,
  validSignature,
} from './raw-package.ts'
import { withFiles } from './temporary-files.ts'

interface Malformed {
  readonly title: string
  readonly bytes: Uint8Array
  readonly code: RpmErrorCode
  readonly message: RegExp
  readonly offset?: number
}

const header = validHeader()
const signature = validSignature()
const headerStart = Math.ceil((96 + signature.length) / 8) * 8
const indexAt = (entry: number) => headerStart + 16 + 16 * entry

const malformed: readonly Malformed[] = [
  {
    title: 'no bytes',
    bytes: new Uint8Array(),
    code: 'TRUNCATED',
    message: /112 bytes are needed, there are 0/,
    offset: 0,
  },
  {
    title: 'text',
    bytes: Buffer.from('not an rpm at all'),
    code: 'NOT_AN_RPM',
    message: /begins with 6e6f7420/,
    offset: 0,
  },
  { title: 'the lead alone', bytes: validLead(), code: 'TRUNCATED', message: /112 bytes are needed, there are 96/ },
  {
    title: 'one byte too few',
    bytes: rawPackage({}).subarray(0, -1),
    code: 'TRUNCATED',
    message: new RegExp(`${headerStart + header.length} bytes are needed`),
  },
  {
    title: 'a signature that is no header',
    bytes: rawPackage({ signature: new Uint8Array(32) }),
    code: 'BAD_MAGIC',
    message: /no signature header at byte 96: .* found 00000000 00000000/,
    offset: 96,
  },
  {
    title: 'reserved bytes of the magic in use',
    bytes: rawPackage({ header: Uint8Array.from(header, (byte, index) => (index === 7 ? 1 : byte)) }),
    code: 'BAD_MAGIC',
    message: /no main header at byte .* found 8eade801 00000001/,
    offset: headerStart,
  },
  {
    title: 'more signature entries than rpm allows',
    bytes: rawPackage({ signature: patchCounts(signature, { entries: 33 }) }),
    code: 'LIMIT_EXCEEDED',
    message: /signature header says it has 33 entries; the limit is 32/,
    offset: 104,
  },
  {
    title: 'a signature of 64 MiB and a byte',
    bytes: rawPackage({ signature: patchCounts(signature, { dataBytes: 64 * 1024 * 1024 + 1 }) }),
    code: 'LIMIT_EXCEEDED',
    message: /signature header says it has 67108865 bytes of data/,
    offset: 108,
  },
  {
    title: 'a table of 2^31 entries',
    bytes: rawPackage({ header: patchCounts(header, { entries: 2 ** 31 }) }),
    code: 'LIMIT_EXCEEDED',
    message: /main header says it has 2147483648 entries; the limit is 65535/,
  },
  {
    title: '4 GiB of data',
    bytes: rawPackage({ header: patchCounts(header, { dataBytes: 0xffffffff }) }),
    code: 'LIMIT_EXCEEDED',
    message: /4294967295 bytes of data; the limit is 268435455/,
  },
  {
    title: 'index and data of 256 MiB together',
    bytes: rawPackage({ header: patchCounts(header, { entries: 0xffff, dataBytes: 0x0fffffff }) }),
    code: 'LIMIT_EXCEEDED',
    message: /the limit is 268435447/,
  },
  {
    title: 'a header without entries',
    bytes: rawPackage({ header: encodeHeader([]) }),
    code: 'BAD_REGION',
    message: /main header has no entries/,
  },
  {
    title: 'a region of another type',
    bytes: rawPackage({ header: patchEntry(header, 0, { type: 6 }) }),
    code: 'BAD_REGION',
    message: /main header's region has type 6 and count 16/,
    offset: indexAt(0),
  },
  {
    title: 'a region whose trailer lies behind the data',
    bytes: rawPackage({ header: patchEntry(header, 0, { offset: 100_000 }) }),
    code: 'BAD_REGION',
    message: /its trailer is at 100000 of/,
  },
  {
    title: 'a region whose trailer lies in the index',
    bytes: rawPackage({ header: patchEntry(header, 0, { offset: -16 }) }),
    code: 'BAD_REGION',
    message: /its trailer is at -16 of/,
  },
  {
    title: 'a trailer of another tag',
    bytes: rawPackage({ header: patchTrailer(header, { tag: 61 }) }),
    code: 'BAD_REGION',
    message: /no trailer at byte \d+: tag 61/,
  },
  {
    title: 'a trailer that counts part of an entry',
    bytes: rawPackage({ header: patchTrailer(header, { offset: -24 }) }),
    code: 'BAD_REGION',
    message: /says 24 bytes of index/,
  },
  {
    title: 'a trailer that counts entries forwards',
    bytes: rawPackage({ header: patchTrailer(header, { offset: 16 }) }),
    code: 'BAD_REGION',
    message: /says -16 bytes of index/,
  },
  {
    title: 'entries behind the region of the main header',
    bytes: rawPackage({ header: patchTrailer(header, { offset: -32 }) }),
    code: 'BAD_REGION',
    message: /covers 2 of 8 entries/,
  },
  {
    title: 'a region of the rpm database in a package',
    bytes: rawPackage({ header: patchTrailer(patchEntry(header, 0, { tag: 61 }), { tag: 61 }) }),
    code: 'BAD_ENTRY',
    message: /tag 61 HEADERIMAGE \(entry 0 of the main header\) is no tag/,
  },
  {
    title: 'a second region',
    bytes: rawPackage({ header: patchEntry(header, 1, { tag: 63 }) }),
    code: 'BAD_ENTRY',
    message: /tag 63 HEADERIMMUTABLE \(entry 1 of the main header\) is no tag/,
    offset: indexAt(1),
  },
  {
    title: 'a type that does not exist',
    bytes: rawPackage({ header: patchEntry(header, 1, { type: 10 }) }),
    code: 'BAD_ENTRY',
    message: /tag 1000 NAME .* has type 10/,
  },
  {
    title: 'the NULL type',
    bytes: rawPackage({ header: patchEntry(header, 1, { type: 0 }) }),
    code: 'BAD_ENTRY',
    message: /has type 0/,
  },
  {
    title: 'a tag without items',
    bytes: rawPackage({ header: patchEntry(header, 1, { count: 0 }) }),
    code: 'BAD_ENTRY',
    message: /count of 0/,
  },
  {
    title: 'more items than bytes',
    bytes: rawPackage({ header: patchEntry(header, 7, { count: 0xffffffff }) }),
    code: 'BAD_ENTRY',
    message: /tag 1047 PROVIDENAME .* count of 4294967295/,
  },
  {
    title: 'a STRING of two',
    bytes: rawPackage({ header: patchEntry(header, 1, { count: 2 }) }),
    code: 'BAD_ENTRY',
    message: /tag 1000 NAME .* does not end/,
  },
  {
    title: 'an array of strings that runs into the region trailer',
    bytes: rawPackage({ header: patchEntry(header, 7, { count: 3 }) }),
    code: 'BAD_ENTRY',
    message: /tag 1047 PROVIDENAME .* in the region's trailer/,
  },
  {
    title: 'an array of strings without an end',
    bytes: rawPackage({ header: patchEntry(header, 7, { count: 40 }) }),
    code: 'BAD_ENTRY',
    message: /tag 1047 PROVIDENAME .* does not end/,
  },
  {
    title: 'a string without an end',
    bytes: rawPackage({ header: withLastByte(v3Header(), 0x78) }),
    code: 'BAD_ENTRY',
    message: /tag 1047 PROVIDENAME .* does not end within/,
  },
  {
    title: 'fewer strings than there are',
    bytes: rawPackage({ header: patchEntry(header, 7, { count: 1 }) }),
    code: 'BAD_LAYOUT',
    message: /account for \d+ of its \d+ bytes/,
  },
  {
    title: 'a region that ends within the data of an entry',
    bytes: rawPackage({ header: withTrailerInData(Tag.HEADERIMMUTABLE, 9, validHeader) }),
    code: 'BAD_REGION',
    message: /covers 9 of 9 entries and 51 of 83 bytes of data/,
  },
  {
    title: 'a region of the signature that ends within the data of an entry',
    bytes: rawPackage({ signature: withTrailerInData(Tag.HEADERSIGNATURES, 3, validSignature) }),
    code: 'BAD_ENTRY',
    message: /tag 6000 .* in the region's trailer/,
  },
  {
    title: 'a signature whose trailer is not where its region says',
    bytes: rawPackage({ signature: patchEntry(signature, 0, { offset: 0 }) }),
    code: 'BAD_REGION',
    message: /signature header's region has no trailer at byte/,
  },
  {
    title: 'data before the data area',
    bytes: rawPackage({ header: patchEntry(header, 1, { offset: -1 }) }),
    code: 'BAD_ENTRY',
    message: /starts at -1, before 0/,
  },
  {
    title: 'data behind the data area',
    bytes: rawPackage({ header: patchEntry(header, 7, { offset: 5000 }) }),
    code: 'BAD_ENTRY',
    message: /starts at 5000, behind/,
  },
  {
    title: 'overlapping data',
    bytes: rawPackage({ header: patchEntry(header, 2, { offset: 3 }) }),
    code: 'BAD_ENTRY',
    message: /tag 1001 VERSION .* starts at 3, before 4/,
  },
  {
    title: 'numbers that are not aligned',
    bytes: rawPackage({ header: patchEntry(header, 4, { offset: 9 }) }),
    code: 'BAD_ENTRY',
    message: /tag 1009 SIZE .* starts at 9, no multiple of 4/,
  },
  {
    title: 'numbers that go beyond the data area',
    bytes: rawPackage({ header: patchEntry(header, 4, { count: 30 }) }),
    code: 'BAD_ENTRY',
    message: /tag 1009 SIZE .* does not end/,
  },
  {
    title: 'a known tag of another type',
    bytes: rawPackage({ header: validHeader(int16(Tag.FILESIZES, 1)) }),
    code: 'BAD_ENTRY',
    message: /tag 1028 FILESIZES .* has type 3; it must have type 4/,
  },
  {
    title: 'an unused byte between two entries',
    // PROVIDENAME is "a", "b" at 31; from 32 on it is "", "b".
    bytes: rawPackage({ header: patchEntry(header, 7, { offset: 32 }) }),
    code: 'BAD_LAYOUT',
    message: /the entries of the main header account for \d+ of its \d+ bytes/,
  },
  {
    title: 'unused bytes at the end of a v3 header',
    bytes: rawPackage({
      header: Buffer.concat([
        patchCounts(v3Header(), { dataBytes: v3Header().length - 16 - 7 * 16 + 4 }),
        Buffer.alloc(4),
      ]),
    }),
    code: 'BAD_LAYOUT',
    message: /the entries of the main header account for/,
  },
  {
    title: 'a digest of another type in the signature header',
    bytes: rawPackage({ signature: validSignature(binary(SignatureTag.SHA1, new Uint8Array(20))) }),
    code: 'BAD_SIGNATURE_TAG',
    message: /tag 269 SHA1HEADER has type 7 in the signature header; it must have type 6/,
  },
  {
    title: 'an MD5 of 15 bytes in the signature header',
    bytes: rawPackage({ signature: validSignature(binary(SignatureTag.MD5, new Uint8Array(15))) }),
    code: 'BAD_SIGNATURE_TAG',
    message: /tag 261 SIGMD5 has a count of 15, not 16/,
  },
  {
    title: 'a digest of the header in the header',
    bytes: rawPackage({ header: validHeader(string(Tag.SHA256HEADER, 'x')) }),
    code: 'BAD_SIGNATURE_TAG',
    message: /tag 273 SHA256HEADER stands in the main header/,
  },
  {
    title: 'the archive size in both headers',
    bytes: rawPackage({
      signature: validSignature(int32(SignatureTag.PAYLOADSIZE, 1)),
      header: validHeader(int32(Tag.ARCHIVESIZE, 1)),
    }),
    code: 'BAD_SIGNATURE_TAG',
    message: /tag 1046 ARCHIVESIZE stands in the main header/,
  },
]

function withLastByte(header: Uint8Array, byte: number): Uint8Array {
  const copy = Uint8Array.from(header)
  copy[copy.length - 1] = byte
  return copy
}

/** A region's trailer stands where it must, another one in the data of a tag; the region's entry points to that. */
function withTrailerInData(region: number, entries: number, build: (tag: TagValue) => Uint8Array): Uint8Array {
  const trailer = Buffer.alloc(16)
  for (const [index, field] of [region, 7, -16 * entries, 16].entries()) trailer.writeInt32BE(field, 4 * index)
  const header = build(binary(6000, Buffer.concat([trailer, Buffer.alloc(16)])))
  const dataStart = 16 + 16 * entries
  return patchEntry(header, 0, { offset: Buffer.from(header).indexOf(trailer, dataStart) - dataStart })
}

describe('malformed packages', () => {
  it.each(malformed)('refuses $title: $code', ({ bytes, code, message, offset }) => {
    const error = refusal(bytes)
    expect(error?.message).toMatch(message)
    expect(error?.code).toBe(code)
    if (offset !== undefined) expect(error?.offset).toBe(offset)
  })

  it.skipIf(!hasLibrpm)('refuses nothing of this that librpm reads', () => {
    const readable = withFiles(
      malformed.map(({ bytes }) => bytes),
      (paths) =>
        librpmVerdicts(paths).flatMap((verdict, index) => (Array.isArray(verdict) ? [malformed[index]?.title] : [])),
    )
    expect(readable).toEqual([])
  })

  it('refuses a v6 package with a size of the archive in its header, which rpm 6 takes for a signature tag', () => {
    const main = [int32(Tag.ARCHIVESIZE, 1), int32(Tag.RPMFORMAT, 6)]
    expect(refusal(rawPackage({ header: validHeader(...main) }))?.message).toMatch(
      /ARCHIVESIZE stands in the main header/,
    )
  })

  it('refuses a signature of more than 16 MiB', () => {
    const pgp = binary(SignatureTag.PGP, new Uint8Array(16 * 1024 * 1024 + 1))
    expect(refusal(rawPackage({ signature: validSignature(pgp) }))?.message).toMatch(/SIGPGP has a count of 16777217/)
  })

  it('keeps to limits that the caller sets', () => {
    const bytes = rawPackage({})
    expect(() => parsePackage(bytes, { headerDataBytesMax: 10 })).toThrow(/the limit is 10/)
    expect(() => parsePackage(bytes, { itemsMax: 1 })).toThrow(/tag 1047 PROVIDENAME .* has 2 items; the limit is 1/)
  })

  it('refuses 65,535 entries that all claim the same strings after looking at the strings once', () => {
    const count = 0xffff
    const header = Buffer.alloc(16 + 16 * count + 1_048_575)
    header.set([0x8e, 0xad, 0xe8, 0x01])
    header.writeUInt32BE(count, 8)
    header.writeUInt32BE(1_048_575, 12)
    for (let index = 0; index < count; index++) {
      const at = 16 + 16 * index
      header.writeUInt32BE(6000, at)
      header.writeUInt32BE(8, at + 4)
      header.writeUInt32BE(1_048_575, at + 12)
    }
    expect(refusal(rawPackage({ header }))?.message).toMatch(/entry 1 of the main header\) starts at 0, before 1048575/)
  })
})

function refusal(bytes: Uint8Array): RpmError | undefined {
  try {
    parsePackage(bytes)
  } catch (error) {
    if (error instanceof RpmError) return error
    throw error
  }
  return undefined
}
