/**
 * The work of `gateway`: a bucket behind a door.
 */
import { parseStoreUrl, S3Store } from '@repokeeper/object-store'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import type { DoorFlags } from './door-options.ts'
import { UsageError } from './failure.ts'
import { connectionOptions } from './open-repository.ts'
import { runDoor } from './run-door.ts'

export interface GatewayFlags extends DoorFlags {
  readonly redirect: boolean
}

/** Who is redirected fetches at once; a proxy on the way may take a while. */
const linkSeconds = 900

/** @returns the exit code */
export async function openGateway(
  repo: string,
  flags: GatewayFlags,
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const address = parseStoreUrl(repo)
  if (address.kind !== 's3') throw new UsageError(`${repo} is no bucket: "repokeeper serve ${repo}" shows a folder`)
  const { bucket, prefix } = address
  const store = new S3Store({ ...connectionOptions(connection), bucket })
  const redirect = (key: string, signal: AbortSignal) => store.presignGet(key, { expiresSeconds: linkSeconds, signal })
  try {
    // A bucket that is not there, or not to be read, is told at once and not to the first who asks.
    for await (const _ of store.listFolder(prefix, { signal: cli.interruption.signal })) break
    return await runDoor(repo, { store, prefix, ...(flags.redirect && { redirect }) }, flags, cli)
  } finally {
    await store.close()
  }
}
