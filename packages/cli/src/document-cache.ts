import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DiskCache, type DocumentCache } from '@repokeeper/repository'
import type { Connection } from './connection.ts'
import { CommandError } from './failure.ts'

/** Documents of the largest distributions take some 100 MB together, and old ones make way. */
const bytesMax = 4 * 2 ** 30

export interface OpenCache {
  readonly cache: DocumentCache
  /** Where it lies, and what else is kept between runs. */
  readonly directory: string
  readonly close: () => Promise<void>
}

/**
 * The cache of this person, shared by all their commands. Where nobody chose a directory and the usual one cannot be
 * written (a container without a home), one is made for this run only.
 */
export async function openCache({ directory, isChosen }: Connection['cache']): Promise<OpenCache> {
  try {
    return { cache: await DiskCache.open({ directory, bytesMax }), directory, close: async () => {} }
  } catch (cause) {
    if (isChosen) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new CommandError('NO_CACHE', `the cache directory ${directory} cannot be used: ${why}`, { cause })
    }
  }
  const temporary = await mkdtemp(join(tmpdir(), 'repokeeper-')).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    const tried = `neither the cache directory ${directory} nor the temporary directory ${tmpdir()} can be written`
    const message = `${tried} (${why}): set TMPDIR, or --cache-dir, to one that this user may write`
    throw new CommandError('NO_CACHE', message, { cause })
  })
  return {
    cache: await DiskCache.open({ directory: temporary, bytesMax }),
    directory: temporary,
    close: () => rm(temporary, { recursive: true, force: true }),
  }
}
