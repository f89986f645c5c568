import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { describeFailure, mutations, type ScenarioKind, scenarioKinds } from '@repokeeper/simulation'
import { searchInParallel, searchMutated, type WholeSearch } from './search.ts'

/** A mutation that is not noticed in so many runs is not noticed. */
const mutatedRunsMax = 20_000

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  return 2
})

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      of: { type: 'string', default: 'repositories' },
      runs: { type: 'string' },
      seed: { type: 'string' },
      processes: { type: 'string', default: String(availableParallelism()) },
      mutations: { type: 'boolean', default: false },
    },
  })
  const of = kindOf(values.of)
  const seed = values.seed === undefined ? randomInt(2 ** 30) : wholeNumber('seed', values.seed)
  if (values.mutations) return tryMutations(values.seed === undefined ? 1 : seed)
  const defaultRuns = values.seed === undefined ? '10000' : '1'
  const runs = wholeNumber('runs', values.runs ?? defaultRuns)
  const processes = Math.max(1, Math.min(runs, wholeNumber('processes', values.processes)))
  const startedAt = performance.now()
  const onProgress = (done: number): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${runs} runs`)
  }
  const found = await searchInParallel({ of, seed, runs, shrinks: true, onProgress }, processes)
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  if (found.failure !== undefined) {
    console.log(`${describeFailure(found.failure)}\n\nAgain: scripts/simulate --of ${of} --seed ${found.failure.seed}`)
    return 1
  }
  console.log(`${describe(found)}\nseeds ${seed} to ${seed + runs - 1}, ${seconds(startedAt)} s; no claim was broken`)
  return 0
}

async function tryMutations(seed: number): Promise<number> {
  let missed = 0
  for (const { name, because, of = 'repositories' } of mutations) {
    const { runs, failure } = await searchMutated(name, { of, seed, runs: mutatedRunsMax }).catch((error: unknown) => {
      console.error(
        error instanceof Error ? error.message.split('\n').find((line) => line.includes('mutation')) : error,
      )
      return { runs: 0, failure: undefined }
    })
    if (failure === undefined) missed += 1
    const noticed = failure === undefined ? `NOT NOTICED in ${runs} runs` : `noticed in run ${runs}`
    console.log(`${noticed.padEnd(22)} ${name}\n${' '.repeat(23)}${because}`)
    if (failure !== undefined) console.log(`${' '.repeat(23)}→ ${failure.message}`)
  }
  console.log(`${mutations.length - missed} of ${mutations.length} noticed`)
  return missed === 0 ? 0 : 1
}

function describe({ runs, interleavings, counts }: WholeSearch): string {
  const { calls = 0, publishes = 0, kills = 0, faults = 0, duplicates = 0, cleanedUp = 0, deadLetters = 0 } = counts
  return [
    `${runs} run${runs === 1 ? '' : 's'}, ${interleavings} different`,
    `${calls} steps of calls, ${publishes} publishes, ${kills} kills, ${faults} faults, ${duplicates} messages delivered again,`,
    `${cleanedUp} objects cleaned up, ${deadLetters} messages of broken packages in the dead-letter queue`,
  ].join('\n')
}

function kindOf(text: string): ScenarioKind {
  const kind = scenarioKinds.find((one) => one === text)
  if (kind === undefined) throw new Error(`--of ${text}: expected one of ${scenarioKinds.join(', ')}`)
  return kind
}

function wholeNumber(name: string, text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new Error(`--${name} ${text}: expected a whole number`)
  return Number(text)
}

function seconds(startedAt: number): string {
  return ((performance.now() - startedAt) / 1000).toFixed(0)
}
