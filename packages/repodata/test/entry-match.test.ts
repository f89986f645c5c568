/**
 * Which packages a query finds: by which of their texts, and which of them first.
 */
import { expect, test } from 'vitest'
import { matchEntry, parsePackageQuery, type ScannedEntry } from '../src/index.ts'
import { isPlain } from '../src/tag-bytes.ts'

function entryOf(text: string): ScannedEntry {
  const bytes = Buffer.from(text)
  return { kind: 'entry', bytes, plain: isPlain(bytes), at: 0 }
}

const dependencies = Array.from({ length: 900 }, (_, number) => `<rpm:entry name="ksym(${number})"/>`).join('')
const text = `<package type="rpm">
  <name>Log-Book</name><arch>x86_64</arch><version epoch="2" ver="1.10" rel="3.el9"/>
  <checksum type="sha256" pkgid="YES">${'a'.repeat(64)}</checksum>
  <summary>Tea &amp; Biscuits</summary>
  <description>unsought</description>
  <location href="elsewhere/log.rpm"/>
  <format>
    <rpm:license>unsought</rpm:license>
    <rpm:provides><rpm:entry name="libshelf.so.1()(64bit)"/>${dependencies}</rpm:provides>
    <rpm:requires><rpm:entry name="(foo if bar)"/><rpm:entry name="glibc" flags="GE" epoch="0" ver="2.17"/></rpm:requires>
    <rpm:suggests><rpm:entry name="unsought"/></rpm:suggests>
    <file>/usr/bin/unsought</file>
  </format>
</package>`

/** As it is; with a comment, for the real parser; with a letter that lower case alone does not tell. */
const ways = [
  ['as bytes', text],
  ['by the parser', text.replace('</package>', '<!-- unsought --></package>')],
  ['with letters by number', text.replace('Biscuits', 'B&#105;scuits')],
] as const

const found = [
  ['log-book', 0],
  ['LOG', 1],
  ['book', 2],
  ['og-b', 2],
  ['1.10', 2],
  ['book-2:1.10', 2],
  ['log-book-1.10-3.el9.x86_64', 2],
  ['log-book-2:1.10-3.el9.x86_64', 2],
  ['x86_64 log', 2],
  ['tea', 3],
  ['& biscuits', 3],
  ['log biscuits', 3],
  ['libshelf.so.1()(64bit)', 4],
  ['ksym(899)', 4],
  ['glibc >= 2.17', 4],
  ['(foo', 4],
  ['tea glibc', 4],
  ['log*', 2],
  ['*BOOK', 2],
  ['log-book.x86_6?', 2],
  ['log-book-1.1?', 2],
  ['log-book-2:1.10-*', 2],
  ['log-book-1.10-3.el9.*', 2],
  ['*', 2],
  ['l*k tea', 3],
] as const

const missed = [
  'logbook',
  'unsought',
  'log absent',
  'elsewhere',
  'book*',
  'log-book-?',
  'lo?',
  'tea*',
  '*glibc*',
  'glibc >= 2.18',
  '0:1.10',
]

test.each(ways.flatMap(([way, xml]) => found.map(([query, rank]) => [way, query, rank, xml] as const)))(
  '%s, %j finds it, with rank %d',
  (_, query, rank, xml) => {
    expect(find(query, xml)?.rank).toBe(rank)
  },
)

test.each(ways.flatMap(([way, xml]) => missed.map((query) => [way, query, xml] as const)))(
  '%s, %j does not find it',
  (_, query, xml) => {
    expect(find(query, xml)).toBeUndefined()
  },
)

test('an epoch of 0 may be written or not, by who asks and by the metadata', () => {
  const without = text.replace('epoch="2" ', '')
  for (const xml of [without, text.replace('epoch="2"', 'epoch="0"')]) {
    expect(find('log-book-0:1.10-3.el9.x86_64', xml)?.rank).toBe(2)
    expect(find('log-book-1.10-3.el9.x86_64', xml)?.rank).toBe(2)
  }
})

test('an epoch of 0 is found also where no 0 is written anywhere', () => {
  const xml = text.replace('epoch="2" ', '').replaceAll('0', '1')
  expect(find('log-book-0:1.11-3.el9.x86_64', xml)?.rank).toBe(2)
})

test('letters beyond ASCII are found in either case', () => {
  const xml = text.replace('Tea', 'Ünïcode 😀')
  expect(find('üNÏ', xml)?.rank).toBe(3)
  expect(find('😀', xml)?.rank).toBe(3)
})

test('a pattern of many stars is told without going through all ways to match it', () => {
  const xml = text.replace('Log-Book', 'a'.repeat(20_000))
  expect(find(`${'*a'.repeat(90)}*!`, xml)).toBeUndefined()
})

test('patterns are not tried on a name that no file could have, and words are', () => {
  const xml = (length: number) => text.replace('Log-Book', 'a'.repeat(length))
  expect(find('aa*', xml(900))?.rank).toBe(2)
  expect(find('aa*', xml(5_000))).toBeUndefined()
  expect(find('aa', xml(5_000))?.rank).toBe(1)
})

test('a query without a word is none', () => {
  expect(parsePackageQuery(' \t\n')).toBeUndefined()
})

function find(words: string, xml: string) {
  const query = parsePackageQuery(words)
  return query === undefined ? undefined : matchEntry(entryOf(xml), query)
}
