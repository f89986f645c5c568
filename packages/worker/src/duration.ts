/**
 * Spans of time as people write them. Imported as `@repokeeper/worker/duration`: a command that reads an option need not load the worker.
 */

/**
 * Reads `90s`, `30m`, `1.5h`, `7d`, or `0`; blanks around it do not matter.
 * @returns milliseconds, whole ones, ten years at most; `undefined` where the text is none of these
 */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim()
  if (trimmed === '0') return 0
  const [, amount, unit] = /^([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd])$/.exec(trimmed) ?? []
  if (amount === undefined || unit === undefined) return undefined
  const milliseconds = Math.round(Number(amount) * (millisecondsOf[unit] ?? Number.NaN))
  return milliseconds <= longestMs ? milliseconds : undefined
}

/** In the largest unit that fits without a rest: `24h`, not `1d`, as people say it of up to two days. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0'
  const days = milliseconds / (24 * 3_600_000)
  const unit = ['d', 'h', 'm'].find(
    (one) => milliseconds % (millisecondsOf[one] ?? 1) === 0 && (one !== 'd' || days > 2),
  )
  return unit === undefined ? `${milliseconds / 1_000}s` : `${milliseconds / (millisecondsOf[unit] ?? 1)}${unit}`
}

const millisecondsOf: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 24 * 3_600_000 }

/** Dates stay dates. */
const longestMs = 3_650 * 24 * 3_600_000
