import { z } from 'zod'

/** What came of a run of tests, in numbers and reasons. */
export const Tally = z.object({
  passed: z.number().int().nonnegative(),
  /** Failed tests; and what failed outside of any test: a file that can't be loaded, a hook, a worker that crashed. */
  failed: z.number().int().nonnegative(),
  skipped: z.array(z.object({ title: z.string(), reason: z.string().optional() })),
})
export type Tally = z.infer<typeof Tally>

/** `12 passed, 0 failed`, with `, 3 skipped` where there are any. */
export function formatClosingLine(tally: Tally): string {
  const skipped = tally.skipped.length
  return `${tally.passed} passed, ${tally.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/** A line for each group of skipped tests with the same reason; groups in the order of their first test. */
export function formatSkipped(skipped: Tally['skipped']): string[] {
  const groups = new Map<string, number>()
  for (const { title, reason } of skipped) {
    const line = reason === undefined ? title : `${groupOf(title)}: ${reason}`
    groups.set(line, (groups.get(line) ?? 0) + 1)
  }
  return [...groups].map(([line, count]) => `${line} (${count === 1 ? '1 test' : `${count} tests`})`)
}

function groupOf(title: string): string {
  const end = title.lastIndexOf(' > ')
  return end === -1 ? title : title.slice(0, end)
}
