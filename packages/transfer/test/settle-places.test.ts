import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { UpstreamPackage } from '../src/index.ts'
import { settlePlaces } from '../src/settle-places.ts'

function packageAt(path: string, hex: string, base?: string): UpstreamPackage {
  const file = { path, size: 1, checksum: { type: 'sha256' as const, hex }, ...(base !== undefined && { base }) }
  return { ...file, name: 'a', epoch: '0', version: '1', release: '1', arch: 'noarch', modified: 1 }
}

const one = 'https://one.example.org/el9'
const other = 'http://other.example.org/el9'

describe('packages that lie elsewhere', () => {
  it.each<[string, readonly UpstreamPackage[], readonly string[], readonly string[]]>([
    ['come from there', [packageAt('a.rpm', 'aa', one)], [`a.rpm ${one}`], []],
    [
      'come from upstream where it has the very same',
      [packageAt('a.rpm', 'aa', one), packageAt('a.rpm', 'aa')],
      ['a.rpm undefined'],
      [],
    ],
    [
      'leave a path to another package that lies in upstream itself',
      [packageAt('a.rpm', 'aa', one), packageAt('a.rpm', 'bb')],
      ['a.rpm undefined'],
      ['upstream lists another package with this path, which lies in upstream itself'],
    ],
    [
      'leave it to the one that is listed first',
      [packageAt('a.rpm', 'aa', other), packageAt('a.rpm', 'bb', one)],
      [`a.rpm ${other}`],
      [`upstream lists another package with this path, which lies elsewhere (xml:base), at ${other}`],
    ],
    [
      'are not fetched where it is no place of the web',
      [packageAt('a.rpm', 'aa', 'ftp://me:hush@one.example.org/el9')],
      [],
      ['it lies elsewhere (xml:base), at ftp://one.example.org/el9, which is no http:// or https:// URL'],
    ],
    [
      'come from the place of the web where there are both',
      [packageAt('a.rpm', 'aa', 'media:1'), packageAt('a.rpm', 'aa', one)],
      [`a.rpm ${one}`],
      [],
    ],
  ])('%s', (_, chosen, comes, reasons) => {
    const { wanted, impossible } = settlePlaces(chosen)
    expect(wanted.map(({ path, base }) => `${path} ${base}`)).toEqual(comes)
    expect(impossible.map(({ reason }) => reason)).toEqual(reasons)
  })

  it('have a path each, and none is forgotten but what is the very same file', () => {
    const chosen = fc.uniqueArray(
      fc.tuple(
        fc.constantFrom('a.rpm', 'b.rpm'),
        fc.constantFrom('aa', 'bb'),
        fc.constantFrom(undefined, one, other, 'media:1'),
      ),
      { selector: ([path, , base]) => `${path} ${base}` },
    )
    fc.assert(
      fc.property(chosen, (places) => {
        const packages = places.map(([path, hex, base]) => packageAt(path, hex, base))
        const { wanted, impossible } = settlePlaces(packages)
        expect(new Set(wanted.map(({ path }) => path)).size).toBe(wanted.length)
        const told = [...wanted, ...impossible.map(({ file }) => file)]
        for (const file of packages) {
          expect(told.some(({ path, checksum }) => path === file.path && checksum.hex === file.checksum.hex)).toBe(true)
        }
      }),
    )
  })
})
