/**
 * How long test files took, as a run has measured it: `seconds.json` beside this file, from the checkout's root to whole seconds. Files that it does
 * not name take next to no time.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** The checkout. */
export const root = join(import.meta.dirname, '..', '..')
const table = join(import.meta.dirname, 'seconds.json')
/** Below, the order makes no difference. */
const secondsMin = 2

const Seconds = z.record(z.string(), z.number().int().nonnegative())

export function readSeconds(): ReadonlyMap<string, number> {
  return new Map(Object.entries(Seconds.parse(JSON.parse(readFileSync(table, 'utf8')))))
}

/** What was measured stands in the place of what was known; files that are gone are left out. */
export function writeSeconds(measured: ReadonlyMap<string, number>): void {
  const known = [...new Map([...readSeconds(), ...measured])]
  const kept = known.filter(([file, seconds]) => seconds >= secondsMin && existsSync(join(root, file)))
  const sorted = kept.toSorted(([a, some], [b, others]) => others - some || (a < b ? -1 : 1))
  writeFileSync(table, `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`)
}
