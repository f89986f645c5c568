import { compareEvr } from '@repokeeper/rpm-parser'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PackageSelection, selectPackages, type UpstreamPackage } from '../src/index.ts'

const everything: PackageSelection = { arches: [], newest: undefined, sinceSeconds: undefined }

function packageOf(name: string, version: string, more: Partial<UpstreamPackage> = {}): UpstreamPackage {
  const checksum = { type: 'sha256', hex: 'aa' } as const
  const identity = { name, epoch: '0', version, release: '1', arch: 'noarch' }
  return { path: `${name}-${version}.rpm`, size: 1, checksum, modified: 100, ...identity, ...more }
}

const packages = fc.uniqueArray(
  fc.record({
    path: fc.uuid(),
    size: fc.constant(1),
    checksum: fc.constant({ type: 'sha256', hex: 'aa' } as const),
    modified: fc.option(fc.constantFrom(1, 2, 3), { nil: undefined }),
    name: fc.constantFrom('foo', 'bar'),
    epoch: fc.constantFrom('0', '1'),
    version: fc.constantFrom('1.0', '1.00', '1.0~rc1', '2', '10'),
    release: fc.constantFrom('1', '2'),
    arch: fc.constantFrom('x86_64', 'noarch'),
  }),
  { selector: ({ path }) => path },
)
const selection = fc.record({
  arches: fc.constantFrom<string[][]>([], ['noarch'], ['x86_64', 'noarch']),
  newest: fc.option(fc.constantFrom(1, 2, 3), { nil: undefined }),
  sinceSeconds: fc.option(fc.constantFrom(2, 3), { nil: undefined }),
})

describe('what is chosen of an upstream', () => {
  it('is in order and meets every condition, and what is left out for its version has enough newer ones that are chosen', () => {
    fc.assert(
      fc.property(packages, selection, (listed, { arches, newest, sinceSeconds }) => {
        const isMeant = ({ name }: UpstreamPackage): boolean => name !== 'bar' || newest !== 3
        const chosen = selectPackages(listed, new Set(), { isMeant, arches, newest, sinceSeconds })
        expect(chosen).toEqual(listed.filter((one) => chosen.includes(one)))
        const meets = (one: UpstreamPackage): boolean =>
          isMeant(one) &&
          (arches.length === 0 || arches.includes(one.arch)) &&
          (one.modified ?? Number.POSITIVE_INFINITY) >= (sinceSeconds ?? 0)
        for (const one of listed) {
          const rivals = chosen.filter(({ name, arch }) => name === one.name && arch === one.arch)
          const newer = rivals.filter((rival) => compareEvr(rival, one) > 0)
          const versions = new Set(newer.map((rival) => newer.findIndex((other) => compareEvr(rival, other) === 0)))
          const isNewEnough = newest === undefined || versions.size < newest
          expect(chosen.includes(one)).toBe(meets(one) && isNewEnough)
        }
      }),
    )
  })

  it('counts the newest among those that the other conditions leave', () => {
    const listed = [packageOf('foo', '1'), packageOf('foo', '2'), packageOf('foo', '3')]
    const isMeant = ({ version }: UpstreamPackage): boolean => version !== '3'
    expect(selectPackages(listed, new Set(), { ...everything, newest: 1, isMeant })).toEqual([listed[1]])
  })

  it('cuts no stream of a module, and does not count its packages', () => {
    const listed = [packageOf('foo', '1'), packageOf('foo', '2'), packageOf('foo', '3')]
    const inModules = new Set(['foo-0:1-1.noarch', 'foo-0:3-1.noarch'])
    expect(selectPackages(listed, inModules, { ...everything, newest: 1 })).toEqual(listed)
  })

  it('takes what has no time, since nobody knows that it is old', () => {
    const listed = [packageOf('foo', '1', { modified: undefined }), packageOf('bar', '1')]
    expect(selectPackages(listed, new Set(), { ...everything, sinceSeconds: 101 })).toEqual([listed[0]])
  })
})
