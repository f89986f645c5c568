import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Bandwidth } from '../src/bandwidth.ts'

it('lets no stretch of time have more than its share and one burst, however many bodies come', async () => {
  const chunks = fc.array(fc.integer({ min: 1, max: 5_000 }), { maxLength: 30 })
  const pauses = fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(fc.array(chunks, { minLength: 1, maxLength: 4 }), pauses, async (bodies, pauseMs) => {
      let now = 0
      const sleep = async (milliseconds: number): Promise<void> => {
        now += milliseconds
      }
      const bandwidth = new Bandwidth(1_000, { now: () => now, sleep })
      const passed: { at: number; bytes: number }[] = []
      for (const [number, sizes] of bodies.entries()) {
        now += pauseMs[number % pauseMs.length] ?? 0
        for await (const chunk of bandwidth.limit(bodyOf(sizes))) passed.push({ at: now, bytes: chunk.length })
      }
      for (const [first, { at: from }] of passed.entries()) {
        let bytes = 0
        // The chunk that opens the stretch was paid for before it.
        for (const { at, bytes: more } of passed.slice(first + 1)) {
          bytes += more
          expect(bytes).toBeLessThanOrEqual(at - from + 250 + 1e-6)
        }
      }
      expect(passed.map(({ bytes }) => bytes)).toEqual(bodies.flat())
    }),
  )
})

async function* bodyOf(sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (const size of sizes) yield new Uint8Array(size)
}
