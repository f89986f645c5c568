/**
 * Documents that someone made to do harm, by both ways in which documents are read and as repomd.xml: depth, entities, length.
 */
import { describe, expect, it } from 'vitest'
import { parseRepomd, readEntries, scanDocument } from '../src/index.ts'
import { parseDocument } from '../src/parse-document.ts'

const root = '<metadata xmlns="http://linux.duke.edu/metadata/common">'
/** The second makes the parser read what otherwise is found as bytes. */
const ways = [
  ['found as bytes', ''],
  ['parsed', '<!DOCTYPE metadata>'],
] as const

async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

function entriesOf(text: string) {
  const open = (): AsyncIterable<Uint8Array> => inPieces(Buffer.from(text), 2 ** 16)
  return Array.fromAsync(readEntries('primary', { name: 'x.xml', open, openBytesMax: 2 ** 30 }))
}

/** 10^16 times "ha", in 700 characters. */
const laughs = `<!DOCTYPE x [<!ENTITY a0 "ha">${Array.from({ length: 16 }, (_, n) => `<!ENTITY a${n + 1} "${`&a${n};`.repeat(10)}">`).join('')}]>`
const quadratic = `<!DOCTYPE x [<!ENTITY a "${'x'.repeat(60_000)}">]>`

describe.each(ways)('a document, %s, is refused', (_, doctype) => {
  it.each<[string, string, string]>([
    [
      '100,000 elements deep, closed',
      `<package>${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}</package>`,
      'TOO_LARGE',
    ],
    ['100,000 elements deep, never closed', `<package>${'<a>'.repeat(100_000)}</package>`, 'TOO_LARGE'],
    ['100,000 packages deep', '<package>'.repeat(100_000), 'BROKEN_XML or TOO_LARGE'],
    ['a start tag of 100,000 attributes of one name', `<package${' a="1"'.repeat(100_000)}/>`, 'BROKEN_XML'],
    ['an entity that nobody defined', '<package>&boom;</package>', 'BROKEN_XML'],
    ['100,000 comments that never end', `<package>${'<!--'.repeat(100_000)}</package>`, 'BROKEN_XML'],
    ['a CDATA section that never ends', `<package><![CDATA[${']'.repeat(100_000)}</package>`, 'BROKEN_XML'],
    ['an attribute that never ends', `<package a="${'<'.repeat(100_000)}`, 'BROKEN_XML'],
  ])('%s', async (_, inside, code) => {
    const error = await entriesOf(`${doctype}${root}${inside}</metadata>`).catch((one: unknown) => one)
    expect(error).toMatchObject({ name: 'DocumentError', code: expect.toBeOneOf(code.split(' or ')) })
  })
})

/** These took minutes, and would have taken days; the tests' own time limit says so if they do again. */
describe('is read in proportion to its length', () => {
  const many = (count: number, make: (index: number) => string): string =>
    Array.from({ length: count }, (_, at) => make(at)).join('')

  it('a tag of 200,000 attributes', async () => {
    const tag = `<package${many(200_000, (at) => ` a${String(at).padStart(7, '0')}=""`)}/>`
    const [entry] = await entriesOf(`${root}${tag}</metadata>`)
    expect(entry?.bytes.toString()).toBe(tag)
  })

  it('a tag of 100,000 namespaces', async () => {
    const tag = `<package${many(100_000, (at) => ` xmlns:a${at}="urn:${at}"`)}/>`
    expect((await entriesOf(`${root}${tag}</metadata>`)).length).toBe(1)
  })

  it.each(ways)('a root of 50,000 namespaces above 10,000 entries with comments, %s', async (_, doctype) => {
    const start = root.replace('>', `${many(50_000, (at) => ` xmlns:a${at}="u"`)}>`)
    const reading = entriesOf(`${doctype}${start}${'<package><!-- --></package>'.repeat(10_000)}</metadata>`)
    if (doctype === '') await expect(reading).rejects.toMatchObject({ code: 'TOO_LARGE' })
    else expect((await reading).length).toBe(10_000)
  })

  it('an entry of 100,000 comments, in each of which it ends', async () => {
    const entry = `<package>${'<!-- </package> -->'.repeat(100_000)}</package>`
    expect((await entriesOf(`${root}${entry}</metadata>`)).length).toBe(1)
  })
})

it('a document with an entity bomb is refused before it goes off: in a text, in an attribute, in many small steps', async () => {
  for (const [doctype, inside] of [
    [laughs, '<package>&a16;</package>'],
    [laughs, '<package a="&a16;"/>'],
    [quadratic, `<package>${'&a;'.repeat(1000)}</package>`],
    [quadratic, '<package>&a;</package>'.repeat(1000)],
  ]) {
    await expect(entriesOf(`${doctype}${root}${inside}</metadata>`)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  }
})

describe('repomd.xml is refused', () => {
  it.each<[string, string, string]>([
    ['100,000 elements deep', `<repomd>${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}</repomd>`, 'TOO_LARGE'],
    ['with an entity bomb', `${laughs}<repomd><revision>&a16;</revision></repomd>`, 'TOO_LARGE'],
    [
      'with an entity bomb in a location',
      `${laughs}<repomd><data type="x"><location href="&a16;"/></data></repomd>`,
      'TOO_LARGE',
    ],
    ['with a quadratic one', `${quadratic}<repomd>${'<a>&a;</a>'.repeat(1000)}</repomd>`, 'TOO_LARGE'],
    ['that is one start tag without an end', `<repomd ${'a'.repeat(100_000)}`, 'BROKEN_XML'],
  ])('%s', (_, text, code) => {
    expect(() => parseRepomd(Buffer.from(text))).toThrowError(expect.objectContaining({ name: 'DocumentError', code }))
  })

  it('longer than 64 MiB', () => {
    const text = Buffer.alloc(64 * 2 ** 20 + 1, ' ')
    text.set(Buffer.from('<repomd>'))
    expect(() => parseRepomd(text)).toThrowError(expect.objectContaining({ code: 'TOO_LARGE' }))
  })
})

it('of an entry that never ends, no more is asked for than it may have, and never is more gathered', async () => {
  const limits = { entryBytesMax: 2 ** 20, headBytesMax: 2 ** 16 }
  for (const read of [scanDocument, parseDocument]) {
    let asked = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`${root}<package>`)
      while (true) {
        const chunk = Buffer.alloc(1000, 'x')
        asked += chunk.length
        yield chunk
      }
    }
    await expect(Array.fromAsync(read('primary', endless(), limits))).rejects.toMatchObject({ code: 'TOO_LARGE' })
    // Reading in ever larger steps, it would have been up to twice as much.
    expect(asked).toBeLessThanOrEqual(limits.entryBytesMax + 2000)
  }
})
