/**
 * Packed, the packages that primary lists are found as they are found among objects.
 */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { orInSoak } from '../../../fixtures/soak.ts'
import { type ListedPackage, PackageIndex, PackedIndex, sha256PkgId } from '../src/index.ts'
import { compareListed } from '../src/package-index.ts'

const text = fc.oneof(fc.constantFrom('', 'a', 'é', '\u{1f600}', '\uffee', ' \n'), fc.stringMatching(/^[ -~]{0,8}$/))
const hrefs = [
  'a.rpm',
  './a.rpm',
  './/b.rpm',
  'b.rpm',
  'b%20c.rpm',
  'b c.rpm',
  '%62.rpm',
  '%',
  'é.rpm',
  '\u{1f600}',
  '\uffee',
  'a',
]
const number = fc.option(fc.nat(2 ** 40), { nil: undefined })

const packages = fc
  .array(
    fc.record(
      {
        pkgid: fc.constantFrom('0', 'f').map((digit) => sha256PkgId(digit.repeat(64))),
        checksumType: fc.constant('sha256' as const),
        href: fc.oneof(
          { weight: 4, arbitrary: fc.constantFrom(...hrefs) },
          text.filter((one) => one !== ''),
        ),
        base: fc.constantFrom('http://x/', 'é'),
        name: fc.oneof(text, fc.constant('é'.repeat(300_000))),
        epoch: text,
        version: text,
        release: text,
        arch: text,
        size: number,
        modified: number,
      },
      {
        requiredKeys: [
          'pkgid',
          'checksumType',
          'href',
          'name',
          'epoch',
          'version',
          'release',
          'arch',
          'size',
          'modified',
        ],
      },
    ),
    { maxLength: 20 },
  )
  .chain((list) => fc.constantFrom(list, list.toSorted(compareListed)))
  .map((list): ListedPackage[] => list.map((facts, ordinal) => ({ ...facts, ordinal })))

it('finds, packed, what an index of objects finds, and gives every fact as it was', async () => {
  await fc.assert(
    fc.asyncProperty(packages, async (list) => {
      const packed = await PackedIndex.of(list)
      const index = new PackageIndex(list)
      expect([...packed.packages()]).toEqual(list)
      const sorted = list.toSorted(compareListed)
      expect([...packed.inOrderOfLocations()]).toEqual(sorted)
      expect(packed.inOrder).toBe(sorted.every((one, at) => one === list[at]))
      for (const path of [...hrefs, ...list.map(({ href }) => href), 'b', 'absent']) {
        expect(packed.at(path)).toEqual(index.at(path))
        expect(packed.atDecoded(path)).toEqual(index.atDecoded(path))
      }
    }),
    { numRuns: orInSoak(120, 2_000) },
  )
})
