/**
 * The work of `serve`: a folder behind a door, and whatever is put into it published.
 */
import { join } from 'node:path'
import { Keeper, realClock } from '@repokeeper/door'
import { parseStoreUrl } from '@repokeeper/object-store'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import type { DoorFlags } from './door-options.ts'
import { UsageError } from './failure.ts'
import { openConnected, openStages, requireDirectory } from './open-repository.ts'
import { runDoor } from './run-door.ts'
import { tellPublisherEvent } from './tell-door-event.ts'

export interface ServeFlags extends DoorFlags {
  /** Every file is looked at so often, instead of being told by the system. */
  readonly pollMs: number | undefined
}

/** A name that no store shows: on the file system of the packages, where a copy may cost nothing. */
const scratchName = '.repokeeper-uploads'

/** @returns the exit code */
export async function serveFolder(
  directory: string,
  flags: ServeFlags,
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const address = parseStoreUrl(directory)
  if (address.kind !== 'directory') throw new UsageError(`${directory} is no folder of this machine`)
  await requireDirectory(address.path)
  const { signal } = cli.interruption
  const store = openConnected(address, connection)
  const stages = await openStages(connection, cli)
  try {
    const { packagePolicy } = stages.context(signal)
    const keeper = await Keeper.open({
      ...{ store, prefix: '', patterns: flags.patterns, clock: realClock, ...flags.upkeep },
      folder: { directory: address.path, pollMs: flags.pollMs },
      context: (signal) => stages.context(signal),
      onEvent: (event) => tellPublisherEvent(event, cli),
    })
    try {
      const { publication } = keeper
      const scratch = join(address.path, scratchName)
      return await runDoor({ name: address.path, store, prefix: '', scratch, packagePolicy, publication }, flags, cli)
    } finally {
      await keeper.close()
    }
  } finally {
    await store.close()
    await stages.close()
  }
}
