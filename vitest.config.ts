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
    testTimeout: 180_000,
    hookTimeout: 180_000,
    allowOnly: false,
    sequence: { sequencer: LongestFirst },
  },
})
