/**
 * How much of a package is asked for first: what has cost least with the packages that a repository had lately.
 *
 * A header that is longer than that costs a second round trip; a shorter one the bytes behind it, which are thrown away.
 */

/** What a further round trip costs, in bytes that would have come meanwhile: 20 ms at 50 MB/s. */
const roundTripBytes = 2 ** 20
/** Requests differ by this at the least. */
const stepBytes = 2 ** 14

/**
 * Ends of headers in bytes, as often in a hundred as in 2,430 packages of distributions: what is known before any package was seen, and
 * counts the less the more were.
 */
const usual: readonly (readonly [headerEnd: number, times: number])[] = [
  [20_000, 50],
  [64_000, 39],
  [100_000, 4],
  [330_000, 6],
  [2_000_000, 1],
]

const usualPackages = usual.reduce((sum, [, times]) => sum + times, 0)

/** Packages that are remembered of a repository, after how many it is chosen anew, and repositories. */
const packagesMax = 300
const chosenEvery = 25
const repositoriesMax = 64

interface Seen {
  /** Ends of headers, the latest last. */
  readonly headerEnds: number[]
  firstBytes: number
  /** Packages that were noted since that was chosen. */
  notedSince: number
}

export class HeaderSizes {
  /** The least recently seen first. */
  readonly #seen = new Map<string, Seen>()

  /** Bytes, to be asked for from the start of a package. @param repository its name */
  firstBytes(repository: string): number {
    return this.#seen.get(repository)?.firstBytes ?? usualFirstBytes
  }

  /** @param headerEnd bytes from the start of the package to the end of its header */
  note(repository: string, headerEnd: number): void {
    const seen = this.#seen.get(repository) ?? { headerEnds: [], firstBytes: usualFirstBytes, notedSince: 0 }
    this.#seen.delete(repository)
    this.#seen.set(repository, seen)
    const [oldest] = this.#seen.keys()
    if (this.#seen.size > repositoriesMax && oldest !== undefined) this.#seen.delete(oldest)

    seen.headerEnds.push(headerEnd)
    if (seen.headerEnds.length > packagesMax) seen.headerEnds.shift()
    seen.notedSince += 1
    if (seen.notedSince < chosenEvery) return
    seen.firstBytes = cheapest(seen.headerEnds)
    seen.notedSince = 0
  }
}

function cheapest(seen: readonly number[]): number {
  const ends = [...seen, ...usual.map(([headerEnd]) => headerEnd)]
  const candidates = new Set(ends.map((headerEnd) => Math.ceil(headerEnd / stepBytes) * stepBytes))
  let best = { bytes: 0, cost: Number.POSITIVE_INFINITY }
  for (const bytes of candidates) {
    const cost = costOf(bytes, seen)
    if (cost < best.cost || (cost === best.cost && bytes < best.bytes)) best = { bytes, cost }
  }
  return best.bytes
}

/** Bytes, of all the packages that are known. */
function costOf(firstBytes: number, seen: readonly number[]): number {
  const costOfOne = (headerEnd: number): number => (headerEnd <= firstBytes ? firstBytes : headerEnd + roundTripBytes)
  const weight = Math.max(0, 1 - seen.length / usualPackages)
  const ofUsual = usual.reduce((sum, [headerEnd, times]) => sum + weight * times * costOfOne(headerEnd), 0)
  return seen.reduce((sum, headerEnd) => sum + costOfOne(headerEnd), ofUsual)
}

const usualFirstBytes = cheapest([])
