import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expired, planReplica, supersededSince } from '../src/replica-plan.ts'

const checksum = fc.record({
  type: fc.constantFrom('sha256' as const, 'sha1' as const),
  hex: fc.constantFrom('aa', 'bb'),
})
const path = fc.constantFrom<string[]>('a.rpm', 'b.rpm', 'c.rpm', 'd.rpm', 'e.rpm')
const wantedFiles = fc.uniqueArray(
  fc.record({ path, checksum, size: fc.option(fc.constantFrom(1, 2), { nil: undefined }) }),
  { selector: (file) => file.path },
)
const heldFiles = fc
  .array(fc.tuple(path, fc.record({ size: fc.constantFrom(1, 2), checksum: fc.option(checksum, { nil: undefined }) })))
  .map((entries) => new Map(entries))

describe('what a replica plans', () => {
  it('has each wanted file in one list, keeps only what is surely the same, and names all others superseded', () => {
    fc.assert(
      fc.property(wantedFiles, heldFiles, fc.boolean(), (wanted, held, doubts) => {
        const plan = planReplica({ wanted, held, isDoubted: () => doubts, isOwn: (path) => path !== 'e.rpm' })
        const listed = [...plan.fetch, ...plan.check, ...plan.replace].map((file) => file.path)
        expect(new Set(listed).size).toBe(listed.length)
        const kept = wanted.filter((file) => !listed.includes(file.path))
        expect(kept).toHaveLength(plan.kept)
        for (const file of kept) {
          expect(doubts).toBe(false)
          expect(held.get(file.path)?.checksum).toEqual(file.checksum)
          if (file.size !== undefined) expect(held.get(file.path)?.size).toBe(file.size)
        }
        for (const file of plan.fetch) expect(held.has(file.path)).toBe(false)
        for (const file of [...plan.check, ...plan.replace]) expect(held.has(file.path)).toBe(true)
        const wantedPaths = new Set(wanted.map((file) => file.path))
        expect(new Set(plan.superseded)).toEqual(
          new Set([...held.keys()].filter((one) => !wantedPaths.has(one) && one !== 'e.rpm')),
        )
      }),
    )
  })

  it('counts the retention from when a path was first superseded, forgets one that is named again, and heeds no clock ahead', () => {
    const known = new Map([
      ['old.rpm', 1_000],
      ['back.rpm', 1_000],
      ['future.rpm', 9_000],
    ])
    const superseded = supersededSince(['old.rpm', 'new.rpm', 'future.rpm'], known, 5_000)
    expect(superseded).toEqual(
      new Map([
        ['old.rpm', 1_000],
        ['new.rpm', 5_000],
        ['future.rpm', 5_000],
      ]),
    )
    expect(expired(superseded, 5_000, 4_000)).toEqual(['old.rpm'])
    expect(expired(superseded, 4_999, 4_000)).toEqual([])
  })
})
