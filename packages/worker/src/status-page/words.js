// Numbers and times as people read them.
// @ts-check

/** @param {string} iso @param {number} now */
export function secondsBetween(iso, now) {
  return Math.max(0, (now - Date.parse(iso)) / 1000)
}

/** @param {number} seconds */
export function duration(seconds) {
  if (!(seconds >= 0)) return '–'
  if (seconds < 9.95) return `${seconds.toFixed(1).replace('.0', '')} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} days`
}

/** @param {number | null | undefined} value */
export function amount(value) {
  return typeof value === 'number' ? String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, ',') : '–'
}

/** In powers of 1000, as dnf shows them. @param {number | null | undefined} value */
export function bytes(value) {
  if (typeof value !== 'number') return '–'
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let shown = value
  // 999.6 kB would be shown as 1000 kB.
  while (shown >= (units[0] === 'B' ? 1000 : 999.5) && units.length > 1) {
    shown /= 1000
    units.shift()
  }
  return `${units[0] === 'B' || shown >= 9.95 ? Math.round(shown) : shown.toFixed(1)} ${units[0]}`
}

/** @param {number} value @param {string} word */
export function count(value, word) {
  return `${amount(value)} ${word}${value === 1 ? '' : 's'}`
}

/** @param {{ bucket: string, root: string }} place */
export function placeOf({ bucket, root }) {
  return `s3://${bucket}/${root}`
}

/** The name of a queue that was given as a URL. @param {string} text */
export function lastPart(text) {
  return text.split('/').at(-1) || text
}

/** @param {Date} date */
export function clockTime(date) {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

/** @param {Date} date */
export function localDay(date) {
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`
}
