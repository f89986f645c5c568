import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RateLimit } from '../src/rate-limit.ts'

function open({ perSecond = 2, burst = 3, keysMax = 100 } = {}) {
  let now = 0
  const limit = new RateLimit({ perSecond, burst, keysMax, now: () => now })
  const goOn = (milliseconds: number): void => {
    now += milliseconds
  }
  return { take: (key = 'a') => limit.take(key), goOn }
}

describe('a limit on requests', () => {
  it('lets a burst in, and then one at a time', () => {
    const { take, goOn } = open()
    expect([take(), take(), take(), take()]).toEqual([undefined, undefined, undefined, 1])
    goOn(500)
    expect([take(), take()]).toEqual([undefined, 1])
    goOn(60_000)
    expect([take(), take(), take(), take()]).toEqual([undefined, undefined, undefined, 1])
  })

  it('says after how many whole seconds there is room again', () => {
    const { take, goOn } = open({ perSecond: 0.1, burst: 1 })
    expect([take(), take()]).toEqual([undefined, 10])
    goOn(8_500)
    expect(take()).toBe(2)
    goOn(1_500)
    expect(take()).toBeUndefined()
  })

  it('does not have one wait for another', () => {
    const { take } = open({ burst: 1 })
    expect([take('a'), take('b'), take('a'), take('c')]).toEqual([undefined, undefined, 1, undefined])
  })

  it('has those who come when it knows as many as it may share one bucket', () => {
    const { take, goOn } = open({ keysMax: 2, burst: 2 })
    expect([take('a'), take('b'), take('c'), take('d'), take('e')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      1,
    ])
    expect([take('a'), take('a')]).toEqual([undefined, 1])
    goOn(1_000)
    // The first two have rested, and are forgotten.
    expect([take('e'), take('e'), take('e')]).toEqual([undefined, undefined, 1])
  })

  it('never lets one have more than its burst and what it is given meanwhile, whoever else comes', () => {
    const step = fc.record({ key: fc.integer({ min: 0, max: 5 }), waitMs: fc.integer({ min: 0, max: 700 }) })
    const settings = { perSecond: fc.constantFrom(0.5, 3, 7), burst: fc.integer({ min: 1, max: 4 }) }
    fc.assert(
      fc.property(fc.record(settings), fc.array(step, { maxLength: 80 }), ({ perSecond, burst }, steps) => {
        const { take, goOn } = open({ perSecond, burst, keysMax: 2 })
        const granted = new Map<number, number[]>()
        let now = 0
        for (const { key, waitMs } of steps) {
          goOn(waitMs)
          now += waitMs
          if (take(String(key)) === undefined) granted.set(key, [...(granted.get(key) ?? []), now])
        }
        for (const times of granted.values()) {
          for (const [first, start] of times.entries()) {
            for (const [last, end] of times.entries()) {
              if (last < first) continue
              expect(last - first + 1).toBeLessThanOrEqual(burst + (perSecond * (end - start)) / 1000 + 1e-6)
            }
          }
        }
      }),
    )
  })
})
