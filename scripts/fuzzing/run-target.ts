/**
 * A process of its own that reads the cases of one target, under the eyes of watched-run.ts. It tells which case it is at in a
 * file, which outlives whatever becomes of the process, and what came of all of them as one line of JSON.
 */
import { openSync, writeSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { type Case, casesOf } from './cases.ts'
import { type Order, peakBytes, type Report } from './report.ts'
import { memoryBytesMax, type Target } from './targets.ts'

const order: Order = JSON.parse(process.argv[2] ?? '')
const { targets }: { targets: Readonly<Record<string, Target>> } = await import(order.table)
const target = targets[order.target]
if (target === undefined) throw new Error(`there is no target ${order.target}`)

const report = order.show === undefined ? await run(target) : await show(target, order.show)
process.stdout.write(`${JSON.stringify(report)}\n`)

async function run(target: Target): Promise<Report> {
  const progress = openSync(order.progress, 'r+')
  const marks = new Uint32Array(2)
  const refused: Record<string, number> = {}
  let read = 0
  let failed = false
  let slowest = { ms: 0, index: 0 }

  const property = fc.asyncProperty(await casesOf(target), async ({ input, pieceBytes }) => {
    marks[1] = (marks[1] ?? 0) + 1
    writeSync(progress, marks, 0, marks.byteLength, 0)
    // What native decoders held is freed between two turns of the event loop, as it would be between two requests.
    await nextTurn()
    const start = performance.now()
    try {
      await target.read(input, pieceBytes)
      read += 1
    } catch (error) {
      const code = codeOf(error)
      if (code === undefined) {
        failed = true
        throw error
      }
      refused[code] = (refused[code] ?? 0) + 1
    }
    if (peakBytes() > memoryBytesMax) {
      failed = true
      throw new Error(`the process has needed ${peakBytes()} bytes, more than the ${memoryBytesMax} that are allowed`)
    }
    // What follows a failure are smaller forms of the same case.
    if (failed) return
    const ms = performance.now() - start
    if (ms > slowest.ms) slowest = { ms, index: marks[0] ?? 0 }
    marks[0] = (marks[0] ?? 0) + 1
  })
  const { seed, path = '' } = order
  const details = await fc.check(property, { seed, path, numRuns: path === '' ? order.cases : 1 })
  const counts = { cases: marks[0] ?? 0, read, refused, slowest, peakBytes: peakBytes() }
  if (!details.failed) return { kind: 'held', ...counts }
  const [found] = details.counterexample ?? []
  const error = details.errorInstance
  return {
    kind: 'broken',
    ...counts,
    path: details.counterexamplePath ?? '',
    reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
    ...caseToShow(found),
  }
}

/** A case as it is, without reading it. */
async function show(target: Target, path: string): Promise<Report> {
  const [found] = fc.sample(await casesOf(target), { seed: order.seed, path, numRuns: 1 })
  return { kind: 'shown', ...caseToShow(found) }
}

function caseToShow(found: Case | undefined): { base64: string; pieceBytes: number; document?: string } {
  if (found === undefined) throw new Error('there is no such case')
  const { kind, bytes } = found.input
  const base64 = Buffer.from(bytes).toString('base64')
  return { base64, pieceBytes: found.pieceBytes, ...(kind === undefined ? {} : { document: kind }) }
}

/** A decoder refuses by an error of its own, which has a code; a code of Node's own means that nobody thought of it. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  return ['DocumentError', 'RpmError', 'PackageTooLargeError', 'Unreadable', 'Refused'].includes(error.name)
    ? error.code
    : undefined
}
