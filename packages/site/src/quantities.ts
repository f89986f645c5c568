/** Numbers as people read them. Not by `Intl`, whose words change with the version of its data: the same metadata gives the same bytes. */

/** `1,234 packages`, `1 package`. */
export function formatCount(number: number, singular: string, plural = `${singular}s`): string {
  return `${groupDigits(number)} ${number === 1 ? singular : plural}`
}

export function groupDigits(number: number): string {
  return String(number).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')
}

/** `2026-11-28`, of seconds since 1970; `undefined` where there is no such day. */
export function formatDay(seconds: number | undefined): string | undefined {
  return isoOf(seconds)?.slice(0, 10)
}

/** `2026-11-28 17:04 UTC`. */
export function formatMinute(seconds: number | undefined): string | undefined {
  const iso = isoOf(seconds)
  return iso === undefined ? undefined : `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`
}

/** The year 9999 ends here: what comes after has no date of four digits. */
const secondsMax = 253_402_300_799

function isoOf(seconds: number | undefined): string | undefined {
  if (seconds === undefined || !(seconds >= 0 && seconds <= secondsMax)) return undefined
  return new Date(seconds * 1000).toISOString()
}
