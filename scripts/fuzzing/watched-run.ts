/**
 * Runs a target in a process of its own and watches it: one that stays at a case for too long, or takes more memory than any case
 * may need, is killed, and the case is known all the same.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Counts, Order, Report, ShownCase } from './report.ts'
import { heapBytesMax, memoryBytesMax } from './targets.ts'

export interface Run extends Omit<Order, 'progress' | 'show'> {
  /** A case that takes longer is a hang. Far more than any case needs: a busy machine is no finding. */
  readonly hangSeconds: number
}

export type Outcome =
  | { readonly kind: 'held'; readonly counts: Counts }
  | { readonly kind: 'finding'; readonly path: string; readonly reason: string; readonly case: ShownCase }

export async function watchedRun({ hangSeconds, ...run }: Run): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'repokeeper-fuzz-'))
  const progress = join(folder, 'progress')
  try {
    writeFileSync(progress, new Uint8Array(8))
    const { report, trouble } = await runProcess({ ...run, progress }, hangSeconds)
    if (report?.kind === 'held') return { kind: 'held', counts: report }
    if (report?.kind === 'broken') {
      return { kind: 'finding', path: report.path, reason: report.reason, case: caseOf(report) }
    }
    const path = run.path ?? String(caseIn(progress).index)
    // Its process starts, too, before it comes to the case.
    writeFileSync(progress, new Uint8Array(8))
    const shown = await runProcess({ ...run, progress, show: path }, hangSeconds)
    if (shown.report?.kind !== 'shown') throw new Error(`case ${path} cannot be made again: ${shown.trouble}`)
    return { kind: 'finding', path, reason: trouble, case: caseOf(shown.report) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const lookEveryMs = 200
/** Until the first case: Node starts, and the inputs are made. */
const startSeconds = 300

function runProcess(order: Order, hangSeconds: number): Promise<{ report: Report | undefined; trouble: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        `--max-old-space-size=${heapBytesMax / 2 ** 20}`,
        join(import.meta.dirname, 'run-target.ts'),
        JSON.stringify(order),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } },
    )
    const output: Buffer[] = []
    const errors: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))

    let killedFor: string | undefined
    let begun = -1
    let since = performance.now()
    const kill = (reason: string): void => {
      killedFor ??= reason
      child.kill('SIGKILL')
    }
    const look = setInterval(() => {
      const now = performance.now()
      const at = caseIn(order.progress).begun
      if (at !== begun) [begun, since] = [at, now]
      const seconds = begun === 0 ? startSeconds : hangSeconds
      if (now - since > 1000 * seconds) kill(`it did not come to an end within ${seconds} seconds`)
      const resident = residentBytes(child.pid)
      if (resident > memoryBytesMax)
        kill(`the process had ${resident} bytes, more than the ${memoryBytesMax} that are allowed`)
    }, lookEveryMs)

    // Who ends this command ends the process, too.
    const end = (): void => {
      child.kill('SIGKILL')
      process.exit(1)
    }
    process.once('SIGTERM', end).once('SIGINT', end)

    child.on('error', reject)
    child.on('close', (code, signal) => {
      process.off('SIGTERM', end).off('SIGINT', end)
      clearInterval(look)
      const last = Buffer.concat(output).toString().trimEnd().split('\n').at(-1) ?? ''
      const report: Report | undefined = killedFor === undefined && last !== '' ? JSON.parse(last) : undefined
      const said = Buffer.concat(errors).toString().slice(-2000)
      resolve({ report, trouble: killedFor ?? `the process ended with ${signal ?? code}: ${said}` })
    })
  })
}

function caseOf({ base64, pieceBytes, document }: ShownCase): ShownCase {
  return { base64, pieceBytes, ...(document === undefined ? {} : { document }) }
}

function caseIn(progress: string): { index: number; begun: number } {
  const bytes = readFileSync(progress)
  return { index: bytes.readUInt32LE(0), begun: bytes.readUInt32LE(4) }
}

/** Where the system does not say (it is no Linux), the process itself looks after each case. */
function residentBytes(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0)
  } catch {
    return 0
  }
}
