/**
 * Does work for each item, so many at a time, and keeps the order of the results. The first failure stops what has not
 * begun, waits for what has, and is thrown.
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  atATime: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  let next = 0
  let failure: { readonly cause: unknown } | undefined

  async function run(): Promise<void> {
    while (failure === undefined && next < items.length) {
      const at = next
      next += 1
      const item = items[at] as Item
      try {
        results[at] = await work(item)
      } catch (cause) {
        failure ??= { cause }
      }
    }
  }

  await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, run))
  if (failure !== undefined) throw failure.cause
  return results
}
