/**
 * Headers that librpm reads, and that say of their files and dependencies what cannot be: arrays of different lengths, numbers of
 * directories that are not there. What is listed is what createrepo_c lists; nothing is read beside an array.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parsePackage, Tag } from '@repokeeper/rpm-parser'
import { buildPackage, i18nString, int16, int32, string, strings, type TagValue } from '@repokeeper/rpm-parser/testing'
import { expect, it, onTestFinished } from 'vitest'
import { compareWithCreaterepo } from '../../../fixtures/conformance.ts'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import {
  type DescribedPackage,
  describePackage,
  formatEntries,
  type PackageEntries,
  parseLocation,
  sha256PkgId,
} from '../src/index.ts'

interface Odd {
  readonly title: string
  readonly tags: readonly TagValue[]
  /** The paths and the requires, as far as the entries have them. */
  readonly listed: readonly string[]
}

const files = ['/usr/bin/a', '/usr/bin/b', '/usr/share/c'].map((path) => ({ path }))

const odd: readonly Odd[] = [
  { title: 'all in order', tags: [], listed: ['r1', 'r2', 'r3', '/usr/bin/a', '/usr/bin/b', '/usr/share/c'] },
  {
    title: 'fewer flags than names',
    tags: [int32(Tag.REQUIREFLAGS, 0, 0)],
    listed: ['r1', 'r2', '/usr/bin/a', '/usr/bin/b', '/usr/share/c'],
  },
  {
    title: 'fewer versions than names',
    tags: [strings(Tag.REQUIREVERSION, [''])],
    listed: ['r1', '/usr/bin/a', '/usr/bin/b', '/usr/share/c'],
  },
  {
    title: 'more versions and flags than names',
    tags: [strings(Tag.REQUIRENAME, ['r1'])],
    listed: ['r1', '/usr/bin/a', '/usr/bin/b', '/usr/share/c'],
  },
  {
    title: 'fewer directory numbers than files',
    tags: [int32(Tag.DIRINDEXES, 0, 0)],
    listed: ['r1', 'r2', 'r3'],
  },
  {
    title: 'fewer modes than files',
    tags: [int16(Tag.FILEMODES, 0o100644)],
    listed: ['r1', 'r2', 'r3', '/usr/bin/a'],
  },
  {
    title: 'fewer file flags than files',
    tags: [int32(Tag.FILEFLAGS, 0, 0)],
    listed: ['r1', 'r2', 'r3', '/usr/bin/a', '/usr/bin/b'],
  },
  {
    title: 'fewer digests than files',
    tags: [strings(Tag.FILEDIGESTS, ['', ''])],
    listed: ['r1', 'r2', 'r3', '/usr/bin/a', '/usr/bin/b'],
  },
  {
    title: 'more names than files',
    tags: [strings(Tag.BASENAMES, ['a', 'b', 'c', 'd', 'e'])],
    listed: ['r1', 'r2', 'r3'],
  },
  {
    title: 'fewer authors than changelogs',
    tags: [
      int32(Tag.CHANGELOGTIME, 3, 2, 1),
      strings(Tag.CHANGELOGNAME, ['A']),
      strings(Tag.CHANGELOGTEXT, ['a', 'b', 'c']),
    ],
    listed: ['r1', 'r2', 'r3', '/usr/bin/a', '/usr/bin/b', '/usr/share/c'],
  },
  {
    title: 'texts of another type',
    tags: [i18nString(Tag.NAME, 'odd', 'other'), strings(Tag.LICENSE, ['MIT', 'Other']), string(Tag.SUMMARY, 'one')],
    listed: ['r1', 'r2', 'r3', '/usr/bin/a', '/usr/bin/b', '/usr/share/c'],
  },
]

const build = ({ tags }: Odd): Uint8Array => {
  const requires = ['r1', 'r2', 'r3'].map((name) => ({ name }))
  return buildPackage({ name: 'odd', files, requires, tags })
}

function describe(bytes: Uint8Array): DescribedPackage {
  const location = parseLocation('odd.rpm')
  if (location === undefined) throw new Error('the location is none')
  const facts = { pkgid: sha256PkgId('a'.repeat(64)), location, size: bytes.length, modified: 0 }
  return describePackage(parsePackage(bytes), facts)
}

const entriesOf = (bytes: Uint8Array): PackageEntries => formatEntries(describe(bytes).record)

it.each(odd)('a header with $title is listed as far as its arrays go', (one) => {
  const { primary, filelists } = entriesOf(build(one))
  const required = /<rpm:requires>(.*?)<\/rpm:requires>/s.exec(primary.toString())?.[1] ?? ''
  const names = [...required.matchAll(/name="(r\d)"/g), ...filelists.toString().matchAll(/<file[^>]*>([^<]*)</g)]
  expect(names.map(([, name]) => name)).toEqual(one.listed)
})

it('a file in a directory that is not there has its name alone, and nothing outside the header is read', () => {
  const { filelists } = entriesOf(build({ title: '', tags: [int32(Tag.DIRINDEXES, 0, 99, 0xffffffff)], listed: [] }))
  expect([...filelists.toString().matchAll(/<file>([^<]*)</g)].map(([, path]) => path)).toEqual([
    '/usr/bin/a',
    'b',
    'c',
  ])
})

it('a header of very many faults is told of in few words', () => {
  const requires = Array.from({ length: 50_000 }, (_, at) => ({
    name: `r${at}-${'x'.repeat(500)}`,
    flags: 8,
    version: 'a:1',
  }))
  const { warnings } = describe(buildPackage({ name: 'odd', requires, summary: Buffer.from([0x61, 1]) }))
  expect(warnings).toContain('49990 further dependencies left out: their epochs are no numbers')
  expect(warnings).toContain('summary: control characters were dropped')
  expect(warnings).toHaveLength(12)
  expect(warnings.join('').length).toBeLessThan(5000)
})

describeWithClients(['createrepo_c'], 'beside createrepo_c', () => {
  // Before 1.0 it had no regard to the number of digests.
  const comparable = odd.filter(({ title }) => title !== 'fewer digests than files')

  it.each(comparable)('the entries are the same: $title', async (one) => {
    const directory = await mkdtemp(join(tmpdir(), 'repokeeper-odd-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const file = join(directory, 'odd.rpm')
    await writeFile(file, build(one))
    expect(await compareWithCreaterepo([file])).toEqual([{ file, kind: 'equal' }])
  })
})
