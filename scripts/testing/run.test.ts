import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { formatClosingLine, formatSkipped } from './tally.ts'
import { runTests } from './vitest-run.ts'

// Below the checkout, so that the sample tests find vitest.
const cache = join(import.meta.dirname, '..', '..', '.cache')
mkdirSync(cache, { recursive: true })
const folder = mkdtempSync(join(cache, 'sample-tests-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a run of tests', () => {
  test('counts what passed, failed and was skipped, and tells why', async () => {
    const run = await runSample(`
      test('passes', () => {})
      test('passes again', () => {})
      test('fails', () => expect(1).toBe(2))
      test('noted', (context) => context.skip('no moon'))
      test.todo('later')
      test.skip('plain', () => {})
      describe.skip('group', { meta: { skipReason: 'no sun' } }, () => { describe('inner', () => { test('deep', () => {}) }) })
    `)
    expect(run).toEqual({
      passed: 2,
      failed: 1,
      skipped: [
        { title: 'sample.test.ts > noted', reason: 'no moon' },
        { title: 'sample.test.ts > later', reason: 'still to be written' },
        { title: 'sample.test.ts > plain' },
        { title: 'sample.test.ts > group > inner > deep', reason: 'no sun' },
      ],
    })
  })

  test.each([
    { what: 'a file that cannot be loaded', source: `throw new Error('x')` },
    {
      what: 'a hook that threw',
      source: `describe('group', () => { beforeAll(() => { throw new Error('x') }); test('never', () => {}) })`,
    },
    { what: 'a worker that was killed', source: `test('dies', () => { process.kill(process.pid, 'SIGKILL') })` },
  ])('counts $what as failed', async ({ source }) => {
    const run = await runSample(source)
    expect(run.passed).toBe(0)
    expect(run.failed).toBeGreaterThan(0)
  })

  test('counts an error that no test caught as failed', async () => {
    const source = `test('passes', () => { Promise.reject(new Error('x')) })`
    expect(await runSample(source)).toMatchObject({ passed: 1, failed: 1 })
  })

  test('fails where no test ran', async () => {
    const run = await runSample(`test.skip('later', () => {})`)
    expect(run).toMatchObject({ passed: 0, failed: 1, complaint: 'No test ran.' })
  })
})

describe('the summary', () => {
  test.each([
    [{ passed: 3, failed: 0, skipped: [] }, '3 passed, 0 failed'],
    [{ passed: 3, failed: 2, skipped: [{ title: 'a' }] }, '3 passed, 2 failed, 1 skipped'],
  ])('%o closes with %s', (tally, line) => {
    expect(formatClosingLine(tally)).toBe(line)
  })

  test('tells the reason of a group once', () => {
    const skipped = [
      { title: 'x.test.ts > dnf > reads', reason: 'no dnf' },
      { title: 'x.test.ts > other' },
      { title: 'x.test.ts > dnf > lists', reason: 'no dnf' },
    ]
    expect(formatSkipped(skipped)).toEqual(['x.test.ts > dnf: no dnf (2 tests)', 'x.test.ts > other (1 test)'])
  })
})

describe('tests that need a client which is not there', () => {
  const source = `
    import { describeWithClients } from ${JSON.stringify(join(import.meta.dirname, '../../fixtures/describe-with-clients.ts'))}
    ${'test'}('passes', () => {})
    describeWithClients(['zypper'], 'zypper', () => { test('reads', () => { throw new Error('ran') }) })
  `
  const withoutClients = { PATH: join(cache, '..', 'node_modules', '.bin') }

  test('are skipped, and say which', async () => {
    expect(await runSample(source, [], { ...withoutClients, CI: '' })).toEqual({
      passed: 1,
      failed: 0,
      skipped: [{ title: 'sample.test.ts > zypper > reads', reason: 'not on this machine: zypper' }],
    })
  })

  test('fail with CI=true', async () => {
    expect(await runSample(source, [], { ...withoutClients, CI: 'true' })).toMatchObject({ passed: 1, failed: 1 })
  })
})

test('set-up and checks are valid bash', () => {
  const files = ['../demo', '../test', '../setup/environment.sh', '../setup/clients.sh', '../../.ci/run']
  for (const file of files) {
    expect(spawnSync('bash', ['-n', join(import.meta.dirname, file)], { encoding: 'utf8' }).stderr).toBe('')
  }
})

async function runSample(source: string, parameters: string[] = [], environment: Record<string, string> = {}) {
  const imports = `import { beforeAll, describe, expect, test } from 'vitest'\n`
  writeFileSync(join(folder, 'vitest.config.ts'), 'export default { test: { allowOnly: false } }\n')
  writeFileSync(join(folder, 'sample.test.ts'), imports + source)
  return runTests(['--root', folder, ...parameters], { show: false, environment })
}
