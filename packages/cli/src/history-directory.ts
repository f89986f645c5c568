/**
 * Where the workers of this machine remember what they did: a file for each queue, below the cache directory.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

const ending = '.jsonl'

/** `<cache directory>/history`. */
export function historyDirectory(cacheDirectory: string): string {
  return join(cacheDirectory, 'history')
}

/**
 * @param queue its name. At AWS that is of letters, digits, - and _ and may end with .fifo; the names of other servers must not lead
 * elsewhere
 */
export function historyPath(cacheDirectory: string, queue: string): string {
  return join(historyDirectory(cacheDirectory), `${encodeURIComponent(queue)}${ending}`)
}

/**
 * Names of the queues of which there is a history, sorted.
 * @throws the system's error, but for a directory that is not there
 */
export async function queuesWithHistory(cacheDirectory: string): Promise<string[]> {
  const names = await readdir(historyDirectory(cacheDirectory)).catch((error: unknown) => {
    if (isAbsent(error)) return []
    throw error
  })
  return names
    .filter((name) => name.endsWith(ending))
    .flatMap((name) => decode(name.slice(0, -ending.length)))
    .sort()
}

/** Nothing is at the path, nor can anything be. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

function decode(name: string): string[] {
  try {
    return [decodeURIComponent(name)]
  } catch {
    // No worker has written that.
    return []
  }
}
