/**
 * What is to be reached, as ratios within one run, and what was.
 */
import { coldWithEmptyCache, takeOver } from './commands.ts'
import type { Result } from './contest.ts'
import { createrepoUpdate } from './createrepo.ts'
import { find, formatBytes, formatRatio, medianSeconds, peakBytes } from './figures.ts'
import { limit } from './limit.ts'
import { warmOnDirectory } from './warm-worker.ts'

export interface Target {
  readonly what: string
  readonly wanted: string
  /** `undefined`: this run did not measure it. */
  readonly measured: string | undefined
  readonly reached: boolean | undefined
}

/** "Many" and "few" packages of the targets. */
const [many, few] = [60_000, 1_000]
/** Resident, of any of ours at `many`. */
const memoryBytesMax = 256 * 2 ** 20

/** All are of one change; the other tool is createrepo_c as it is. */
export function judgeTargets(results: readonly Result[]): Target[] {
  const at = (contestant: string, packages: number): Result | undefined => find(results, contestant, packages, 1)
  const seconds = (contestant: string, packages: number): number | undefined => {
    const result = at(contestant, packages)
    return result && medianSeconds(result)
  }
  const peak = (contestant: string, packages: number): number | undefined => {
    const result = at(contestant, packages)
    return result && peakBytes(result)
  }
  const others = createrepoUpdate.name
  const ours = [warmOnDirectory.name, coldWithEmptyCache.name, takeOver.name] as const
  const least = [150, 50, 5] as const
  const faster = ours.map((name, place) =>
    atLeast(
      `${name}: less time than createrepo_c`,
      least[place] ?? 0,
      divide(seconds(others, many), seconds(name, many)),
    ),
  )
  const smaller = ours.map((name) =>
    atLeast(`${name}: less memory than createrepo_c`, 4, divide(peak(others, many), peak(name, many))),
  )
  const bounded = ours.map((name): Target => {
    const bytes = peak(name, many)
    return {
      what: `${name}: memory`,
      wanted: `< ${formatBytes(memoryBytesMax)}`,
      measured: bytes === undefined ? undefined : formatBytes(bytes),
      reached: bytes === undefined ? undefined : bytes < memoryBytesMax,
    }
  })
  const growth = (name: string): number | undefined => divide(seconds(name, many), seconds(name, few))
  return [
    ...faster,
    ...smaller,
    ...bounded,
    atMost(`${ours[0]}: growth from ${few} to ${many} packages`, 6, growth(ours[0])),
    { ...told(`createrepo_c: the same growth`, growth(others)) },
    atMost(
      `${ours[1]}: of createrepo_c's time at ${few} packages`,
      1,
      divide(seconds(ours[1], few), seconds(others, few)),
    ),
    {
      ...told(
        `${ours[0]}: of what reading, hashing and writing take`,
        divide(seconds(ours[0], many), seconds(limit.name, many)),
      ),
    },
  ]
}

function atLeast(what: string, wanted: number, ratio: number | undefined): Target {
  return {
    ...told(what, ratio),
    wanted: `≥ ${formatRatio(wanted)}`,
    reached: ratio === undefined ? undefined : ratio >= wanted,
  }
}

function atMost(what: string, wanted: number, ratio: number | undefined): Target {
  return {
    ...told(what, ratio),
    wanted: `≤ ${formatRatio(wanted)}`,
    reached: ratio === undefined ? undefined : ratio <= wanted,
  }
}

/** Nothing is wanted of it. */
function told(what: string, ratio: number | undefined): Target {
  return { what, wanted: '', measured: ratio === undefined ? undefined : formatRatio(ratio), reached: undefined }
}

function divide(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one / other
}
