/**
 * Metadata that cannot be trusted is not worked on: what is published stays as it is, and the error says what to do.
 */
import { gzipSync } from 'node:zlib'
import { type DocumentKind, documentKinds } from '@repokeeper/repodata'
import { describe, expect, it } from 'vitest'
import { RepositoryError, reconcile } from '../src/index.ts'
import { formatRepository, packagesOf, yum } from './take-over-styles.ts'
import { added, load, newDirectory, writeFiles } from './take-over-workbench.ts'
import { newContext, read } from './workbench.ts'

/** @returns what went wrong; fails where something was published all the same */
async function refusal(files: Record<string, Uint8Array | string>): Promise<string> {
  const directory = newDirectory()
  writeFiles(directory, files)
  const location = await load(directory)
  const before = await read(location.store, 'repo/repodata/repomd.xml')
  await location.store.put(`repo/${added.path}`, added.bytes, { if: 'always' })
  const keys = (): Promise<string[]> => Array.fromAsync(location.store.list('repo/'), ({ key }) => key)
  const keysBefore = await keys()

  const error = await reconcile(location, new Set([`repo/${added.path}`]), await newContext()).catch(
    (one: unknown) => one,
  )

  expect(await read(location.store, 'repo/repodata/repomd.xml')).toEqual(before)
  expect(await keys()).toEqual(keysBefore)
  if (!(error instanceof RepositoryError)) throw new Error(`it was not refused: ${String(error)}`)
  expect(error.code).toBe('BROKEN_METADATA')
  expect(error.message).toMatch(/; "repokeeper rebuild .*" writes the metadata anew/)
  return error.message
}

const at = (text: string, mark: string, change: (rest: string) => string): string => {
  const place = text.indexOf(mark)
  return text.slice(0, place) + change(text.slice(place))
}

const laughs = `<!DOCTYPE x [<!ENTITY a0 "ha">${Array.from({ length: 15 }, (_, n) => `<!ENTITY a${n + 1} "${`&a${n};`.repeat(10)}">`).join('')}]>`

const breakings: readonly [string, (text: string) => Uint8Array | string, RegExp][] = [
  ['is cut off', (text) => text.slice(0, -200), /ends after byte \d+/],
  [
    'has tags that do not match',
    (text) => at(text, 'libx', (rest) => rest.replace('<version', '<wersion').replace('/>', '></version>')),
    /the entry at byte \d+ of \w+ is broken XML at line \d+, column \d+: /,
  ],
  [
    'has an element that is not closed',
    (text) => at(text, '<version', (rest) => rest.replace('/>', '>')),
    /is broken XML at line \d+/,
  ],
  [
    'holds bytes that are not UTF-8',
    (text) =>
      Buffer.concat([
        Buffer.from(at(text, 'bear', () => '')),
        Buffer.from([0xe9]),
        Buffer.from(at(text, 'bear', (rest) => rest).slice(text.indexOf('bear'))),
      ]),
    /the entry at byte \d+ of \w+ is broken XML: it holds bytes that are not UTF-8/,
  ],
  ['holds a control character', (text) => text.replace('bear', 'be\u0007ar'), /disallowed character/],
  ['refers to an entity that is not there', (text) => text.replace('1.1', '&one;'), /undefined entity/],
  ['has an attribute twice', (text) => text.replace('epoch="0"', 'epoch="0" epoch="0"'), /duplicate attribute: epoch/],
  [
    'has a prefix that nobody declared',
    (text) => text.replace('<version ', '<suse:version '),
    /unbound namespace prefix|unmatched closing tag/,
  ],
  ['has two roots', (text) => text + text.replace(/^<\?.*\?>/, ''), /expected the end/],
  [
    'has another root',
    (text) => text.replaceAll(/(<\/?)(metadata|filelists|otherdata)/g, '$1html'),
    /root of \w+ is <html>/,
  ],
  ['holds text between its entries', (text) => text.replace('</package>', '</package>oops'), /holds "oops/],
  ['is nothing', () => '', /ends in its head/],
  [
    'is broken in UTF-16 as well',
    (text) => Buffer.from(`\ufeff${text.replace('UTF-8', 'UTF-16').replace('</package>', '</pack>')}`, 'utf16le'),
    /is broken XML at line \d+/,
  ],
  [
    'laughs a billion times',
    (text) => text.replace('?>', `?>${laughs}`).replace('bear', '&a15;'),
    /would come to more than/,
  ],
  [
    'has an external entity',
    (text) => text.replace('?>', '?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>').replace('bear', '&e;'),
    /external entity, which is never fetched/,
  ],
]

describe.each<DocumentKind>([...documentKinds])('a repository is left as it is where %s', (broken) => {
  it.each(breakings)('%s', async (_, change, reason) => {
    const { listed, files } = packagesOf(yum)
    const documents = formatRepository(yum, listed, (kind, text) => (kind === broken ? change(text) : text))
    const message = await refusal({ ...files, ...documents })
    expect(message).toMatch(reason)
    expect(message).toContain(`repodata/${broken}.xml.gz: `)
  })
})

describe('a repository is left as it is where', () => {
  const { listed, files } = packagesOf(yum)

  it.each<[string, (repomd: string) => Uint8Array | string, RegExp]>([
    ['repomd.xml is cut off', (text) => text.slice(0, -20), /repomd\.xml is broken XML at line \d+/],
    ['repomd.xml is a page', () => '<html><body/></html>', /root <html>, expected <repomd>/],
    [
      'repomd.xml holds bytes that are not UTF-8',
      (text) => Buffer.from(text.replace('<revision>', '<revision>\u00e9'), 'latin1'),
      /repomd\.xml holds bytes that are not utf-8/,
    ],
    ['repomd.xml has two roots', (text) => text + text.replace(/^<\?.*\?>/, ''), /repomd\.xml is broken XML/],
    ['repomd.xml is empty', () => '', /repomd\.xml is broken XML/],
  ])('%s', async (_, change, reason) => {
    const documents = formatRepository(yum, listed)
    const repomd = change(String(documents['repodata/repomd.xml']))
    expect(await refusal({ ...files, ...documents, 'repodata/repomd.xml': repomd })).toMatch(reason)
  })

  it('a document is compressed but damaged', async () => {
    const cut = (bytes: Uint8Array): Uint8Array => gzipSync(bytes).subarray(0, -30)
    const message = await refusal({ ...files, ...formatRepository(yum, listed, undefined, cut) })
    expect(message).toMatch(/primary\.xml\.gz: broken gzip/)
  })

  it('a document has another digest than its record', async () => {
    const documents = formatRepository(yum, listed)
    const message = await refusal({ ...files, ...documents, 'repodata/primary.xml.gz': gzipSync('<metadata/>') })
    expect(message).toMatch(/its sha is [0-9a-f]{40} over/)
  })
})
