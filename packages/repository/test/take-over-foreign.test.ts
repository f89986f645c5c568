/**
 * Repositories that other tools than createrepo_c made, and those that nobody should have made but somebody did.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DocumentKind, documentKinds, parseRepomd } from '@repokeeper/repodata'
import { expect, it } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { type PackageTrees, parseEntry, readRepodata } from '../../../fixtures/repodata-trees.ts'
import { type ForeignPackage, type ForeignTool, formatRepository, packagesOf, tools, yum } from './take-over-styles.ts'
import {
  added,
  entriesIn,
  expectUntouchedBytes,
  listByClients,
  newDirectory,
  type TakenOver,
  takeOver,
  writeFiles,
} from './take-over-workbench.ts'

/** Changes the text of a document; `undefined` leaves it out. */
type Change = (kind: DocumentKind, text: string) => Uint8Array | string | undefined

interface Prepared {
  readonly listed: readonly ForeignPackage[]
  readonly removed: ForeignPackage
  readonly directory: string
}

function prepare(tool: ForeignTool, change?: Change, compress?: (bytes: Uint8Array) => Uint8Array): Prepared {
  const { listed, files } = packagesOf(tool)
  const removed = listed.find(({ name }) => name === 'bear')
  if (removed === undefined) throw new Error('no bear')
  const directory = newDirectory()
  writeFiles(directory, { ...files, ...formatRepository(tool, listed, change, compress) })
  return { listed, removed, directory }
}

async function expectClientsToList({ directory }: TakenOver, { listed, removed }: Prepared): Promise<void> {
  const hrefs = [...listed.filter((one) => one !== removed).map(({ href }) => href), added.path].toSorted()
  const lists = await listByClients(directory)
  expect(lists.dnf).toEqual(hrefs)
  expect(lists.mergerepo_c).toEqual(hrefs)
  // It goes by the files that it finds, whose names are not percent-encoded.
  expect(lists.createrepo_c).toEqual(hrefs.map((href) => decodeURIComponent(href)).toSorted())
}

/** What the published repository says of each package, and what the tool would have said of it without its style. */
async function expectSameTrees(taken: TakenOver, prepared: Prepared, plain: ForeignTool): Promise<void> {
  const now = await readRepodata(taken.directory)
  for (const one of prepared.listed) {
    if (one === prepared.removed) continue
    const tree = (kind: DocumentKind): readonly string[] =>
      parseEntry(entriesIn(plain.document(kind, [one]))[0] ?? '', kind)
    const expected: PackageTrees = { primary: tree('primary'), filelists: tree('filelists'), other: tree('other') }
    expect(now.get(one.href)).toEqual(expected)
  }
  expect(now.size).toBe(prepared.listed.length)
}

const clients = ['createrepo_c', 'dnf', 'xmllint'] as const

describeWithClients(clients, 'a repository in the style of', () => {
  it.each(Object.entries(tools))('%s is taken over, untouched entries byte for byte', async (_, tool) => {
    const prepared = prepare(tool)
    const taken = await takeOver(prepared.directory, decodeURIComponent(prepared.removed.href))

    expectUntouchedBytes(taken, prepared.removed.pkgid)
    await expectClientsToList(taken, prepared)
    const { records } = parseRepomd(Buffer.from(taken.after.repomd))
    const extras = Object.entries(tool.extras ?? {}).filter(([type]) => type !== 'primary_db')
    expect(records.map(({ type }) => type)).toEqual([...documentKinds, ...extras.map(([type]) => type).toSorted()])
    for (const [type, { file }] of extras) {
      expect(records.find((record) => record.type === type)?.href).toBe(`repodata/${file}`)
      const [before, after] = [prepared.directory, taken.directory].map((one) =>
        readFileSync(join(one, 'repodata', file)),
      )
      expect(after).toEqual(before)
    }
    const stale = tool.extras !== undefined && 'primary_db' in tool.extras
    expect(taken.warnings.filter((warning) => warning.startsWith('primary_db')).length).toBe(stale ? 1 : 0)
  })
})

const single: Change = (_, text) => text.replaceAll('"', "'")
const marked: Change = (kind, text) =>
  kind === 'primary'
    ? text
        .replaceAll(/<summary>([^<]*)/g, '<!-- <package> --><summary><![CDATA[It\'s "$1" & <more>]]>')
        .replace('<arch>', '<arch><?pi <x> ?>')
    : text.replaceAll(/<file>([^<]*)/g, '<file><!-- a --><![CDATA[$1]]>')

describeWithClients(clients, 'a repository of which the documents', () => {
  it.each<[string, ForeignTool, Change?, ((bytes: Uint8Array) => Uint8Array)?]>([
    ['have single quotes', yum, single],
    ['are not compressed', yum, (_, text) => text, (bytes) => bytes],
    ['say another number of packages', yum, (_, text) => text.replace(/packages="\d+"/, 'packages="77"')],
    ['say no number of packages', yum, (_, text) => text.replace(/ packages="\d+"/, '')],
    ['declare no namespaces', yum, (_, text) => text.replaceAll(/ xmlns(:rpm)?="[^"]*"/g, '')],
    ['hold comments, CDATA sections and instructions', yum, marked],
    ['have line ends of DOS', yum, (_, text) => text.replaceAll('\n', '\r\n')],
    ['begin with a byte order mark', yum, (_, text) => `\ufeff${text}`],
    ['lie in another order than primary', yum, (kind, text) => (kind === 'primary' ? text : reversed(text))],
  ])('%s is taken over, untouched entries byte for byte', async (_, tool, change, compress) => {
    const prepared = prepare(tool, change, compress)
    const taken = await takeOver(prepared.directory, prepared.removed.href)

    expectUntouchedBytes(taken, prepared.removed.pkgid)
    await expectClientsToList(taken, prepared)
    expect(taken.warnings).toEqual([])
  })

  it.each<[string, Change]>([
    ['have other prefixes', (_, text) => prefixed(text)],
    ['have another prefix for rpm', (_, text) => text.replaceAll('rpm:', 'r:').replace('xmlns:rpm=', 'xmlns:r=')],
    [
      'have a DOCTYPE with entities',
      (_, text) => withDoctype(text, '<!ENTITY bear "bear">').replaceAll('>bear<', '>&bear;<'),
    ],
    ['are written in ISO-8859-1', (_, text) => latin1(text)],
    ['are written in UTF-16', (_, text) => Buffer.from(`\ufeff${text.replace('UTF-8', 'UTF-16')}`, 'utf16le')],
  ])('%s is taken over, untouched entries as the same trees', async (_, change) => {
    const prepared = prepare(yum, change)
    const taken = await takeOver(prepared.directory, prepared.removed.href)

    await expectSameTrees(taken, prepared, yum)
    await expectClientsToList(taken, prepared)
  })

  it('lack one is taken over: bare entries are written, with a warning', async () => {
    const prepared = prepare(yum, (kind, text) => (kind === 'other' ? undefined : text))
    const taken = await takeOver(prepared.directory, prepared.removed.href)

    await expectClientsToList(taken, prepared)
    expect(taken.warnings).toEqual([expect.stringMatching(/^other: other had no entry for 3 of the packages/)])
    expect(entriesIn(taken.after.documents.other).length).toBe(prepared.listed.length)
  })

  it('lack one entry and have one too many is taken over, with a warning of each', async () => {
    const prepared = prepare(yum, (kind, text) =>
      kind === 'filelists'
        ? text.replace(
            /<package [^>]*name="zebra"[\s\S]*?<\/package>/,
            `<package pkgid="${'0'.repeat(40)}" name="ghost" arch="noarch"/>`,
          )
        : text,
    )
    const taken = await takeOver(prepared.directory, prepared.removed.href)

    await expectClientsToList(taken, prepared)
    expect(taken.warnings).toEqual([
      expect.stringMatching(/^filelists: filelists had no entry for 1 .*zebra/),
      expect.stringMatching(/^filelists: filelists had 1 entry of packages that primary does not list/),
    ])
  })

  it('list a package that lies elsewhere keep it, though an object of that path is removed here', async () => {
    const elsewhere: Change = (kind, text) =>
      kind === 'primary' ? text.replaceAll('<location ', '<location xml:base="http://example.com/p/" ') : text
    const prepared = prepare(yum, elsewhere)
    const taken = await takeOver(prepared.directory, prepared.removed.href)

    expectUntouchedBytes(taken, 'none')
    const hrefs = [...prepared.listed.map(({ href }) => href), added.path].toSorted()
    const { dnf, mergerepo_c } = await listByClients(taken.directory)
    expect(dnf).toEqual(hrefs)
    expect(mergerepo_c).toEqual(hrefs)
  })

  it('list one package at two locations keep the other when one goes', async () => {
    const { listed, files } = packagesOf(yum)
    const [first] = listed
    if (first === undefined) throw new Error('no package')
    const twin = { ...first, href: `again/${first.href}` }
    const directory = newDirectory()
    writeFiles(directory, { ...files, ...formatRepository(yum, [twin, ...listed]) })
    writeFiles(directory, { [twin.href]: files[first.href] ?? '' })
    const taken = await takeOver(directory, first.href)

    const hrefs = [...listed.slice(1), twin].map(({ href }) => href)
    expect([...(await readRepodata(taken.directory)).keys()].toSorted()).toEqual([...hrefs, added.path].toSorted())
    for (const kind of documentKinds) {
      const entries = entriesIn(taken.after.documents[kind]).filter((entry) => entry.includes(first.pkgid))
      expect(entries).toEqual(entriesIn(yum.document(kind, [twin])))
    }
  })
})

function reversed(text: string): string {
  const entries = entriesIn(text)
  return entries
    .reduce((changed, entry, at) => changed.replace(entry, () => `{${at}}`), text)
    .replaceAll(/\{(\d)\}/g, (_, at) => entries[entries.length - 1 - Number(at)] ?? '')
}

/** `m:` for the document's namespace. */
function prefixed(text: string): string {
  return text.replaceAll(/<(\/?)([a-z]+)(?=[\s/>])/g, '<$1m:$2').replace(' xmlns="', ' xmlns:m="')
}

function withDoctype(text: string, subset: string): string {
  return text.replace('?>', `?>\n<!DOCTYPE anything [${subset}]>`)
}

function latin1(text: string): Buffer {
  const written = text
    .replace('UTF-8', 'ISO-8859-1')
    .replaceAll(/[^\u0000-\u00ff]/gu, (one) => `&#${one.codePointAt(0)};`)
  return Buffer.from(written, 'latin1')
}
