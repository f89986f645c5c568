/**
 * Does work for each item as it comes, so many at a time: no more are asked for than are worked on. The first failure stops what
 * has not begun, waits for what has, and is thrown.
 */
export async function forEachOf<Item>(
  items: AsyncGenerator<Item>,
  atATime: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let failure: { readonly cause: unknown } | undefined

  async function run(): Promise<void> {
    while (failure === undefined) {
      try {
        const next = await items.next()
        if (next.done === true) return
        await work(next.value)
      } catch (cause) {
        failure ??= { cause }
      }
    }
  }

  try {
    await Promise.all(Array.from({ length: atATime }, run))
  } finally {
    await items.return(undefined)
  }
  if (failure !== undefined) throw failure.cause
}
