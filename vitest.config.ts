import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'scripts/**/*.test.ts', 'fixtures/**/*.test.ts'],
    // Generous, because what a test waits for may share a small machine with other tests: a limit, not a measurement.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    allowOnly: false,
  },
})
