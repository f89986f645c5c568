/**
 * How often each may ask: a bucket for each, of as many requests as may come at once, filled again by so many a second.
 */
export interface RateLimitOptions {
  readonly perSecond: number
  /** At once, after a rest. */
  readonly burst: number
  /** Those that are told apart at the same time. */
  readonly keysMax: number
  /** Milliseconds, of any clock that doesn't run backwards. */
  readonly now: () => number
}

/**
 * Of each it is known when its bucket will be full again, which says all there is to say about a bucket. Who has a full one need not be known.
 *
 * Who comes when as many are known as may be shares one bucket with all the others who do. So memory is bounded, and yet nobody gets more by
 * coming from many addresses; and who gets a bucket of its own later begins with what is left of the common one.
 */
export class RateLimit {
  readonly #options: RateLimitOptions
  readonly #everyMs: number
  /** Who → when its bucket is full; who asked last is last. */
  readonly #fullAt = new Map<string, number>()
  #othersFullAt = Number.NEGATIVE_INFINITY

  constructor(options: RateLimitOptions) {
    this.#options = options
    this.#everyMs = 1000 / options.perSecond
  }

  /** @returns `undefined`: it may; else after how many seconds it may again. Who is refused does not wait longer for having asked. */
  take(key: string): number | undefined {
    const { burst, keysMax, now } = this.#options
    const at = now()
    this.#forgetRested(at)
    const own = this.#fullAt.get(key)
    const fullAt = Math.max(own ?? this.#othersFullAt, at)
    const waitMs = fullAt - at - (burst - 1) * this.#everyMs
    // What is less than a thousandth of a millisecond comes of adding up fractions.
    if (waitMs > 1e-3) return Math.ceil(waitMs / 1000)
    if (own === undefined && this.#fullAt.size >= keysMax) {
      this.#othersFullAt = fullAt + this.#everyMs
      return undefined
    }
    this.#fullAt.delete(key)
    this.#fullAt.set(key, fullAt + this.#everyMs)
    return undefined
  }

  /** Each is forgotten once for all: at most as many as have come. */
  #forgetRested(at: number): void {
    for (const [key, fullAt] of this.#fullAt) {
      if (fullAt > at) break
      this.#fullAt.delete(key)
    }
  }
}
