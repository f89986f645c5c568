/** Time and chance, given from outside. */
export interface Clock {
  /** Milliseconds since some moment; never runs backwards. */
  now(): number
  /** Calls `run` once after so many milliseconds; gives what takes that back. */
  after(ms: number, run: () => void): () => void
  /** At least 0, less than 1. */
  random(): number
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
}

/** True when `work` is over, well or not; false when the time ran out first. */
export function finishesWithin(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => resolve(false))
    const over = () => {
      cancel()
      resolve(true)
    }
    work.then(over, over)
  })
}
