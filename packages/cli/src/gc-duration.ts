/** A span of time as people write it: `90s`, `30m`, `24h`, `7d`, or `0`. @returns milliseconds; `undefined` where it is none */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  const [, digits, unit] = /^([0-9]{1,9})([smhd])$/.exec(text) ?? []
  if (digits === undefined || unit === undefined) return undefined
  const milliseconds = Number(digits) * (millisecondsOf[unit] ?? Number.NaN)
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

/** Ten years: dates stay dates. */
const longestMs = 3_650 * 24 * 3_600_000
