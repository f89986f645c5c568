import { describe, expect, it } from 'vitest'
import { Header, parsePackage, SignatureTag, Tag, TagType } from '../src/index.ts'
import { buildPackage, chars, i18nString, int8, int16, int32, int64, string, strings } from '../src/testing/index.ts'

/** Free tags, of which rpm's table says no type. */
const free = { char: 6001, int8: 6002, int16: 6003, int32: 6004, int64: 6005, string: 6006, array: 6007, i18n: 6008 }

const latin1 = Uint8Array.of(0x4c, 0xf3, 0x70) // "Lóp" in ISO 8859-1

const { header } = parsePackage(
  buildPackage({
    name: 'types',
    tags: [
      chars(free.char, 0, 255),
      int8(free.int8, 0, 200),
      int16(free.int16, 0xffff, 1),
      int32(free.int32, 0xffffffff, 7),
      int64(free.int64, 2n ** 64n - 1n, 5),
      string(free.string, '\ufeffKöln 東京'),
      strings(free.array, ['a', '', latin1, 'ž']),
      i18nString(free.i18n, 'colour', 'Farbe'),
    ],
  }),
)

describe('Header', () => {
  it.each([
    { name: 'CHAR', tag: free.char, type: TagType.CHAR, numbers: [0, 255] },
    { name: 'INT8', tag: free.int8, type: TagType.INT8, numbers: [0, 200] },
    { name: 'INT16', tag: free.int16, type: TagType.INT16, numbers: [0xffff, 1] },
    { name: 'INT32', tag: free.int32, type: TagType.INT32, numbers: [0xffffffff, 7] },
  ])('reads $name as unsigned numbers, and as bigints', ({ tag, type, numbers }) => {
    expect(header.typeOf(tag)).toBe(type)
    expect(header.count(tag)).toBe(2)
    expect(header.numbers(tag)).toEqual(numbers)
    expect(header.number(tag)).toBe(numbers[0])
    expect(header.bigints(tag)).toEqual(numbers.map(BigInt))
    expect(header.bigint(tag)).toBe(BigInt(numbers[0] ?? -1))
  })

  it('reads INT64 as bigints only, since a number cannot hold it', () => {
    expect(header.bigints(free.int64)).toEqual([2n ** 64n - 1n, 5n])
    expect(header.bigint(free.int64)).toBe(2n ** 64n - 1n)
    expect(header.numbers(free.int64)).toEqual([])
    expect(header.number(free.int64)).toBeUndefined()
  })

  it('decodes UTF-8 and keeps a byte order mark', () => {
    expect(header.string(free.string)).toBe('\ufeffKöln 東京')
    expect(header.strings(free.string)).toEqual(['\ufeffKöln 東京'])
  })

  it('replaces what is no UTF-8 in the string that has it, and gives the bytes as they are', () => {
    expect(header.strings(free.array)).toEqual(['a', '', 'L\ufffdp', 'ž'])
    expect(header.stringArrayBytes(free.array)[2]).toEqual(latin1)
    expect(header.string(free.array)).toBe('a')
    expect(header.stringBytes(free.array)).toEqual(Uint8Array.of(0x61))
  })

  it('takes the first of translated strings, the C locale', () => {
    expect(header.string(free.i18n)).toBe('colour')
    expect(header.strings(free.i18n)).toEqual(['colour', 'Farbe'])
  })

  it('reads BIN as a view of the bytes', () => {
    const bytes = buildPackage({ name: 'binary' })
    const md5 = parsePackage(bytes).signature.bytes(SignatureTag.MD5)
    expect(md5).toHaveLength(16)
    expect(md5?.buffer).toBe(bytes.buffer)
  })

  it.each([
    { title: 'an absent tag', tag: 9999 },
    { title: 'a string asked for numbers', tag: Tag.NAME, readsText: true },
    { title: 'a number asked for text', tag: Tag.BUILDTIME, readsNumber: true },
  ])('has nothing to say for $title', ({ tag, readsText, readsNumber }) => {
    if (!readsText) {
      expect(header.string(tag)).toBeUndefined()
      expect(header.strings(tag)).toEqual([])
      expect(header.stringBytes(tag)).toBeUndefined()
      expect(header.stringArrayBytes(tag)).toEqual([])
    }
    if (!readsNumber) {
      expect(header.number(tag)).toBeUndefined()
      expect(header.numbers(tag)).toEqual([])
      expect(header.bigint(tag)).toBeUndefined()
      expect(header.bigints(tag)).toEqual([])
    }
    expect(header.bytes(tag)).toBeUndefined()
  })

  it('lists the tags in ascending order, without the region', () => {
    const tags = [...header.entries()].map(({ tag }) => tag)
    expect(tags).toEqual(tags.toSorted((a, b) => a - b))
    expect(tags[0]).toBe(Tag.HEADERI18NTABLE)
    expect(header.has(Tag.HEADERIMMUTABLE)).toBe(true)
  })

  it('finds, of a tag that stands twice, the one that bsearch finds', () => {
    const entry = (tag: number, value: number) => ({ ...int8(tag, value) })
    const of = (...values: readonly (readonly [number, number])[]) => new Header(values.map(([t, v]) => entry(t, v)))
    expect(of([5, 1], [5, 2]).number(5)).toBe(2)
    expect(of([5, 1], [5, 2], [6, 3]).number(5)).toBe(2)
    expect(of([5, 1], [5, 2], [6, 3], [7, 4]).number(5)).toBe(2)
    expect(of([4, 0], [5, 1], [5, 2]).number(5)).toBe(1)
  })
})
