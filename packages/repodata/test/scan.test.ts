import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DocumentKind, scanDocument, scanLimits } from '../src/index.ts'

const namespaces = {
  primary: 'xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm"',
  filelists: 'xmlns="http://linux.duke.edu/metadata/filelists"',
} as const

const primary = (inside: string): string => `<metadata ${namespaces.primary} packages="2">${inside}</metadata>`
const filelists = (inside: string): string => `<filelists ${namespaces.filelists} packages="2">${inside}</filelists>`

/** In pieces of the given lengths, over and over. */
async function* cut(text: string | Buffer, lengths: readonly number[] = []): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  let at = 0
  for (let turn = 0; at < bytes.length; turn += 1) {
    const length = lengths.length === 0 ? bytes.length : (lengths[turn % lengths.length] ?? 1)
    yield bytes.subarray(at, at + length)
    at += length
  }
}

async function entries(kind: DocumentKind, text: string | Buffer, lengths?: readonly number[]): Promise<string[]> {
  const found: string[] = []
  for await (const part of scanDocument(kind, cut(text, lengths))) {
    if (part.kind === 'entry') found.push(part.bytes.toString())
  }
  return found
}

/** Ways in which tools write entries, each of which is to come out as it went in. */
const writings: readonly (readonly [string, string])[] = [
  ['as createrepo_c writes them', '<package type="rpm">\n  <name>a</name>\n  <packager>me</packager>\n</package>'],
  ['without white space', '<package type="rpm"><name>a</name><packager/></package>'],
  [
    'with a namespace of their own',
    '<package xmlns="http://linux.duke.edu/metadata/common" type="rpm"><name>a</name></package>',
  ],
  ['with single quotes, and > in an attribute', "<package type='r>p\"m'><name>a</name></package>"],
  ['with an end tag in a comment', '<package type="rpm"><!-- </package> --><name>a</name></package>'],
  ['with an end tag in CDATA', '<package type="rpm"><name><![CDATA[</package><package>]]></name></package>'],
  ['with an end tag in a processing instruction', '<package type="rpm"><?x </package> ?><name>a</name></package>'],
  ['with white space in the end tag', '<package type="rpm"><name>a</name></package \n>'],
  ['with an indented end tag', '<package type="rpm">\n\t<name>a</name>\n  </package>'],
  ['empty', '<package type="rpm"/>'],
]

describe('entries', () => {
  it.each(writings)('come out byte for byte: %s', async (_, entry) => {
    const other = '<package type="rpm"><name>other</name></package>'
    expect(await entries('primary', primary(`\n${entry}\n  ${other}`))).toEqual([entry, other])
  })

  it('are found however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...writings.map(([, entry]) => entry)), { maxLength: 6 }),
        fc.constantFrom('', '\n', ' <!-- <package> -->\n', '<?pi </metadata> ?>'),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        async (list, between, lengths) => {
          expect(await entries('primary', primary(between + list.join(between)), lengths)).toEqual(list)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('are found however long they and the pieces are', async () => {
    const files = fc.nat(60_000).map((length) => `<package><file>${'x'.repeat(length)}</file></package>`)
    const long = fc.array(fc.oneof(fc.constantFrom(...writings.map(([, entry]) => entry)), files), { maxLength: 12 })
    const lengths = fc.array(fc.integer({ min: 1000, max: 150_000 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(long, fc.constantFrom('', '\n', '<!-- -->'), lengths, async (list, between, cuts) => {
        const text = primary(between + list.join(between))
        const found: string[] = []
        for await (const part of scanDocument('primary', cut(text, cuts))) {
          if (part.kind !== 'entry') continue
          found.push(part.bytes.toString())
          expect(text.slice(part.at, (part.at ?? 0) + part.bytes.length)).toBe(part.bytes.toString())
        }
        expect(found).toEqual(list)
      }),
      { numRuns: 200 },
    )
  })

  it('are found after a byte order mark, a declaration, comments, and in a root with single quotes', async () => {
    const head = '\ufeff<?xml version="1.0" encoding="utf-8"?>\n<!-- made > by <metadata -->\n'
    const text = `${head}<metadata packages='7' xmlns='http://linux.duke.edu/metadata/common'><package a="b"/></metadata>\n<!-- end -->\n`
    expect(await entries('primary', text)).toEqual(['<package a="b"/>'])
  })

  it.each([
    ['no entry', primary('\n')],
    ['an empty root', `<metadata ${namespaces.primary} packages="0"/>`],
  ])('are none in a document with %s', async (_, text) => {
    expect(await entries('primary', text)).toEqual([])
  })
})

describe('what is not such a document', () => {
  const entry = '<package type="rpm"><name>a</name></package>'
  it.each<[string, string | Buffer, string]>([
    ['nothing at all', '', 'BROKEN_XML'],
    ['cut off in the head', '<?xml version="1.0"?><meta', 'BROKEN_XML'],
    ['cut off before an entry', primary(entry).replace('</metadata>', ''), 'BROKEN_XML'],
    ['cut off in an entry', primary(entry).slice(0, -20), 'BROKEN_XML'],
    ['cut off in a comment', primary('<!-- ').replace('-->', ''), 'BROKEN_XML'],
    ['another root', '<html><package/></html>', 'UNEXPECTED_CONTENT'],
    ['another document of the three', filelists(entry), 'UNEXPECTED_CONTENT'],
    ['another namespace', '<metadata xmlns="urn:x"></metadata>', 'UNEXPECTED_CONTENT'],
    ['text between entries', primary(`${entry}text`), 'UNEXPECTED_CONTENT'],
    ['another element between entries', primary(`${entry}<packager>x</packager>`), 'UNEXPECTED_CONTENT'],
    ['the wrong end', primary(entry).replace('</metadata>', '</otherdata>'), 'UNEXPECTED_CONTENT'],
    ['a second document behind the first', primary(entry) + primary(entry), 'UNEXPECTED_CONTENT'],
    ['an attribute twice in the root', '<metadata a="1" a="2"></metadata>', 'BROKEN_XML'],
    ['another prefix', `<m:metadata xmlns:m="http://linux.duke.edu/metadata/common"></m:metadata>`, 'NOT_PATCHABLE'],
    ['an entry with a prefix', primary(`${entry}<m:package/>`), 'NOT_PATCHABLE'],
    ['a DOCTYPE', `<!DOCTYPE metadata [<!ENTITY a "b">]>${primary(entry)}`, 'NOT_PATCHABLE'],
    ['another encoding', `<?xml version="1.0" encoding="ISO-8859-1"?>${primary(entry)}`, 'NOT_PATCHABLE'],
    ['UTF-16', Buffer.from(`\ufeff${primary(entry)}`, 'utf16le'), 'NOT_PATCHABLE'],
    [
      'UTF-16 without a byte order mark',
      Buffer.from(`<?xml version="1.0"?>${primary(entry)}`, 'utf16le'),
      'NOT_PATCHABLE',
    ],
  ])('is refused: %s', async (_, text, code) => {
    await expect(entries('primary', text)).rejects.toMatchObject({ name: 'DocumentError', code })
    await expect(entries('primary', text, [1])).rejects.toMatchObject({ name: 'DocumentError', code })
  })

  it('is refused where an entry, a head or a comment is longer than its bound', async () => {
    const limits = { ...scanLimits, entryBytesMax: 1000, headBytesMax: 1000 }
    for (const text of [
      primary(`<package>${'x'.repeat(5000)}`),
      `<!-- ${'x'.repeat(5000)}`,
      primary(`<!-- ${'x'.repeat(5000)}`),
    ]) {
      const scan = scanDocument('primary', cut(text, [100]), limits)
      await expect(Array.fromAsync(scan)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    }
  })
})
