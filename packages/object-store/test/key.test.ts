import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareKeys } from '../src/index.ts'

describe('the order of keys', () => {
  it('is that of their UTF-8 bytes', () => {
    const key = fc.string({
      unit: fc.oneof(
        fc.constantFrom('a', '/', '.', 'é', '\uffee', '\ue000', '\u{1f4e6}', '\u{10ffff}'),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      ),
    })
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
      { numRuns: 500 },
    )
  })
})
