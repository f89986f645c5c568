/** The keys of a bucket in the order of their UTF-8 bytes, the order of S3's listings. */
export class SortedKeys {
  readonly #keys: string[]

  constructor(keys: Iterable<string> = []) {
    this.#keys = [...keys].sort(compareUtf8)
  }

  get size(): number {
    return this.#keys.length
  }

  at(position: number): string | undefined {
    return this.#keys[position]
  }

  add(key: string): void {
    const position = this.firstAtOrAfter(key)
    if (this.#keys[position] !== key) this.#keys.splice(position, 0, key)
  }

  delete(key: string): void {
    const position = this.firstAtOrAfter(key)
    if (this.#keys[position] === key) this.#keys.splice(position, 1)
  }

  /** The position of the first key that is not less. */
  firstAtOrAfter(key: string): number {
    return this.#search((candidate) => compareUtf8(candidate, key) >= 0)
  }

  /** The position of the first key that is greater and doesn't start with it. */
  firstBeyondPrefix(prefix: string): number {
    return this.#search((candidate) => compareUtf8(candidate, prefix) > 0 && !candidate.startsWith(prefix))
  }

  /** @param isBeyond false for a run of keys at the start, true for all others */
  #search(isBeyond: (key: string) => boolean): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBeyond(this.#keys[middle] ?? '')) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** As comparing the UTF-8 bytes would; JavaScript's own `<` puts surrogate pairs before U+E000. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** Moves surrogates (that stand for U+10000 and above) behind all other code units. */
function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800
  return unit >= 0xd800 ? unit + 0x2000 : unit
}
