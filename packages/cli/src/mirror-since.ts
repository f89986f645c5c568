import { parseDuration } from '@repokeeper/worker/duration'

/**
 * `30d` before now, or a date such as `2026-11-01` or `2026-11-01T12:00:00Z`.
 * @returns seconds since 1970; `undefined` where it is neither
 */
export function parseSince(text: string, now: number): number | undefined {
  const span = parseDuration(text)
  if (span !== undefined) return Math.floor((now - span) / 1000)
  if (!/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)) return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000)
}
