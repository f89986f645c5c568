/**
 * The name that somebody most likely meant.
 *
 * @returns `undefined` where none is near: no more than every third character is another one, or one name begins the other
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined
  let nearestBy = Math.floor(name.length / 3) + 1
  for (const candidate of known) {
    const isBegun = Math.min(name.length, candidate.length) >= beginningMin && begins(name, candidate)
    const by = isBegun ? 1 : editDistance(name, candidate)
    if (by < nearestBy) {
      nearest = candidate
      nearestBy = by
    }
  }
  return nearest
}

const beginningMin = 4

function begins(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a)
}

/** Characters to insert, take away, exchange, or swap with their neighbour (the optimal string alignment distance). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const next = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1]
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      next.push(
        Math.min(
          at(last, column) + 1,
          at(next, column - 1) + 1,
          at(last, column - 1) + (isSame ? 0 : 1),
          isSwapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    beforeLast = last
    last = next
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
