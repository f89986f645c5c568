/**
 * All bytes of a body.
 *
 * @param bytesMax more than this many bytes are not held in memory: the body is given up and a `RangeError` thrown.
 */
export async function readBody(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > bytesMax) throw new RangeError(`the body is longer than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

/** Gives up a body of which nothing (more) is wanted: the connection or file behind it is closed. */
export async function discardBody(body: AsyncIterable<Uint8Array>): Promise<void> {
  await body[Symbol.asyncIterator]().return?.()
}

/**
 * A body that frees what it stands on exactly once: at its end, on an error, and on `return()`, also before the first
 * `next()`, where the `finally` of a generator would never run.
 */
export function releasingBody(
  source: AsyncIterator<Uint8Array>,
  release: () => void | Promise<void>,
): AsyncIterableIterator<Uint8Array> {
  let ended = false
  const end = async () => {
    if (ended) return
    ended = true
    await release()
  }
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      if (ended) return { done: true, value: undefined }
      try {
        const result = await source.next()
        if (result.done) await end()
        return result
      } catch (error) {
        await end()
        throw error
      }
    },
    async return() {
      await end()
      return { done: true, value: undefined }
    },
  }
}
