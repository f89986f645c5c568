/**
 * The work of `serve`: a folder behind a door.
 */
import { parseStoreUrl } from '@repokeeper/object-store'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import type { DoorFlags } from './door-options.ts'
import { UsageError } from './failure.ts'
import { openConnected, requireDirectory } from './open-repository.ts'
import { runDoor } from './run-door.ts'

/** @returns the exit code */
export async function serveFolder(
  directory: string,
  flags: DoorFlags,
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const address = parseStoreUrl(directory)
  if (address.kind !== 'directory') throw new UsageError(`${directory} is no folder of this machine`)
  await requireDirectory(address.path)
  const store = openConnected(address, connection)
  try {
    return await runDoor(address.path, { store, prefix: '' }, flags, cli)
  } finally {
    await store.close()
  }
}
