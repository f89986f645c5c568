import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { UpstreamPackage } from '../src/index.ts'
import { planMirror } from '../src/mirror-plan.ts'
import { newMirrorRecord } from '../src/mirror-record.ts'

const checksum = fc.record({
  type: fc.constantFrom('sha256' as const, 'sha1' as const),
  hex: fc.constantFrom('aa', 'bb'),
})
const path = fc.constantFrom<string[]>('a.rpm', 'b.rpm', 'c.rpm', 'd.rpm', 'e.rpm')
const wantedPackages = fc.uniqueArray(
  fc.record({ path, checksum, size: fc.constantFrom(1, 2) }).map(
    (file): UpstreamPackage => ({
      ...file,
      ...{ name: file.path, epoch: '0', version: '1', release: '1', arch: 'noarch', modified: 1 },
    }),
  ),
  { selector: (file) => file.path },
)
const heldFiles = fc
  .array(fc.tuple(path, fc.record({ size: fc.constantFrom(1, 2), checksum: fc.option(checksum, { nil: undefined }) })))
  .map((entries) => new Map(entries))
const remembered = fc.array(fc.tuple(path, checksum)).map((entries) => new Map(entries))

describe('what a mirror plans', () => {
  it('has each wanted package in one list, fetches over nothing, and drops nothing but what it brought and nobody else wants', () => {
    fc.assert(
      fc.property(wantedPackages, heldFiles, remembered, remembered, (wanted, held, packages, others) => {
        const record = { ...newMirrorRecord('upstream'), packages }
        const { fetch, check, different, kept, dropped } = planMirror({ impossible: [], wanted, held, record, others })
        const lists = [...fetch, ...check, ...different, ...kept]
        expect(lists).toHaveLength(wanted.length)
        expect(new Set(lists)).toEqual(new Set(wanted))
        for (const file of fetch) expect(held.has(file.path)).toBe(false)
        for (const file of kept) {
          const there = held.get(file.path)
          expect(there?.size).toBe(file.size)
          const known = there?.checksum?.type === file.checksum.type ? there.checksum : packages.get(file.path)
          expect(known).toEqual(file.checksum)
        }
        const isWanted = (one: string): boolean => wanted.some((file) => file.path === one)
        const expected = [...packages].filter(([one]) => !isWanted(one) && !others.has(one))
        expect(dropped.map(({ path: one, checksum: of }) => [one, of])).toEqual(expected)
      }),
    )
  })

  it.each([
    [0, 0, false],
    [10, 10, false],
    [10, 5, false],
    [10, 4, true],
    [10, 0, true],
    [1, 1, false],
    [1, 0, true],
  ])('of %i packages before and %i now doubts: %s', (before, now, doubts) => {
    const one = { name: 'a', epoch: '0', version: '1', release: '1', arch: 'noarch', modified: 1, size: 1 }
    const hex = 'aa'
    const wanted = Array.from({ length: now }, (_, at) => ({
      ...one,
      path: `${at}.rpm`,
      checksum: { type: 'sha256' as const, hex },
    }))
    const record = { ...newMirrorRecord('upstream'), wanted: before }
    const { doubt } = planMirror({ impossible: [], wanted, held: new Map(), record, others: new Map() })
    expect(doubt !== undefined).toBe(doubts)
  })
})
