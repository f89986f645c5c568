/**
 * What is told of an entry without parsing it is what a parser tells. Every case was, or could have been, another answer of the two.
 */
import { describe, expect, it } from 'vitest'
import { readPkgId, readPrimaryFacts } from '../src/entry-facts.ts'

const pkgid = 'c'.repeat(64)
const rest = `<checksum type="sha256" pkgid="YES">${pkgid}</checksum><location href="a.rpm"/>`

function both(inside: string) {
  const entry = { kind: 'entry' as const, at: 0, bytes: Buffer.from(`<package type="rpm">${inside}</package>`) }
  return [true, false].map((plain) => readPrimaryFacts({ ...entry, plain }))
}

describe('the facts of an entry', () => {
  it.each<[string, string, Partial<ReturnType<typeof readPrimaryFacts>>]>([
    [
      'are those of the package itself, whatever an element within another one says',
      `<format><name>other</name><location href="../../other.rpm"/></format><name>a</name>${rest}`,
      { name: 'a', href: 'a.rpm' },
    ],
    ['may stand behind a > in an attribute', `<name note="x>y">a</name>${rest}`, { name: 'a' }],
    ['are the text of an element, that of elements in it too', `<name>a<b>c</b>d</name>${rest}`, { name: 'acd' }],
    ['have folded line ends in texts', `<name>a\r\nb\rc</name>${rest}`, { name: 'a\nb\nc' }],
    [
      'have spaces for line ends and tabs in attributes, but for those that are references',
      `<name>a</name>${rest.replace('a.rpm', 'a\r\nb\tc&#10;d.rpm')}`,
      { href: 'a b c\nd.rpm' },
    ],
    [
      'are the first of each',
      `<name>a</name><name>b</name>${rest}<location href="b.rpm"/>`,
      { name: 'a', href: 'a.rpm' },
    ],
    ['are not those of names that only begin alike', `<names>b</names><name>a</name>${rest}`, { name: 'a' }],
    [
      'know a byte order mark for a character of names',
      `<name>a</name>${rest.replace('href=', 'x\ufeffhref="b.rpm" href=')}`,
      { href: 'a.rpm' },
    ],
    ['may be empty', `<name/><arch></arch>${rest}`, { name: '', arch: '' }],
  ])('%s', (_, inside, facts) => {
    const [found, parsed] = both(inside)
    expect(found).toMatchObject(facts)
    expect(found).toEqual(parsed)
  })

  it('of filelists: the pkgid stands in the start tag, whatever else does', () => {
    const bytes = Buffer.from(`<package note='x>pkgid="1"' pkgid="${pkgid.toUpperCase()}"/>`)
    expect(readPkgId('filelists', { kind: 'entry', plain: true, at: 0, bytes })).toBe(pkgid)
  })

  it.each<[string, string]>([
    ['no checksum', '<name>a</name><location href="a.rpm"/>'],
    ['a checksum of the wrong length', `<name>a</name>${rest.replace(pkgid, 'c'.repeat(63))}`],
    ['a checksum of a type that nobody knows', `<name>a</name>${rest.replace('sha256', 'toString')}`],
    ['no location', `<name>a</name>${rest.replace(/<location.*/, '')}`],
    ['a location of nothing', `<name>a</name>${rest.replace('a.rpm', '')}`],
    ['no name', rest],
    ['only a name within another element', `<format><name>a</name></format>${rest}`],
  ])('are refused where there is %s', (_, inside) => {
    for (const plain of [true, false]) {
      const entry = { kind: 'entry' as const, plain, at: 0, bytes: Buffer.from(`<package>${inside}</package>`) }
      expect(() => readPrimaryFacts(entry)).toThrowError(expect.objectContaining({ code: 'UNEXPECTED_CONTENT' }))
    }
  })
})
