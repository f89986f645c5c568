/** Comps, updateinfo and modules of several as one. */
import { type DocumentError, MemoryFile } from '@repokeeper/repodata'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type UnionForm, uniteDocuments } from '../src/union-document.ts'
import { compsForm, modulesForm, updateinfoForm } from '../src/union-forms.ts'

/** The text, cut where it need not fit. */
async function* cut(text: string, length = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length; start += length) yield bytes.subarray(start, start + length)
}

async function unite(form: UnionForm, ...texts: readonly string[]): Promise<string> {
  const output = new MemoryFile()
  const blame = (error: DocumentError): Error => error
  const documents = texts.map((text) => ({ chunks: cut(text), blame }))
  await uniteDocuments(form, documents, new MemoryFile(), output)
  return output.contents().toString()
}

const advisory = (id: string, title: string): string => `<update><id>${id}</id><title>${title}</title></update>`
const updates = (...advisories: readonly string[]): string => `<updates>${advisories.join('\n')}</updates>`

function stream(name: string, stream: string, context: string, summary: string): string {
  const head = '---\ndocument: modulemd\nversion: 2\ndata:\n'
  return `${head}  name: ${name}\n  stream: ${stream}\n  version: 1\n  context: ${context}\n  summary: ${summary}\n...\n`
}

/** Documents as lists of what is said about what. */
const said = fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('one', 'two')), {
  selector: ([id]) => id,
})
type Said = readonly (readonly [string, string])[]

describe.each<[string, UnionForm, (documents: Said) => string, (union: string) => [string, string][]]>([
  [
    'updateinfo',
    updateinfoForm,
    (documents) => updates(...documents.map(([id, title]) => advisory(id, title))),
    (union) => [...union.matchAll(/<id>(\w)<\/id>\s*<title>(\w+)</g)].map(([, id = '', title = '']) => [id, title]),
  ],
  [
    'comps',
    compsForm,
    (documents) => {
      const groups = documents.map(([id, name]) => `<group><id>${id}</id><name>${name}</name></group>`)
      return `<?xml version="1.0"?><!DOCTYPE comps PUBLIC "x" "comps.dtd"><comps>${groups.join('')}</comps>`
    },
    (union) => [...union.matchAll(/<id>(\w)<\/id>\s*<name>(\w+)</g)].map(([, id = '', name = '']) => [id, name]),
  ],
  [
    'modules',
    modulesForm,
    (documents) => documents.map(([context, summary]) => stream('harbour', '1.10', context, summary)).join(''),
    (union) => {
      const found = union.matchAll(/context: (\w)\n {2}summary: (\w+)\n/g)
      return [...found].map(([, context = '', summary = '']) => [context, summary])
    },
  ],
])('a union of %s', (_, form, write, read) => {
  it('has everything once, the first document winning, in an order that does not depend on theirs', async () => {
    await fc.assert(
      fc.asyncProperty(said, said, async (first, second) => {
        const union = await unite(form, write(first), write(second))
        const expected = new Map([...second, ...first])
        expect(read(union)).toEqual([...expected].toSorted(([a], [b]) => (a < b ? -1 : 1)))
        expect(await unite(form, write(first.toReversed()), write(second.toReversed()))).toBe(union)
        // Once more it is what it was: a second run publishes nothing.
        expect(await unite(form, write(first), union)).toBe(union)
        expect(await unite(form, union)).toBe(union)
      }),
      { numRuns: 40 },
    )
  })
})

describe('a part', () => {
  it('of comps is told apart by its kind, and what has no id is there once', async () => {
    const one = '<comps><group><id>x</id></group><langpacks><match name="a"/></langpacks></comps>'
    const other = '<comps><category><id>x</id></category><langpacks><match name="b"/></langpacks></comps>'
    const union = await unite(compsForm, one, other)
    expect(union).toMatch(/<group>.*<category>.*<langpacks>\s*<match name="a"\/>\s*<\/langpacks>\s*<\/comps>\n$/s)
    expect(union).not.toContain('name="b"')
  })

  it('of updateinfo keeps text, attributes and references as they are', async () => {
    const text = '<update type="security"><id>X</id><description>a &lt;b&gt; &amp; c\n  d</description></update>'
    expect(await unite(updateinfoForm, updates(text))).toContain('<description>a &lt;b&gt; &amp; c\n  d</description>')
  })

  it('of updateinfo that has no id is nothing but what it says', async () => {
    const union = await unite(
      updateinfoForm,
      updates('<update><title>one</title></update>', '<update/>'),
      updates('<update/>'),
    )
    expect(union.match(/<update/g)).toHaveLength(3) // <updates>, and two
    expect(union.match(/<update\/>/g)).toHaveLength(1)
  })

  it('of modules is told apart by a stream as it is written, and is copied byte for byte', async () => {
    const [one, ten] = [stream('harbour', '1.1', 'c', 'one'), stream('harbour', '1.10', 'c', 'ten')]
    const union = await unite(modulesForm, `# a comment\n%YAML 1.2\n${one}${ten}\n---\n# nothing\n`)
    expect(union).toBe(`${one}${ten}`.replaceAll('...\n', ''))
  })

  it('of modules may stand on the line of its marker, and there is one of defaults', async () => {
    const defaults = (of: string): string =>
      `--- {document: modulemd-defaults, version: 1, data: {module: m, stream: ${of}}}\n`
    expect(await unite(modulesForm, defaults('a'), defaults('b'))).toBe(
      '---\n{document: modulemd-defaults, version: 1, data: {module: m, stream: a}}\n',
    )
  })

  it.each<[string, UnionForm, string, RegExp]>([
    ['another root', updateinfoForm, '<comps/>', /updateinfo has the root <comps>, expected <updates>/],
    ['broken XML', compsForm, '<comps><group></comps>', /comps is broken XML/],
    ['an endless element', updateinfoForm, `<updates><update>${'x'.repeat(2 ** 23)}`, /an element is longer than/],
    [
      'entities within entities',
      compsForm,
      `<!DOCTYPE comps [<!ENTITY a "${'x'.repeat(60_000)}"><!ENTITY b "&a;&a;">]><comps><group>&b;</group></comps>`,
      /would come to more than/,
    ],
    ['what is no module', modulesForm, '--- [1, 2]\n', /modules holds what is no document of libmodulemd: "\[1, 2\]/],
    ['broken YAML', modulesForm, '---\na: [\n', /modules holds what is no document of libmodulemd/],
    [
      'aliases within aliases',
      modulesForm,
      `--- {document: m, data: {name: n}, a: &a [${'x,'.repeat(50)}], b: &b [${'*a,'.repeat(50)}], c: [${'*b,'.repeat(50)}]}\n`,
      /no document of libmodulemd/,
    ],
    ['a document without end', modulesForm, `---\n${'x: y\n'.repeat(2 ** 20)}`, /a document is longer than/],
  ])('that is %s is refused', async (_, form, text, message) => {
    const output = new MemoryFile()
    const documents = [{ chunks: cut(text, 2 ** 16), blame: (error: DocumentError) => error }]
    await expect(uniteDocuments(form, documents, new MemoryFile(), output)).rejects.toThrow(message)
  })
})
