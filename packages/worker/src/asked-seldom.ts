import type { Clock } from './clock.ts'

/** An answer that is asked for only when somebody wants it, and not again for a while: also one that failed. */
export class AskedSeldom<T> {
  readonly #ask: () => Promise<T>
  readonly #clock: Pick<Clock, 'now'>
  readonly #forMs: number
  #answer: Promise<T> | undefined
  #askedAt = 0

  constructor(ask: () => Promise<T>, options: { readonly clock: Pick<Clock, 'now'>; readonly forMs: number }) {
    this.#ask = ask
    this.#clock = options.clock
    this.#forMs = options.forMs
  }

  /** Those who ask meanwhile share one answer. @throws what asking threw */
  get(): Promise<T> {
    if (this.#answer === undefined || this.#clock.now() - this.#askedAt >= this.#forMs) {
      this.#askedAt = this.#clock.now()
      this.#answer = this.#ask()
    }
    return this.#answer
  }
}
