/**
 * Entries beside createrepo_c's, for packages that rpmbuild cannot build, or not so: each has something of everything.
 * The comparison of real packages is the conformance runner's.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DependencyFlag, FileFlag } from '@repokeeper/rpm-parser'
import { buildPackage, type PackageSpec } from '@repokeeper/rpm-parser/testing'
import { expect, it, onTestFinished } from 'vitest'
import { compareWithCreaterepo } from '../../../fixtures/conformance.ts'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'

const specs: readonly PackageSpec[] = [
  {
    name: 'one-of-everything',
    epoch: 3,
    version: '2.0~rc1',
    release: '1^git',
    arch: 'x86_64',
    summary: 'Fish & <chips> "quoted" äöü 🦀',
    description: 'Two\nlines\ttab',
    provides: ['plain', 'lt < 1', 'gt > 1:2', 'eq = 1:2-3', 'le <= 2-3', 'ge >= :4', 'odd = 1-2-3'],
    requires: [
      'a',
      { name: 'a', flags: DependencyFlag.SCRIPT_PRE },
      'a',
      'a',
      'plain',
      '/etc/own',
      '(x if y)',
      '/bin/sh',
    ],
    conflicts: ['c < 1', 'c < 1'],
    obsoletes: ['o < 1'],
    recommends: ['r'],
    suggests: ['s >= 1'],
    supplements: ['(p and q)'],
    enhances: ['e'],
    files: [
      { path: '/etc/own' },
      { path: '/usr/share/dir', mode: 0o040755 },
      { path: '/var/lib/ghost', flags: FileFlag.GHOST },
      { path: '/usr/sbin/tool' },
    ],
    changelogs: [
      { time: 3000, author: 'A <a@example.com> - 2   ', text: '- newest' },
      { time: 3000, author: 'B', text: '- same time' },
      { time: 1000, author: 'C', text: '- oldest & first' },
    ],
  },
  { name: 'libc-rule', requires: ['libc.so.6(GLIBC_2.4)', 'z', 'libc.so.6(GLIBC_2.10)(64bit)', 'libc.so.6()', 'a'] },
  { name: 'bad-epoch', requires: ['x = a:1', 'y = 1:1'], provides: ['v = +5:1'] },
  { name: 'legacy', requires: [{ name: 'maybe', flags: DependencyFlag.MISSINGOK }, 'really'] },
  { name: 'latin1', summary: Buffer.from([0x66, 0xfc, 0x72, 0x80, 0x21]) },
  { name: 'nothing', summary: '', description: '' },
  { name: 'source', source: true, files: [{ path: 'source.spec' }] },
  { name: 'v3', format: 3, files: [{ path: '/usr/bin/three' }, { path: '/usr/share/x/y' }] },
  { name: 'v6', format: 6, files: [{ path: '/usr/bin/six' }] },
]

describeWithClients(['createrepo_c'], 'beside createrepo_c', () => {
  it.each(specs.map((spec) => [spec.name, spec] as const))('the entries are the same: %s', async (name, spec) => {
    const directory = await mkdtemp(join(tmpdir(), 'repokeeper-createrepo-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const file = join(directory, `${name}.rpm`)
    await writeFile(file, buildPackage(spec))

    expect(await compareWithCreaterepo([file])).toEqual([{ file, kind: 'equal' }])
  })
})
