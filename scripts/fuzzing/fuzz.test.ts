/**
 * Some cases of every decoder, always the same ones: what chance finds is `scripts/fuzz`'s to say. And faults planted on purpose, so that
 * "no findings" means something.
 */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { orInSoak } from '../../fixtures/soak.ts'
import { memoryBytesMax, targetNames } from './targets.ts'
import { watchedRun } from './watched-run.ts'

const table = (file: string): string => join(import.meta.dirname, file)
const cases = orInSoak(600, 10_000)

describe('every case is read, or refused by an error of its decoder, soon and in little memory', () => {
  it.concurrent.each(targetNames)(
    '%s',
    async (target) => {
      const outcome = await watchedRun({ table: table('targets.ts'), target, cases, seed: 1, hangSeconds: 60 })
      if (outcome.kind === 'finding') {
        throw new Error(`${outcome.reason}\nagain: scripts/fuzz --target ${target} --seed 1 --path ${outcome.path}`)
      }
      const { read, refused, peakBytes } = outcome.counts
      const refusals = Object.values(refused).reduce((sum, count) => sum + count, 0)
      expect(read + refusals).toBe(cases)
      // Else the mutations would get no further than the first check.
      expect(read).toBeGreaterThan(cases / 50)
      expect(refusals).toBeGreaterThan(cases / 50)
      expect(peakBytes).toBeLessThan(memoryBytesMax)
    },
    orInSoak(300_000, 3_600_000),
  )
})

describe('a decoder is found out', () => {
  it.concurrent.each([
    ['believes a count in a loop', /^it did not come to an end within 5 seconds/],
    ['waits for what never comes', /^the process ended with 13/],
    ['allocates what it is told', /^the process had \d+ bytes, more than/],
    ['fills the heap', /^the process ended with SIG\w+: [\s\S]*heap out of memory/],
    ['throws what nobody thought of', /^RangeError: Invalid count value: -4294967295/],
    ['throws when nobody listens', /^the process ended with 1: [\s\S]*too late/],
  ] as const)(
    'that %s, and its case is shown',
    async (target, reason) => {
      // A busy machine may keep a process waiting for some seconds.
      const hangSeconds = target === 'believes a count in a loop' ? 5 : 60
      const run = { table: table('planted-targets.ts'), target, cases: 500, seed: 1, hangSeconds }
      const outcome = await watchedRun(run)
      if (outcome.kind !== 'finding') throw new Error('nothing was found')
      expect(outcome.reason).toMatch(reason)
      expect(Buffer.from(outcome.case.base64, 'base64').toString()).toContain('follows: 4294967295')

      const again = await watchedRun({ ...run, path: outcome.path })
      expect(again).toEqual({ ...outcome, reason: expect.stringMatching(reason) })
    },
    300_000,
  )
})
