/**
 * A repository as somebody names it who may do nothing but read: over the web, in a bucket, in a directory.
 */
import { realpath } from 'node:fs/promises'
import { parseStoreUrl } from '@repokeeper/object-store'
import { parseRepositoryRoot } from '@repokeeper/repository'
import { parseWebUrl, type RepositorySource, storeSource, webSource } from '@repokeeper/transfer'
import type { Connection } from './connection.ts'
import { openConnected, requireDirectory } from './open-repository.ts'

export interface OpenSourceOptions {
  readonly signal: AbortSignal
  /** A web server that says nothing for so long is given up. */
  readonly silenceMs?: number
}

/** @throws CommandError, RootError, StoreUrlError */
export async function openSource(
  place: string,
  connection: Connection,
  options: OpenSourceOptions,
): Promise<RepositorySource> {
  const url = parseWebUrl(place)
  if (url !== undefined) return webSource(url, options)
  const address = parseStoreUrl(place)
  const root = parseRepositoryRoot(address.prefix)
  const store = openConnected(address, connection)
  if (address.kind !== 'directory') return storeSource({ store, root }, options)
  await requireDirectory(address.path, { isForReading: true })
  return storeSource({ store, root }, { ...options, identity: await realpath(address.path) })
}
