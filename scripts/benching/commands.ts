/**
 * Ours, cold: `repokeeper` as a person starts it, a whole process from its start to its end.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { checkout } from '../../fixtures/cloud-process.ts'
import { packagesDirectory } from './calibrated-packages.ts'
import { type Change, makeWarmUp } from './change.ts'
import type { Contestant, Task } from './contestant.ts'
import { type Cost, measureProcess } from './measured-process.ts'
import { inDirectory } from './published.ts'

export const program = join(checkout, 'packages', 'cli', 'bin', 'repokeeper.js')

export const coldWithEmptyCache: Contestant = {
  name: 'ours, cold',
  startsFrom: 'ours',
  run: async (task) => ({ cost: await change(task, task.change), published: inDirectory(task.directory) }),
}

export const coldWithFullCache: Contestant = {
  name: 'ours, cold, cache filled',
  startsFrom: 'ours',
  async run(task) {
    const before = await makeWarmUp(task.rpms, 0)
    await change(task, { added: [before], removed: [] })
    const cost = await change(task, task.change)
    return { cost, published: inDirectory(task.directory), also: [before.location] }
  },
}

/** The metadata is another tool's: it is read whole, once. */
export const takeOver: Contestant = {
  name: 'ours, take-over',
  startsFrom: 'theirs',
  run: async (task) => ({ cost: await change(task, task.change), published: inDirectory(task.directory) }),
}

/** The metadata from the packages alone. */
export const rebuild: Contestant = {
  name: 'repokeeper rebuild',
  startsFrom: 'packages',
  async run({ directory, scratch }) {
    const cost = await measureProcess(process.execPath, [program, 'rebuild', directory], environmentIn(scratch))
    return { cost, published: inDirectory(directory) }
  },
}

/** Two commands where packages come and others go: their times are added. */
async function change({ directory, scratch }: Task, { added, removed }: Change): Promise<Cost> {
  await mkdir(scratch, { recursive: true })
  const files = added.map(({ file }) => file)
  const run = (args: readonly string[]): Promise<Cost> =>
    measureProcess(process.execPath, [program, ...args], environmentIn(scratch))
  const first = await run(['add', directory, ...files, '--to', packagesDirectory])
  if (removed.length === 0) return first
  const second = await run(['remove', directory, ...removed])
  const peaks = [first.peakBytes, second.peakBytes].filter((peak) => peak !== undefined)
  return {
    seconds: first.seconds + second.seconds,
    peakBytes: peaks.length === 2 ? Math.max(...peaks) : undefined,
  }
}

/** A cache of its own, which is empty at first. */
function environmentIn(scratch: string): NodeJS.ProcessEnv {
  return { ...process.env, REPOKEEPER_CACHE_DIR: join(scratch, 'cache') }
}
