/**
 * `repokeeper gc` in both repositories, over and over, on bad days as well, and killed now and then.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import * as z from 'zod'
import { type Cloud, checkout, endProcess, environmentOf, own } from '../../fixtures/cloud-process.ts'
import { pause } from './fleet.ts'
import { repositories } from './load.ts'
import type { Chance } from './random.ts'

export interface CleanUpFigures {
  /** That came to their end. */
  runs: number
  kills: number
  /** Objects. */
  deleted: number
  readonly failures: string[]
}

export interface CleanUpOptions {
  readonly cloud: Cloud
  readonly directory: string
  readonly retentionSeconds: number
  readonly figures: CleanUpFigures
  readonly chance: Chance
  readonly signal: AbortSignal
}

/** A run may fail on a bad day: the next one does the rest. */
export async function cleanUpAgainAndAgain(options: CleanUpOptions): Promise<void> {
  const { signal, chance } = options
  while (!signal.aborted) {
    for (const root of repositories) {
      await pause(chance.between(500, 2_500), signal)
      if (!signal.aborted) await cleanUp(root, options)
    }
  }
}

async function cleanUp(
  root: string,
  { cloud, directory, retentionSeconds, figures, chance, signal }: CleanUpOptions,
): Promise<void> {
  const program = join(checkout, 'packages', 'cli', 'bin', 'repokeeper.js')
  const args = [program, 'gc', `s3://${cloud.bucket}/${root}`, '--retention', `${retentionSeconds}s`, '--json']
  const child = own(
    spawn(process.execPath, args, {
      env: { ...environmentOf(cloud.endpoint, 'worker-gc'), REPOKEEPER_CACHE_DIR: join(directory, 'cache-gc') },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  const exit = once(child, 'exit')
  const output = Promise.all([text(child.stdout), text(child.stderr)])
  if (chance.happens(0.3)) {
    await pause(chance.between(300, 1_500), signal)
    await endProcess(child, 'SIGKILL')
  }
  const [code] = await exit
  const [stdout, stderr] = await output
  if (code === 0) {
    figures.runs += 1
    figures.deleted += Report.parse(JSON.parse(stdout)).delete.length
  } else if (code === null) figures.kills += 1
  else if (code !== 1) figures.failures.push(`gc ended with ${code}: ${stderr}`)
}

const Report = z.object({ delete: z.array(z.unknown()) })
