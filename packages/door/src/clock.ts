/** Time and chance, given from outside. */
export interface Clock {
  /** Milliseconds since some moment; never runs backwards. */
  now(): number
  /** Calls `run` once after so many milliseconds; gives what takes that back. */
  after(milliseconds: number, run: () => void): () => void
  /** At least 0, less than 1. */
  random(): number
}

export const realClock: Clock = {
  now: () => performance.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds)
    return () => clearTimeout(timer)
  },
  random: Math.random,
}
