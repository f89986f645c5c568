/** Bytes for people, in powers of 1000 as dnf shows them: `0 B`, `999 B`, `1.2 kB`, `34 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  // 999.6 kB would be shown as 1000 kB.
  while (value >= (unit === 0 ? 1000 : 999.5) && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  const shown = unit === 0 || value >= 9.95 ? String(Math.round(value)) : value.toFixed(1)
  return `${shown} ${units[unit]}`
}

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const
