import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareEvr, compareVersions, parseEvr } from '../src/index.ts'
import { hasLibrpm, librpmNumbers } from './librpm.ts'

type Order = -1 | 0 | 1

const table: readonly (readonly [a: string, b: string, order: Order, rule: string])[] = [
  ['1.0', '1.0', 0, 'the same text is the same version'],
  ['1.0', '2.0', -1, 'numbers by value'],
  ['2.9', '2.10', -1, 'numbers by value, not by digits'],
  ['1.0', '1.0.1', -1, 'more segments are newer'],
  ['5.5p1', '5.5p10', -1, 'numbers behind letters, too'],
  ['10xyz', '10.1xyz', -1, 'a number is newer than letters'],
  ['xyz10', 'xyz10.1', -1, 'more segments are newer, after letters, too'],
  ['xyz.4', '8', -1, 'a number is newer than letters, in front, too'],
  ['5.5p2', '5.6p1', -1, 'the first difference decides'],
  ['1.0a', '1.0', 1, 'letters behind are newer'],
  ['1.0aa', '1.0ab', -1, 'letters by their bytes'],
  ['1.0A', '1.0a', -1, 'upper case before lower case'],
  ['1.010', '1.10', 0, 'leading zeros do not count'],
  ['1.0', '1.00', 0, 'however many'],
  ['20240101000000000000000001', '20240101000000000000000002', -1, 'numbers of any length'],
  ['1.0', '1_0', 0, 'separators are all alike'],
  ['1..0', '1.0', 0, 'any number of them'],
  ['1.0.', '1.0', 0, 'at the end they do not count'],
  ['1+a', '1a', 0, 'none at all between a number and letters'],
  ['é1', '1', 0, 'what is no ASCII letter separates'],
  ['1.0~rc1', '1.0', -1, 'a tilde is before the end'],
  ['1.0~rc1', '1.0~rc2', -1, 'after a tilde as ever'],
  ['1.0~rc1~git1', '1.0~rc1', -1, 'several tildes'],
  ['1.0~', '1.0', -1, 'a tilde alone'],
  ['1.0~~', '1.0~', -1, 'two are before one'],
  ['1.0~rc1', '1.0arc1', -1, 'a tilde is before letters'],
  ['1.0^', '1.0', 1, 'a caret is after the end'],
  ['1.0^git1', '1.0^git2', -1, 'after a caret as ever'],
  ['1.0^git1', '1.01', -1, 'a caret is before a higher number'],
  ['1.0^20240101', '1.0.1', -1, 'a caret is before a further segment'],
  ['1.0^git1~pre', '1.0^git1', -1, 'a tilde after a caret'],
  ['1.0~rc1^git1', '1.0~rc1', 1, 'a caret after a tilde'],
  ['1.0^git1', '1.0~rc1', 1, 'a caret is after a tilde'],
  ['', '', 0, 'nothing is nothing'],
  ['', '1', -1, 'nothing is older than something'],
  ['', '~', 1, 'but not than a tilde'],
]

/** Short texts over the characters that the rules know, so that many share a beginning. */
const versionText = fc.string({
  unit: fc.constantFrom('0', '1', '2', '9', '10', 'a', 'b', 'Z', '.', '-', '_', '~', '^', 'é'),
  maxLength: 8,
})

const evrText = fc.string({
  unit: fc.constantFrom('0', '1', '2', 'a', '.', '-', ':', '~', '^'),
  minLength: 1,
  maxLength: 8,
})

describe('compareVersions', () => {
  it.each(table)('%s and %s: %i (%s)', (a, b, order) => {
    expect(compareVersions(a, b)).toBe(order)
    expect(compareVersions(b, a)).toBe(order === 0 ? 0 : -order)
  })

  it('is reflexive, antisymmetric and transitive', () => {
    fc.assert(
      fc.property(versionText, versionText, versionText, (a, b, c) => {
        expect(compareVersions(a, a)).toBe(0)
        expect(compareVersions(b, a)).toBe(negated(compareVersions(a, b)))
        const [low = '', middle = '', high = ''] = [a, b, c].sort(compareVersions)
        expect(compareVersions(low, middle)).not.toBe(1)
        expect(compareVersions(middle, high)).not.toBe(1)
        expect(compareVersions(low, high)).not.toBe(1)
      }),
      { numRuns: 2000 },
    )
  })

  it.skipIf(!hasLibrpm)('says what rpmvercmp says', () => {
    const pairs = [...table.map(([a, b]) => [a, b] as const), ...fc.sample(fc.tuple(versionText, versionText), 5000)]
    expect(pairs.map(([a, b]) => compareVersions(a, b))).toEqual(librpmNumbers('compare', pairs))
  })
})

describe('compareEvr', () => {
  const evrTable: readonly (readonly [a: string, b: string, order: Order, rule: string])[] = [
    ['1:1.0-1', '2.0-1', 1, 'the epoch decides first'],
    ['0:1.0-1', '1.0-1', 0, 'no epoch is epoch 0'],
    ['1.0-2', '1.0-10', -1, 'the release decides last'],
    ['1.0', '1.0-1', -1, 'no release is older than any'],
  ]

  it.each(evrTable)('%s and %s: %i (%s)', (a, b, order) => {
    expect(compareEvr(parseEvr(a), parseEvr(b))).toBe(order)
  })

  it.skipIf(!hasLibrpm)('says what rpmverCmp says of the texts, split as librpm splits them', () => {
    const pairs = fc.sample(fc.tuple(evrText, evrText), 5000)
    expect(pairs.map(([a, b]) => compareEvr(parseEvr(a), parseEvr(b)))).toEqual(librpmNumbers('compareEvr', pairs))
  })
})

function negated(order: Order): Order {
  return order === 0 ? 0 : order === 1 ? -1 : 1
}
