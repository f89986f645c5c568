/**
 * Compares two versions (or releases, or epochs) as rpm does (rpmio/rpmvercmp.cc): runs of digits as numbers of any length,
 * runs of ASCII letters by their bytes, anything else only separates. `~` sorts before everything, the end included; `^`
 * after the end and before everything else.
 *
 * Different texts can be the same version (`1.0` and `1.00`, `1.0` and `1_0`); the order is consistent all the same:
 * antisymmetric and transitive, so that it can sort.
 *
 * @returns -1 where `a` is older, 1 where it is newer, 0 where rpm takes both for the same
 */
export function compareVersions(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    while (i < a.length && isSeparator(a.charCodeAt(i))) i++
    while (j < b.length && isSeparator(b.charCodeAt(j))) j++

    if (a[i] === '~' || b[j] === '~') {
      if (a[i] !== '~') return 1
      if (b[j] !== '~') return -1
      i++
      j++
      continue
    }
    if (a[i] === '^' || b[j] === '^') {
      if (i >= a.length) return -1
      if (j >= b.length) return 1
      if (a[i] !== '^') return 1
      if (b[j] !== '^') return -1
      i++
      j++
      continue
    }
    if (i >= a.length || j >= b.length) break

    const numeric = isDigit(a.charCodeAt(i))
    const isInRun = numeric ? isDigit : isLetter
    const aEnd = runEnd(a, i, isInRun)
    const bEnd = runEnd(b, j, isInRun)
    // Runs of different kinds: the number is newer.
    if (bEnd === j) return numeric ? 1 : -1
    const order = numeric
      ? compareDigits(a.slice(i, aEnd), b.slice(j, bEnd))
      : compareText(a.slice(i, aEnd), b.slice(j, bEnd))
    if (order !== 0) return order
    i = aEnd
    j = bEnd
  }
  // The one with something left is newer.
  if (i >= a.length && j >= b.length) return 0
  return i >= a.length ? -1 : 1
}

function runEnd(text: string, start: number, isInRun: (code: number) => boolean): number {
  let end = start
  while (end < text.length && isInRun(text.charCodeAt(end))) end++
  return end
}

function compareDigits(a: string, b: string): -1 | 0 | 1 {
  const aDigits = a.replace(/^0+/, '')
  const bDigits = b.replace(/^0+/, '')
  if (aDigits.length !== bDigits.length) return aDigits.length > bDigits.length ? 1 : -1
  return compareText(aDigits, bDigits)
}

function compareText(a: string, b: string): -1 | 0 | 1 {
  return a < b ? -1 : a > b ? 1 : 0
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)
}

const tilde = 0x7e
const caret = 0x5e

function isSeparator(code: number): boolean {
  return !isDigit(code) && !isLetter(code) && code !== tilde && code !== caret
}
