import { parseNevra } from '@repokeeper/rpm-parser'
import { describe, expect, test } from 'vitest'
import { matchPackages } from '../src/match-packages.ts'

const packages = [
  listed('foo-1.0-1.noarch.rpm', 'foo-1.0-1.noarch'),
  listed('foo-2.0-1.noarch.rpm', 'foo-3:2.0-1.noarch'),
  listed('Packages/b/bar-1.0-1.x86_64.rpm', 'bar-1.0-1.x86_64'),
  listed('old/bar-1.0-1.x86_64.rpm', 'bar-1.0-1.x86_64'),
  // A file whose name is another package's NEVRA.
  listed('liar-1.0-1.noarch.rpm', 'honest-7-7.noarch'),
  // In the bucket, but not listed.
  { path: 'new-1.0-1.noarch.rpm', nevra: undefined },
  { path: 'no-nevra.rpm', nevra: undefined },
]

describe('a name means', () => {
  test.each([
    ['foo-1.0-1.noarch.rpm', 'path', ['foo-1.0-1.noarch.rpm']],
    ['./foo-1.0-1.noarch.rpm', 'path', ['foo-1.0-1.noarch.rpm']],
    ['old/bar-1.0-1.x86_64.rpm', 'path', ['old/bar-1.0-1.x86_64.rpm']],
    ['bar-1.0-1.x86_64.rpm', 'file name', ['Packages/b/bar-1.0-1.x86_64.rpm', 'old/bar-1.0-1.x86_64.rpm']],
    ['foo-1.0-1.noarch', 'NEVRA', ['foo-1.0-1.noarch.rpm']],
    ['foo-0:1.0-1.noarch', 'NEVRA', ['foo-1.0-1.noarch.rpm']],
    ['foo-1.0-1', 'NEVRA', ['foo-1.0-1.noarch.rpm']],
    ['foo-3:2.0-1.noarch', 'NEVRA', ['foo-2.0-1.noarch.rpm']],
    ['foo-3:2.0-1', 'NEVRA', ['foo-2.0-1.noarch.rpm']],
    ['foo-2.0-1.noarch', 'NEVRA', ['foo-2.0-1.noarch.rpm']],
    ['honest-7-7', 'NEVRA', ['liar-1.0-1.noarch.rpm']],
    ['liar-1.0-1.noarch', 'file name', ['liar-1.0-1.noarch.rpm']],
    ['new-1.0-1.noarch', 'NEVRA', ['new-1.0-1.noarch.rpm']],
    ['no-nevra', 'file name', ['no-nevra.rpm']],
    ['foo-*', 'pattern', ['foo-1.0-1.noarch.rpm', 'foo-2.0-1.noarch.rpm']],
    ['foo-3:*', 'pattern', ['foo-2.0-1.noarch.rpm']],
    ['honest*', 'pattern', ['liar-1.0-1.noarch.rpm']],
    ['old/*', 'pattern', ['old/bar-1.0-1.x86_64.rpm']],
    ['Packages/?/bar-*', 'pattern', ['Packages/b/bar-1.0-1.x86_64.rpm']],
  ])('%s, as a %s: %j', (name, by, paths) => {
    const match = matchPackages(name, packages)
    expect(match.kind === 'matched' && { by: match.by, paths: match.packages.map(({ path }) => path) }).toEqual({
      by,
      paths,
    })
  })

  test.each(['foo', 'foo.noarch'])('every version, where it is no more than a package name: %s', (name) => {
    const match = matchPackages(name, packages)
    expect(match.kind).toBe('every version')
    expect(match.kind !== 'nothing' && match.packages).toHaveLength(2)
  })

  test.each(['', 'fo', 'foo-1', 'foo-1.0', 'foo-1:1.0-1', 'foo-2:2.0-1', 'liar-1.0-1', 'zzz*', 'Packages', '*/*/*/*'])(
    'nothing: %j',
    (name) => {
      expect(matchPackages(name, packages).kind).toBe('nothing')
    },
  )
})

function listed(path: string, nevra: string) {
  return { path, nevra: parseNevra(nevra) }
}
