// Runs every check and then the tests, whatever failed before, and sums up in a last line: `N passed, N failed`.
import { runProcess } from './process.ts'
import { formatClosingLine, formatSkipped, type Tally } from './tally.ts'
import { runTests } from './vitest-run.ts'

const checks = [
  { name: 'types', command: ['tsc', '--noEmit', '--pretty'] },
  { name: 'pages', command: ['tsc', '--project', 'tsconfig.browser.json', '--pretty'] },
  { name: 'lint', command: ['biome', 'check', '--error-on-warnings'] },
  { name: 'imports', command: ['node', 'scripts/checks/check-imports.ts'] },
] as const

const total: Tally = { passed: 0, failed: 0, skipped: [] }
const failedParts: string[] = []

for (const { name, command } of checks) {
  const started = performance.now()
  const { exitCode, output } = await runProcess(command)
  if (exitCode !== 0) console.log(output.trimEnd())
  report(name, exitCode === 0, started)
  total[exitCode === 0 ? 'passed' : 'failed']++
}

const started = performance.now()
const tests = await runTests(process.argv.slice(2), { show: true })
if (tests.complaint !== undefined) console.log(tests.complaint)
report('tests', tests.failed === 0, started)
total.passed += tests.passed
total.failed += tests.failed

if (tests.skipped.length > 0)
  console.log(
    `\nSkipped:\n${formatSkipped(tests.skipped)
      .map((line) => `  ${line}\n`)
      .join('')}`.trimEnd(),
  )
if (failedParts.length > 0) console.log(`\nFailed: ${failedParts.join(', ')}. What each said stands above.`)
console.log(`\n${formatClosingLine({ ...total, skipped: tests.skipped })}`)
process.exitCode = total.failed > 0 ? 1 : 0

function report(part: string, passed: boolean, since: number): void {
  if (!passed) failedParts.push(part)
  console.log(`${passed ? '✓' : '✗'} ${part.padEnd(8)} ${((performance.now() - since) / 1000).toFixed(1)} s`)
}
