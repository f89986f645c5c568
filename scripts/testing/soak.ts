// Runs the tests whole that `scripts/test` runs a part of, and sums up in a last line: `N passed, N failed`.
import { soakVariable } from '../../fixtures/soak.ts'
import { formatClosingLine, formatSkipped } from './tally.ts'
import { runTests } from './vitest-run.ts'

const started = performance.now()
const tests = await runTests(process.argv.slice(2), { show: true, environment: { [soakVariable]: '1' } })
if (tests.complaint !== undefined) console.log(tests.complaint)
for (const line of formatSkipped(tests.skipped)) console.log(`skipped: ${line}`)
console.log(`\n${((performance.now() - started) / 60_000).toFixed(1)} minutes`)
console.log(formatClosingLine(tests))
process.exitCode = tests.failed > 0 ? 1 : 0
