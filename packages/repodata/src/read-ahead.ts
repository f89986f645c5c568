/**
 * Runs jobs in order with some of them begun before their turn, and gives what comes of each in turn.
 *
 * Whoever stops early waits for those that were begun; what they throw then is nobody's business any more.
 */
export async function* readAhead<T>(jobs: Iterable<() => Promise<T>>, atOnce: number): AsyncGenerator<T> {
  const begun: Promise<T>[] = []
  try {
    for (const job of jobs) {
      const running = job()
      // Awaited in its turn; until then a failure must not count as unhandled.
      running.catch(() => {})
      begun.push(running)
      if (begun.length < atOnce) continue
      const oldest = begun.shift()
      if (oldest !== undefined) yield await oldest
    }
    for (let oldest = begun.shift(); oldest !== undefined; oldest = begun.shift()) yield await oldest
  } finally {
    await Promise.allSettled(begun)
  }
}
