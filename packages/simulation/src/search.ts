/**
 * Looks for a run in which a claim does not hold: one scenario for each seed, made smaller where it fails.
 */
import * as fc from 'fast-check'
import type { Scenario } from './scenario.ts'
import { type ScenarioKind, scenarios } from './scenarios.ts'
import type { TraceLine } from './scheduler.ts'
import { type RunCounts, type RunReport, runScenario } from './world.ts'

export interface SearchReport {
  readonly runs: number
  /** One number for each run, the same for those in which the same things happened in the same order. */
  readonly fingerprints: Float64Array
  readonly counts: RunCounts
  readonly failure: Failure | undefined
}

export interface Failure {
  /** These two give the same run again. */
  readonly of: ScenarioKind
  readonly seed: number
  readonly message: string
  /** As small as it could be made. */
  readonly scenario: Scenario
  readonly trace: readonly TraceLine[]
}

/** Runs that are tried to make a failing one smaller. */
const shrinksMax = 3_000

export interface SearchOptions {
  /** What happens in the runs. */
  readonly of: ScenarioKind
  /** The first; each run has the next one. */
  readonly seed: number
  readonly runs: number
  /** Makes a failing run smaller: takes a while, and is for people. */
  readonly shrinks: boolean
  readonly onProgress?: (runs: number) => void
}

export async function search({ of, seed, runs, shrinks, onProgress }: SearchOptions): Promise<SearchReport> {
  const counts: RunCounts = { ...noCounts }
  const fingerprints = new Float64Array(runs)
  for (let run = 0; run < runs; run += 1) {
    const report = await runScenario(scenarioOf(of, seed + run))
    for (const name of countNames) counts[name] += report.counts[name]
    fingerprints[run] = fingerprint(report.trace)
    if (report.violation !== undefined) {
      const failure = shrinks
        ? await shrink(of, seed + run)
        : failureOf(of, seed + run, scenarioOf(of, seed + run), report)
      return { runs: run + 1, fingerprints: fingerprints.subarray(0, run + 1), counts, failure }
    }
    if ((run + 1) % 100 === 0) onProgress?.(run + 1)
  }
  return { runs, fingerprints, counts, failure: undefined }
}

const noCounts: RunCounts = { calls: 0, publishes: 0, kills: 0, faults: 0, duplicates: 0, cleanedUp: 0, deadLetters: 0 }
const countNames = Object.keys(noCounts) as (keyof RunCounts)[]

function options(seed: number): { seed: number; numRuns: number; unbiased: boolean } {
  return { seed, numRuns: 1, unbiased: true }
}

function scenarioOf(of: ScenarioKind, seed: number): Scenario {
  const [scenario] = fc.sample(scenarios[of], options(seed))
  if (scenario === undefined) throw new Error('no scenario was made')
  return scenario
}

/** The smallest scenario found that fails as well. */
async function shrink(of: ScenarioKind, seed: number): Promise<Failure> {
  let smallest: { scenario: Scenario; report: RunReport } | undefined
  let tried = 0
  const property = fc.asyncProperty(scenarios[of], async (scenario) => {
    tried += 1
    if (tried > shrinksMax) return
    const report = await runScenario(scenario)
    if (report.violation === undefined) return
    smallest = { scenario, report }
    throw report.violation
  })
  await fc.check(property, options(seed))
  if (smallest === undefined) throw new Error(`the run of seed ${seed} failed, and not when it was repeated`)
  return failureOf(of, seed, smallest.scenario, smallest.report)
}

function failureOf(of: ScenarioKind, seed: number, scenario: Scenario, { violation, trace }: RunReport): Failure {
  return { of, seed, message: violation?.message ?? '', scenario, trace }
}

/** 53 bits, of two hashes like FNV-1a over all that happened. */
function fingerprint(trace: readonly TraceLine[]): number {
  let [low, high] = [0x811c9dc5, 0x01000193]
  for (const { who, what } of trace) {
    for (const text of [who, what]) {
      for (let at = 0; at < text.length; at += 1) {
        low = Math.imul(low ^ text.charCodeAt(at), 0x01000193)
        high = Math.imul(high ^ text.charCodeAt(at), 0x85ebca6b)
      }
    }
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0)
}

/** For people: what happened, line by line. */
export function describeFailure({ of, seed, message, scenario, trace }: Failure): string {
  const lines = trace.map(({ at, who, what }) => `${(at / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(11)} ${what}`)
  const { addWorkers, removeWorkers, deeds } = scenario
  return [
    `${of}, seed ${seed}: ${message}`,
    `${addWorkers} add workers, ${removeWorkers} remove workers, ${deeds.length} deeds`,
    ...lines,
  ].join('\n')
}
