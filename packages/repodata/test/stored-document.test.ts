import { describe, expect, it } from 'vitest'
import { type DocumentKind, readEntries } from '../src/index.ts'
import { parseDocument } from '../src/parse-document.ts'

const namespaces = 'xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm"'

async function entries(kind: DocumentKind, bytes: Buffer | string): Promise<string[]> {
  async function* open(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(bytes)
  }
  const found = await Array.fromAsync(readEntries(kind, { name: 'x.xml', open, openBytesMax: 2 ** 30 }))
  return found.map((entry) => entry.bytes.toString())
}

const metadata = (inside: string, root = namespaces): string => `<metadata ${root}>${inside}</metadata>`

describe('an entry', () => {
  it.each<[string, string, string]>([
    [
      'whose prefix its own root declares: the declaration moves to it',
      metadata('<package><x:a/><b/></package>', `${namespaces} xmlns:x="urn:x"`),
      '<package><x:a xmlns:x="urn:x"/><b/></package>',
    ],
    [
      'in another default namespace within ours',
      metadata(
        '<package><!-- --><a xmlns="urn:x"><p:b xmlns:p="http://linux.duke.edu/metadata/common"/></a></package>',
      ),
      '<package><!-- --><a xmlns="urn:x"><b xmlns="http://linux.duke.edu/metadata/common"/></a></package>',
    ],
    [
      'that says in its own words what ours says',
      metadata('<m:package xmlns:m="http://linux.duke.edu/metadata/common"><m:name t="1">a</m:name></m:package>'),
      '<package><name t="1">a</name></package>',
    ],
    [
      'with one prefix for two namespaces',
      metadata('<package><rpm:a xmlns:rpm="urn:x"/><rpm:a/></package>'),
      '<package><rpm:a xmlns:rpm="urn:x"/><rpm:a/></package>',
    ],
    [
      'behind a DOCTYPE, in which CDATA, comments, white space and control characters stay what they are',
      `<!DOCTYPE m>${metadata("<package a='\"&#10;\t'>\r\n <![CDATA[<&>]]]]><!--c--><?p i?>&#13;\u0085<n></n><n /></package>")}`,
      '<package a="&quot;&#10; ">\n &lt;&amp;&gt;]]<!--c--><?p i?>&#13;\u0085<n></n><n/></package>',
    ],
  ])('%s', async (_, document, entry) => {
    expect(await entries('primary', document)).toEqual([entry])
  })

  it('of filelists declares rpm: for itself where it uses it, for our filelists do not', async () => {
    const root = 'xmlns="http://linux.duke.edu/metadata/filelists" xmlns:rpm="http://linux.duke.edu/metadata/rpm"'
    const document = `<filelists ${root}><package pkgid="1"/><package pkgid="2"><rpm:a/></package></filelists>`
    expect(await entries('filelists', document)).toEqual([
      '<package pkgid="1"/>',
      '<package pkgid="2"><rpm:a xmlns:rpm="http://linux.duke.edu/metadata/rpm"/></package>',
    ])
  })

  it('comes once, where the document turns out in its middle to need a parser', async () => {
    const own = 'xmlns:m="http://linux.duke.edu/metadata/common"'
    const document = metadata(
      `<package>1</package><package>2</package><m:package ${own}>3</m:package><package>4</package>`,
    )
    expect(await entries('primary', document)).toEqual([1, 2, 3, 4].map((n) => `<package>${n}</package>`))
  })

  it('of a document in the namespace of another is taken as it is: so writes Gitea', async () => {
    const root = 'xmlns="http://linux.duke.edu/metadata/other"'
    expect(await entries('filelists', `<filelists ${root}><package pkgid="1"/></filelists>`)).toEqual([
      '<package pkgid="1"/>',
    ])
    const commented = '<package pkgid="1"><!-- --><file>/a</file></package>'
    expect(await entries('filelists', `<filelists ${root}>${commented}</filelists>`)).toEqual([commented])
    const declared = `<!DOCTYPE f><filelists ${root}><package pkgid="1"/></filelists>`
    expect(await entries('filelists', declared)).toEqual(['<package pkgid="1"/>'])
  })
})

describe('a document is refused', () => {
  it.each<[string, Buffer | string, string]>([
    ['in an encoding that nobody knows', `<?xml version="1.0" encoding="x-own"?>${metadata('')}`, 'NOT_PATCHABLE'],
    ['in UTF-32', Buffer.from('0000feff0000003c', 'hex'), 'NOT_PATCHABLE'],
    ['that says UTF-16 and is not', `<?xml version="1.0" encoding="UTF-16"?>${metadata('')}`, 'NOT_PATCHABLE'],
    ['in half a character of UTF-16', Buffer.from(`\ufeff${metadata('')}`, 'utf16le').subarray(0, -1), 'BROKEN_XML'],
    [
      'with half a character behind it',
      Buffer.concat([Buffer.from(`<!DOCTYPE m>${metadata('')}`), Buffer.from([0xc3])]),
      'BROKEN_XML',
    ],
    ['with a DOCTYPE and cut off', `<!DOCTYPE m>${metadata('<package/>').replace('</metadata>', '')}`, 'BROKEN_XML'],
    [
      'with a prefix and another root',
      '<m:html xmlns:m="http://linux.duke.edu/metadata/common"/>',
      'UNEXPECTED_CONTENT',
    ],
    ['with a prefix and another namespace', '<m:metadata xmlns:m="urn:x"/>', 'UNEXPECTED_CONTENT'],
    ['with a DOCTYPE and text between entries', `<!DOCTYPE m>${metadata('<package/>text')}`, 'UNEXPECTED_CONTENT'],
    ['with a DOCTYPE and other elements', `<!DOCTYPE m>${metadata('<packager/>')}`, 'UNEXPECTED_CONTENT'],
    ['with a DOCTYPE and two roots', `<!DOCTYPE m>${metadata('')}${metadata('')}`, 'BROKEN_XML'],
    ['with a DOCTYPE and no end', `<!DOCTYPE m>${metadata('<package>')}`, 'BROKEN_XML'],
    [
      'with elements without end within each other',
      `<!DOCTYPE m>${metadata(`<package>${'<a>'.repeat(1000)}`)}`,
      'TOO_LARGE',
    ],
  ])('%s', async (_, document, code) => {
    const error = await entries('primary', document).catch((one: unknown) => one)
    expect(error).toMatchObject({ name: 'DocumentError', code, message: expect.stringMatching(/^x\.xml: /) })
  })

  it('by the parser too, where an entry comes at one go and is longer than its bound', async () => {
    async function* whole(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`<!DOCTYPE m>${metadata(`<package>${'x'.repeat(5000)}</package>`)}`)
    }
    const parsing = parseDocument('primary', whole(), { entryBytesMax: 2000, headBytesMax: 2000 })
    await expect(Array.fromAsync(parsing)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })

  it.each([
    ['an entry', `<!DOCTYPE m>${metadata(`<package>${'<a>b</a>'.repeat(1000)}</package>`)}`],
    ['a text', `<!DOCTYPE m>${metadata(`<package>${'x'.repeat(5000)}`)}`],
    ['a comment between entries', `<!DOCTYPE m>${metadata(`<!-- ${'x'.repeat(5000)}`)}`],
    ['a DOCTYPE', `<!DOCTYPE m [${' '.repeat(5000)}`],
  ])('by the parser too, where %s is longer than its bound', async (_, document) => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < document.length; at += 100) yield Buffer.from(document.slice(at, at + 100))
    }
    const parsing = parseDocument('primary', pieces(), { entryBytesMax: 2000, headBytesMax: 2000 })
    await expect(Array.fromAsync(parsing)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })
})
