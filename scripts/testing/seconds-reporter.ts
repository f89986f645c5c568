import type { Reporter, TestModule } from 'vitest/node'
import { writeSeconds } from './seconds.ts'

/**
 * Vitest reporter: keeps how long each file took, for the order of the next run. Not part of a usual one:
 * `scripts/test --reporter=./scripts/testing/seconds-reporter.ts`
 */
export default class SecondsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    writeSeconds(new Map(modules.map((module) => [module.relativeModuleId, secondsOf(module)])))
  }
}

function secondsOf(module: TestModule): number {
  const { prepareDuration, collectDuration, setupDuration, duration } = module.diagnostic()
  return Math.round((prepareDuration + collectDuration + setupDuration + duration) / 1000)
}
