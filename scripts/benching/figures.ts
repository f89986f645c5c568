/**
 * Results as figures for people: medians, ratios, and plain tables.
 */
import type { Result } from './contest.ts'

/** Of an even number of values the lower of the two in the middle. @throws RangeError where there is none */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The value that this part of all values does not exceed. @throws RangeError where there is none */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]
  if (value === undefined) throw new RangeError('there are no values')
  return value
}

export function medianSeconds({ runs }: Pick<Result, 'runs'>): number {
  return median(runs.map(({ seconds }) => seconds))
}

/** The highest of all rounds; `undefined` where it is not known of each. */
export function peakBytes({ runs }: Pick<Result, 'runs'>): number | undefined {
  const peaks = runs.map((run) => run.peakBytes).filter((peak) => peak !== undefined)
  return peaks.length === runs.length && peaks.length > 0 ? Math.max(...peaks) : undefined
}

export function find(
  results: readonly Result[],
  contestant: string,
  packages: number,
  changes: number,
): Result | undefined {
  return results.find(
    (result) => result.contestant === contestant && result.packages === packages && result.changes === changes,
  )
}

export function formatSeconds(seconds: number): string {
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.1 ? 1 : 0)} ms`
  return `${seconds.toFixed(seconds < 100 ? 2 : 0)} s`
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 2 ** 20) return `${(bytes / 1024).toFixed(1)} KiB`
  return `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 24 ? 1 : 0)} MiB`
}

export function formatRatio(ratio: number): string {
  return `${ratio < 10 ? ratio.toFixed(1) : ratio.toFixed(0)} ×`
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** The first column to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  }
  const format = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
  return `${rows.map((row) => format(row).trimEnd()).join('\n')}\n`
}
