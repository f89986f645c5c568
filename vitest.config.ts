import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './scripts/testing/longest-first.ts'

/** These start processes for all processors themselves: one after the other, and nothing beside them. */
const storms = ['scripts/simulating/**/*.test.ts', 'scripts/fuzzing/**/*.test.ts', 'scripts/killing/**/*.test.ts']

export default defineConfig({
  test: {
    allowOnly: false,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: { name: 'storms', include: storms, maxWorkers: 1, sequence: { groupOrder: 0 }, ...limits() },
      },
      {
        extends: true,
        test: {
          name: 'others',
          include: [
            'packages/*/test/**/*.test.ts',
            'scripts/**/*.test.ts',
            'fixtures/**/*.test.ts',
            'infra/test/**/*.test.ts',
          ],
          exclude: storms,
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 1 },
          ...limits(),
        },
      },
    ],
  },
})

/** Generous, because what a test waits for may share a small machine with other tests: a limit, not a measurement. */
function limits(): { readonly testTimeout: number; readonly hookTimeout: number } {
  return { testTimeout: 180_000, hookTimeout: 180_000 }
}
