/**
 * Looks for a run in which a claim does not hold: one scenario for each seed, made smaller where it fails.
 */
import * as fc from 'fast-check'
import { type Scenario, scenarios } from './scenario.ts'
import type { TraceLine } from './scheduler.ts'
import { type RunCounts, type RunReport, runScenario } from './world.ts'

export interface SearchReport {
  readonly runs: number
  /** Runs that differ in what happened, or in its order. */
  readonly interleavings: number
  readonly counts: RunCounts
  readonly failure: Failure | undefined
}

export interface Failure {
  /** Gives the same run again. */
  readonly seed: number
  readonly message: string
  /** As small as it could be made. */
  readonly scenario: Scenario
  readonly trace: readonly TraceLine[]
}

/** Runs that are tried to make a failing one smaller. */
const shrinksMax = 3_000

/** Seeds from `seed` on, one for each run, until one fails. */
export async function search(
  seed: number,
  runs: number,
  onRun: (done: number) => void = () => {},
): Promise<SearchReport> {
  const counts: RunCounts = { ...noCounts }
  const seen = new Set<number>()
  for (let run = 0; run < runs; run += 1) {
    const report = await runScenario(scenarioOf(seed + run))
    for (const name of countNames) counts[name] += report.counts[name]
    seen.add(fingerprint(report.trace))
    if (report.violation !== undefined) {
      const failure = await shrink(seed + run)
      return { runs: run + 1, interleavings: seen.size, counts, failure }
    }
    onRun(run + 1)
  }
  return { runs, interleavings: seen.size, counts, failure: undefined }
}

const noCounts: RunCounts = { calls: 0, publishes: 0, kills: 0, faults: 0, duplicates: 0, cleanedUp: 0, deadLetters: 0 }
const countNames = Object.keys(noCounts) as (keyof RunCounts)[]

function options(seed: number): { seed: number; numRuns: number; unbiased: boolean } {
  return { seed, numRuns: 1, unbiased: true }
}

export function scenarioOf(seed: number): Scenario {
  const [scenario] = fc.sample(scenarios, options(seed))
  if (scenario === undefined) throw new Error('no scenario was made')
  return scenario
}

/** The smallest scenario found that fails as well. */
async function shrink(seed: number): Promise<Failure> {
  let smallest: { scenario: Scenario; report: RunReport } | undefined
  let tried = 0
  const property = fc.asyncProperty(scenarios, async (scenario) => {
    tried += 1
    if (tried > shrinksMax) return
    const report = await runScenario(scenario)
    if (report.violation === undefined) return
    smallest = { scenario, report }
    throw report.violation
  })
  await fc.check(property, options(seed))
  if (smallest === undefined) throw new Error(`the run of seed ${seed} failed, and not when it was repeated`)
  const { scenario, report } = smallest
  return { seed, message: report.violation?.message ?? '', scenario, trace: report.trace }
}

/** FNV-1a over all that happened, 32 bits. */
function fingerprint(trace: readonly TraceLine[]): number {
  let hash = 0x811c9dc5
  for (const { who, what } of trace) {
    for (const text of [who, what]) {
      for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    }
  }
  return hash >>> 0
}

/** For people: what happened, line by line. */
export function describeFailure({ seed, message, scenario, trace }: Failure): string {
  const lines = trace.map(({ at, who, what }) => `${(at / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(11)} ${what}`)
  const { addWorkers, removeWorkers, deeds } = scenario
  return [
    `seed ${seed}: ${message}`,
    `${addWorkers} add workers, ${removeWorkers} remove workers, ${deeds.length} deeds`,
    ...lines,
  ].join('\n')
}
