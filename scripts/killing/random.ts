/** Chance that a seed decides. */
export interface Chance {
  /** At least `from`, less than `to`. */
  between(from: number, to: number): number
  /** A whole number, at least 0 and less than `count`. */
  below(count: number): number
  happens(probability: number): boolean
  pick<T>(items: readonly T[]): T
}

/** mulberry32: the same seed gives the same choices, though not the same run: processes and network have a time of their own. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (count: number) => Math.floor(next() * count)
  return {
    between: (from, to) => from + next() * (to - from),
    below,
    happens: (probability) => next() < probability,
    pick(items) {
      const item = items[below(items.length)]
      if (item === undefined) throw new RangeError('there is nothing to pick from')
      return item
    },
  }
}
