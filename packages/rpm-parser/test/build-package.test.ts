import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DependencyFlag, FileFlag, formatNevra, nevra, parsePackage, Tag } from '../src/index.ts'
import { buildPackage, type PackageSpec, string } from '../src/testing/index.ts'
import { hasCreaterepo, hasLibrpm, hasRpm, librpmHeaders } from './librpm.ts'
import { asLibrpmShows, comparable } from './same-as-librpm.ts'
import { withFiles } from './temporary-files.ts'

const rich: PackageSpec = {
  name: 'rich',
  epoch: 2,
  version: '1.0~rc1',
  release: '3.el9',
  arch: 'x86_64',
  summary: 'Zusammenfassung mit Umläuten & <Klammern>',
  vendor: 'V',
  packager: 'P <p@example.com>',
  url: 'https://example.com/',
  provides: ['lib.so.1()(64bit)', 'config(rich) = 2:1.0~rc1-3.el9'],
  requires: ['/bin/sh', 'glibc >= 2.34', { name: 'pre', flags: DependencyFlag.SCRIPT_PRE }],
  conflicts: ['poor < 1'],
  obsoletes: ['richer <= 0.9'],
  recommends: ['(a if b)'],
  suggests: ['s'],
  supplements: ['t = 1'],
  enhances: ['u > 2'],
  files: [
    { path: '/etc/rich.conf', content: 'a = b\n', flags: FileFlag.CONFIG },
    { path: '/usr/bin/rich', content: '#!/bin/sh\n', mode: 0o100755 },
    { path: '/usr/share/rich', mode: 0o040755 },
    { path: '/usr/share/rich/link', linkTo: '../../bin/rich' },
    { path: '/var/log/rich.log', flags: FileFlag.GHOST },
  ],
  changelogs: [
    { time: 1_700_000_000, author: 'A B <a@example.com> - 1.0-3', text: '- newer' },
    { time: 1_600_000_000, author: 'A B <a@example.com> - 1.0-2', text: '- older' },
  ],
}

const specs: readonly (PackageSpec & { readonly title: string })[] = ([3, 4, 6] as const).flatMap((format) => [
  { title: `everything, v${format}`, ...rich, name: `rich${format}`, format },
  { title: `a name alone, v${format}`, name: `bare${format}`, format },
  {
    title: `a source package, v${format}`,
    name: `src${format}`,
    format,
    source: true,
    files: [{ path: 'a.spec', content: 'x' }],
  },
])
const packages = specs.map((spec) => ({ title: spec.title, spec, bytes: buildPackage(spec) }))
const bytes = packages.map((pkg) => pkg.bytes)

describe('buildPackage', () => {
  it('writes what the spec says', () => {
    const { header, isSource, format } = parsePackage(buildPackage(rich))
    expect(formatNevra(nevra(header))).toBe('rich-2:1.0~rc1-3.el9.x86_64')
    expect({ isSource, format }).toEqual({ isSource: false, format: 4 })
    expect(header.strings(Tag.PROVIDENAME)).toEqual(['rich', 'lib.so.1()(64bit)', 'config(rich)'])
    expect(header.strings(Tag.PROVIDEVERSION)).toEqual(['2:1.0~rc1-3.el9', '', '2:1.0~rc1-3.el9'])
    expect(header.numbers(Tag.REQUIREFLAGS).slice(0, 3)).toEqual([0, 12, DependencyFlag.SCRIPT_PRE])
    expect(header.strings(Tag.RECOMMENDNAME)).toEqual(['(a if b)'])
    expect(header.strings(Tag.DIRNAMES)).toEqual(['/etc/', '/usr/bin/', '/usr/share/', '/usr/share/rich/', '/var/log/'])
    expect(header.strings(Tag.FILELINKTOS)).toEqual(['', '', '', '../../bin/rich', ''])
    expect(header.numbers(Tag.CHANGELOGTIME)).toEqual([1_700_000_000, 1_600_000_000])
  })

  it('gives the same bytes for the same spec', () => {
    expect(Buffer.compare(buildPackage(rich), buildPackage(rich))).toBe(0)
  })

  it('puts a tag of the spec in place of its own', () => {
    const { header } = parsePackage(buildPackage({ name: 'a', tags: [string(Tag.OS, 'hurd')] }))
    expect(header.strings(Tag.OS)).toEqual(['hurd'])
  })

  it('puts ghosts into the header and not into the payload', () => {
    const ghost = buildPackage({ name: 'a', files: [{ path: '/var/ghost', flags: FileFlag.GHOST }] })
    const { header, headerRange } = parsePackage(ghost)
    expect(header.strings(Tag.BASENAMES)).toEqual(['ghost'])
    expect(gunzipSync(ghost.subarray(headerRange.end)).toString()).not.toContain('ghost')
  })

  it.each([
    { title: 'a NUL in a text', spec: { name: 'a\0' }, message: /holds a NUL/ },
    { title: 'a relative path', spec: { name: 'a', files: [{ path: 'b' }] }, message: /"b": paths are absolute/ },
    { title: 'half a dependency', spec: { name: 'a', requires: ['b >='] }, message: /not a dependency: "b >="/ },
  ])('refuses $title', ({ spec, message }) => {
    expect(() => buildPackage(spec)).toThrow(message)
  })

  it.skipIf(!hasLibrpm)('writes packages that librpm reads tag by tag as this package does', () => {
    const theirs = withFiles(bytes, librpmHeaders)
    for (const [index, pkg] of packages.entries()) {
      const ours = comparable(asLibrpmShows(parsePackage(pkg.bytes).header))
      expect(ours, pkg.title).toEqual(comparable(theirs[index] ?? []))
    }
  })

  it.skipIf(!hasRpm)('writes packages whose digests rpm confirms, of header and payload', () => {
    withFiles(bytes, (paths) => {
      const { stdout, status } = spawnSync('rpm', ['--checksig', '--verbose', ...paths], {
        encoding: 'utf8',
        // Where rpm would make a database of its own.
        env: { ...process.env, HOME: dirname(paths[0] ?? '') },
      })
      expect(stdout).not.toMatch(/BAD|NOT OK/)
      expect(stdout.match(/^ .*digest: OK$/gm)?.length).toBeGreaterThan(2 * paths.length)
      expect(status).toBe(0)
    })
  })

  it.skipIf(!hasRpm)('writes payloads that rpm unpacks, all but ghosts', () => {
    const unpacked = packages.filter(({ spec }) => spec.files !== undefined)
    withFiles(
      unpacked.map((pkg) => pkg.bytes),
      (paths) => {
        expect(spawnSync('rpm2archive', ['--nocompression', ...paths]).status).toBe(0)
        for (const [index, path] of paths.entries()) {
          const archive = readFileSync(`${path}.tar`, 'latin1')
          for (const file of unpacked[index]?.spec.files ?? []) {
            expect(archive.includes(`./${file.path.replace(/^\//, '')}`), file.path).toBe(file.flags !== FileFlag.GHOST)
          }
        }
      },
    )
  })

  it.skipIf(!hasCreaterepo)('writes packages that createrepo_c takes into a repository', () => {
    withFiles(bytes, (_, directory) => {
      const { status, stderr } = spawnSync('createrepo_c', ['--quiet', '--simple-md-filenames', directory], {
        encoding: 'utf8',
      })
      expect({ status, stderr: stderr.replaceAll(/.*v3 packages are deprecated.*\n/g, '') }).toEqual({
        status: 0,
        stderr: '',
      })
      const primary = gunzipSync(readFileSync(join(directory, 'repodata/primary.xml.gz'))).toString()
      const names = [...primary.matchAll(/<name>(.*)<\/name>\n {2}<arch>(.*)<\/arch>/g)].map(
        (match) => `${match[1]}.${match[2]}`,
      )
      const expected = packages
        .map((pkg) => nevra(parsePackage(pkg.bytes).header))
        .map(({ name, arch }) => `${name}.${arch}`)
      expect(names.sort()).toEqual(expected.sort())
    })
  })
})
