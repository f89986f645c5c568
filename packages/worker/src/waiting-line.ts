/** Lets one through at a time. A few may wait, in the order in which they came; whoever comes beyond is turned away. */
export class WaitingLine {
  readonly #waitingMax: number
  readonly #waiting = new Set<() => void>()
  #isTaken = false

  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax
  }

  /**
   * @returns what is called, once, to let the next one through; `undefined` where too many wait already
   * @throws the signal's reason where it is aborted before the turn comes
   */
  async enter(signal: AbortSignal): Promise<(() => void) | undefined> {
    signal.throwIfAborted()
    if (this.#isTaken) {
      if (this.#waiting.size >= this.#waitingMax) return undefined
      await this.#turn(signal)
    }
    this.#isTaken = true
    return () => this.#leave()
  }

  /** The place goes from one to the next without ever being free: nobody comes in between. */
  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#isTaken = false
    else next()
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const come = (): void => {
        this.#waiting.delete(come)
        signal.removeEventListener('abort', giveUp)
        resolve()
      }
      const giveUp = (): void => {
        this.#waiting.delete(come)
        reject(signal.reason)
      }
      this.#waiting.add(come)
      signal.addEventListener('abort', giveUp, { once: true })
    })
  }
}
