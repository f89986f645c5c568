/**
 * All contestants at the same change of the same repository, in turns, round by round; each result is checked.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { calibratedRepository } from './calibrated-repository.ts'
import { type Change, locationsAfter, makeChange, smallPackages } from './change.ts'
import type { Contestant, Run, Traffic } from './contestant.ts'
import type { Cost } from './measured-process.ts'
import { checkPublished } from './published.ts'
import { copyByLinks } from './repository-copy.ts'

export interface ContestOptions {
  readonly packages: number
  readonly changes: number
  readonly rounds: number
  readonly contestants: readonly Contestant[]
  /** What is made once is kept here; runs have a directory of their own in it, so that hard links work. */
  readonly cacheDirectory: string
  readonly onRun: (contestant: string, round: number) => void
}

/** Of one contestant, at one change of one repository. */
export interface Result {
  readonly contestant: string
  readonly packages: number
  readonly changes: number
  readonly added: number
  readonly removed: number
  readonly runs: readonly MeasuredRun[]
}

export interface MeasuredRun extends Cost {
  readonly traffic?: Traffic
}

/** @throws where a contestant fails, or publishes anything but what it should */
export async function holdContest(options: ContestOptions): Promise<Result[]> {
  const { packages, changes, rounds, contestants, cacheDirectory, onRun } = options
  await mkdir(cacheDirectory, { recursive: true })
  const ground = await mkdtemp(join(cacheDirectory, 'runs-'))
  // Also where a signal ends this process.
  const clearGround = (): void => rmSync(ground, { recursive: true, force: true })
  process.once('exit', clearGround)
  try {
    const rpms = join(ground, 'rpms')
    const whole = await makeChange(rpms, packages, changes)
    const results = contestants.map((contestant) => {
      const change = asked(contestant, whole)
      const runs: MeasuredRun[] = []
      return { contestant, change, runs }
    })
    for (let round = 0; round < rounds; round += 1) {
      // Nobody has the same one before them in every round.
      const turned = results.map((_, at) => results[(at + round) % results.length]).filter((one) => one !== undefined)
      for (const { contestant, change, runs } of turned) {
        onRun(contestant.name, round)
        runs.push(await runOnce(contestant, change, { ground, rpms, packages, cacheDirectory }))
      }
    }
    return results.map(({ contestant, change, runs }) => ({
      contestant: contestant.name,
      packages,
      changes,
      added: change.added.length,
      removed: change.removed.length,
      runs,
    }))
  } finally {
    process.off('exit', clearGround)
    clearGround()
  }
}

function asked({ startsFrom, onlyAdds = false }: Contestant, { added, removed }: Change): Change {
  if (startsFrom === 'packages') return { added: [], removed: [] }
  return { added, removed: onlyAdds ? [] : removed }
}

interface Ground {
  readonly ground: string
  readonly rpms: string
  readonly packages: number
  readonly cacheDirectory: string
}

async function runOnce(
  contestant: Contestant,
  change: Change,
  { ground, rpms, packages, cacheDirectory }: Ground,
): Promise<MeasuredRun> {
  const { startsFrom, name } = contestant
  const place = await mkdtemp(join(ground, 'run-'))
  try {
    const original =
      startsFrom === 'packages'
        ? await smallPackages(cacheDirectory, packages)
        : await calibratedRepository(cacheDirectory, startsFrom, packages)
    const directory = join(place, 'repository')
    await copyByLinks(original, directory)
    const scratch = join(place, 'scratch')
    await mkdir(scratch)
    // What others have left to be written must not be waited for by who flushes what it publishes.
    spawnSync('sync')
    const { cost, traffic, published, also }: Run = await contestant.run({ packages, directory, scratch, rpms, change })
    if (published !== undefined) {
      await checkPublished(published, locationsAfter(packages, change, also ?? [])).catch((error: unknown) => {
        throw new Error(`${name}, ${packages} packages: ${error instanceof Error ? error.message : error}`)
      })
    }
    return { ...cost, ...(traffic !== undefined && { traffic }) }
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}
