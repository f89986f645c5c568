import type { Clock } from './clock.ts'

/** Holds receiving back: for a time after failures, and while there is no room. */
export class ReceiveGate {
  readonly #clock: Clock
  readonly #hasRoom: () => boolean
  #pausedUntil = Number.NEGATIVE_INFINITY
  #closed = false
  #wake: () => void = () => {}

  constructor(clock: Clock, hasRoom: () => boolean) {
    this.#clock = clock
    this.#hasRoom = hasRoom
  }

  /** Resolves when the next receive may begin, or when the gate is closed for good. */
  async pass(): Promise<void> {
    while (!this.#closed) {
      const pausedMs = this.#pausedUntil - this.#clock.now()
      if (pausedMs <= 0 && this.#hasRoom()) return
      await new Promise<void>((resolve) => {
        const cancel = pausedMs > 0 ? this.#clock.after(pausedMs, resolve) : () => {}
        this.#wake = () => {
          cancel()
          resolve()
        }
      })
    }
  }

  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + ms)
  }

  /** There may be room now. */
  recheck(): void {
    this.#wake()
  }

  /** Nobody waits any more. */
  close(): void {
    this.#closed = true
    this.#wake()
  }
}
