import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './scripts/testing/longest-first.ts'

export default defineConfig({
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'scripts/**/*.test.ts',
      'fixtures/**/*.test.ts',
      'infra/test/**/*.test.ts',
    ],
    // Generous, because what a test waits for may share a small machine with other tests: a limit, not a measurement.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    allowOnly: false,
    // By itself vitest leaves one processor out: on two, half of the machine.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: LongestFirst },
  },
})
