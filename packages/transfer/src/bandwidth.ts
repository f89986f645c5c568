/**
 * How fast bytes may come, all bodies together: a bucket of tokens that holds those of a quarter of a second.
 */
export interface BandwidthClock {
  /** Milliseconds of a clock that does not run backwards. */
  readonly now: () => number
  readonly sleep: (milliseconds: number) => Promise<void>
}

const burstMs = 250

export class Bandwidth {
  readonly #bytesPerMs: number
  readonly #clock: BandwidthClock
  /** When what was taken so far will have come at the allowed pace. */
  #paidUntil: number

  /** @param bytesPerSecond at least 1 */
  constructor(bytesPerSecond: number, clock: BandwidthClock) {
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#clock = clock
    this.#paidUntil = clock.now()
  }

  /** The same bytes, each chunk held back until it is due. */
  async *limit(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      await this.#take(chunk.length)
      yield chunk
    }
  }

  async #take(bytes: number): Promise<void> {
    const now = this.#clock.now()
    // What was not used in time is lost, but for one burst.
    this.#paidUntil = Math.max(this.#paidUntil, now - burstMs) + bytes / this.#bytesPerMs
    if (this.#paidUntil > now) await this.#clock.sleep(this.#paidUntil - now)
  }
}
