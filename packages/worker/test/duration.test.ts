import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../src/duration.ts'

const hourMs = 3_600_000

describe('a span of time', () => {
  it.each([
    ['0', 0, '0'],
    ['0h', 0, '0'],
    ['90s', 90_000, '90s'],
    ['1.005s', 1_005, '1.005s'],
    ['120m', 2 * hourMs, '2h'],
    ['1.5h', 1.5 * hourMs, '90m'],
    [' 24h ', 24 * hourMs, '24h'],
    ['2d', 48 * hourMs, '48h'],
    ['7d', 168 * hourMs, '7d'],
    ['3650d', 87_600 * hourMs, '3650d'],
  ])('%s', (text, milliseconds, shown) => {
    expect(parseDuration(text)).toBe(milliseconds)
    expect(formatDuration(milliseconds)).toBe(shown)
  })

  it.each(['', '24', '00', 'h', '-1h', '1.h', '.5h', '1e3s', '1w', '3651d', '24 h', '1h30m', '9999999999s'])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )

  it('is read as what it was written for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 87_600 * hourMs }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds)
      }),
    )
  })
})
