import { writeFileSync } from 'node:fs'
import type { SerializedError, TestError } from 'vitest'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import type { Tally } from './tally.ts'

/** Vitest reporter: writes the `Tally` of the run as JSON to the file that REPOKEEPER_TALLY_FILE names, when the run has ended. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const file = process.env.REPOKEEPER_TALLY_FILE
    if (file === undefined) throw new Error('REPOKEEPER_TALLY_FILE must name the file to write to')
    writeFileSync(file, JSON.stringify(tallyOf(modules, unhandledErrors)))
  }
}

function tallyOf(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): Tally {
  const tally: Tally = { passed: 0, failed: unhandledErrors.length, skipped: [] }
  for (const module of modules) {
    // A file that could not be loaded, a hook that threw: no test is to blame, and its tests count as skipped or not at all.
    const groups: { errors(): readonly TestError[] }[] = [module, ...module.children.allSuites()]
    const failedOutsideOfTests = groups.filter((group) => group.errors().length > 0).length
    const tests = [...module.children.allTests()]
    const failedTests = tests.filter((test) => ['failed', 'pending'].includes(test.result().state)).length

    tally.failed += failedOutsideOfTests + failedTests
    if (module.state() !== 'passed' && module.state() !== 'skipped' && failedOutsideOfTests + failedTests === 0)
      tally.failed++
    tally.passed += tests.filter((test) => test.result().state === 'passed').length
    for (const test of tests) if (test.result().state === 'skipped') tally.skipped.push(skippedTest(test))
  }
  return tally
}

function skippedTest(test: TestCase): Tally['skipped'][number] {
  const result = test.result()
  const note = result.state === 'skipped' ? result.note : undefined
  const reason = note ?? skipReasonOfGroups(test) ?? (test.options.mode === 'todo' ? 'still to be written' : undefined)
  const title = `${test.module.relativeModuleId} > ${test.fullName}`
  return reason === undefined ? { title } : { title, reason }
}

// `describeWithClients` leaves its reason in the group's meta data.
function skipReasonOfGroups(test: TestCase): string | undefined {
  for (let group = test.parent; group.type === 'suite'; group = group.parent) {
    const { skipReason } = group.meta()
    if (skipReason !== undefined) return skipReason
  }
  return undefined
}

declare module 'vitest' {
  interface TaskMeta {
    /** Why the tests of this group are skipped. */
    skipReason?: string
  }
}
