import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProcess } from './process.ts'
import { Tally } from './tally.ts'

/** What a Node has compiled is there for the next one: a run starts some thousand processes. */
const compileCache = join(import.meta.dirname, '..', '..', '.cache', 'compile')

interface RunOptions {
  /** Whether vitest's own report goes to the terminal. */
  readonly show: boolean
  readonly environment?: Readonly<Record<string, string>>
}

interface TestsRun extends Tally {
  /** Why the run failed although no test did. */
  readonly complaint?: string
}

/** Runs vitest. Its counts, and one failure more where it ended badly without saying so, or where no test ran. */
export async function runTests(
  parameters: readonly string[],
  { show, environment = {} }: RunOptions,
): Promise<TestsRun> {
  const folder = await mkdtemp(join(tmpdir(), 'repokeeper-tests-'))
  const tallyFile = join(folder, 'tally.json')
  const reporters = ['--reporter=default', `--reporter=${join(import.meta.dirname, 'tally-reporter.ts')}`]
  try {
    const { exitCode } = await runProcess(['vitest', 'run', ...reporters, ...parameters], {
      show,
      environment: { NODE_COMPILE_CACHE: compileCache, ...environment, REPOKEEPER_TALLY_FILE: tallyFile },
    })
    const tally = await readTally(tallyFile)
    if (tally === undefined) return failedOnce(`vitest ended (${exitCode}) before it could say what passed.`)
    if (tally.failed > 0) return tally
    if (exitCode !== 0) return failedOnce(`No test failed, and yet vitest ended with ${exitCode}.`, tally)
    return tally.passed === 0 ? failedOnce('No test ran.', tally) : tally
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function failedOnce(complaint: string, tally: Tally = { passed: 0, failed: 0, skipped: [] }): TestsRun {
  return { ...tally, failed: 1, complaint }
}

async function readTally(file: string): Promise<Tally | undefined> {
  try {
    return Tally.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return undefined
  }
}
