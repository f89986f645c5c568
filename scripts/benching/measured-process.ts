/**
 * A whole process, from its start to its end: time and memory, read the same way for every program.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { own } from '../../fixtures/cloud-process.ts'

export interface Cost {
  readonly seconds: number
  /** Most memory that was resident at a time; `undefined` where the machine does not say (it is not Linux). */
  readonly peakBytes: number | undefined
}

/** The kernel keeps the highest value, so only what a process takes in its very last milliseconds can be missed. */
const lookEveryMs = 10

/** @throws where it ends otherwise than with 0, with what it said */
export async function measureProcess(
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Cost> {
  const startedAt = performance.now()
  const child = own(spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] }))
  const { pid } = child
  let peakBytes: number | undefined
  const look = (): void => {
    if (pid !== undefined) peakBytes = peakBytesOf(pid) ?? peakBytes
  }
  const looking = setInterval(look, lookEveryMs)
  try {
    const said = Promise.all([text(child.stdout), text(child.stderr)])
    const [code, signal] = await once(child, 'exit')
    const seconds = (performance.now() - startedAt) / 1000
    if (code === 0) return { seconds, peakBytes }
    const [stdout, stderr] = await said
    throw new Error(
      `${command} ${args.slice(0, 8).join(' ')} ended with ${signal ?? code}: ${stderr.slice(-2_000) || stdout.slice(-2_000)}`,
    )
  } finally {
    clearInterval(looking)
  }
}

/** proc_pid_status(5): VmHWM, the peak of the resident set. */
export function peakBytesOf(pid: number): number | undefined {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
  } catch {
    return undefined
  }
}
