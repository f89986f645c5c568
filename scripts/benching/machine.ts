/**
 * Where it was measured, and beside what.
 */
import { arch, availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { versionOf } from './createrepo.ts'
import { formatBytes } from './figures.ts'

/** What figures have to be read with. */
export interface Machine {
  readonly cores: number
  readonly processor: string
  readonly memoryBytes: number
  /** Average of the last minute, before the run: above 0 others work here as well. */
  readonly load: number
  readonly node: string
  /** `undefined`: not on PATH. */
  readonly createrepo: string | undefined
  readonly mergerepo: string | undefined
  readonly at: string
}

export function describeMachine(): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? arch(),
    memoryBytes: totalmem(),
    load: loadavg()[0] ?? 0,
    node: process.versions.node,
    createrepo: versionOf('createrepo_c'),
    mergerepo: versionOf('mergerepo_c'),
    at: new Date().toISOString(),
  }
}

export function formatMachine({ cores, processor, memoryBytes, load, node, createrepo }: Machine): string {
  const busy = load > cores / 4 ? ' — others work on this machine: do not trust the figures' : ''
  return (
    `${cores} cores of ${processor}, ${formatBytes(memoryBytes)}; load ${load.toFixed(2)}${busy}\n` +
    `Node ${node}, createrepo_c ${createrepo ?? 'is not on PATH: left out'}\n`
  )
}
