import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { isSoak, orInSoak } from './fixtures/soak.ts'
import { LongestFirst } from './scripts/testing/longest-first.ts'

/** These start processes for all processors themselves, or measure the memory of one: one after the other, and nothing beside them. */
const storms = [
  'scripts/simulating/**/*.test.ts',
  'scripts/fuzzing/**/*.test.ts',
  'scripts/killing/**/*.test.ts',
  'packages/repository/test/search-memory.test.ts',
]

const others = [
  'packages/*/test/**/*.test.ts',
  'scripts/**/*.test.ts',
  'fixtures/**/*.test.ts',
  'infra/test/**/*.test.ts',
]

/** What is more in a soak, beside the storms: tests that ask for it, and those that run the programs, for these have a process each then. */
const soaked = [
  'packages/cli/test/**/*.test.ts',
  ...globSync(others).filter((file) => readFileSync(file, 'utf8').includes('fixtures/soak.ts')),
]

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
          include: isSoak ? soaked : others,
          exclude: storms,
          // A process that starts, and loads the SDK of AWS, for each of them takes as long as many tests do.
          isolate: false,
          setupFiles: 'scripts/testing/as-found.ts',
          // One more than processors: some wait for a queue, a window or a client.
          maxWorkers: availableParallelism() + 1,
          sequence: { groupOrder: 1 },
          ...limits(),
        },
      },
    ],
  },
})

/** Generous, because what a test waits for may share a small machine with other tests: a limit, not a measurement. */
function limits(): { readonly testTimeout: number; readonly hookTimeout: number } {
  const limit = orInSoak(180_000, 3_600_000)
  return { testTimeout: limit, hookTimeout: limit }
}
