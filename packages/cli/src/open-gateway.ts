/**
 * The work of `gateway`: a bucket behind a door.
 */
import { Keeper, PackagePlaces, type Publication, realClock, WatchedMetadata } from '@repokeeper/door'
import { parseStoreUrl, S3Store } from '@repokeeper/object-store'
import { describeLocation, parseRepositoryRoot } from '@repokeeper/repository'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import type { DoorFlags } from './door-options.ts'
import { UsageError } from './failure.ts'
import { connectionOptions, type OpenStages, openStages } from './open-repository.ts'
import { ensureConditions } from './publish-changes.ts'
import { runDoor } from './run-door.ts'
import { tellPublisherEvent } from './tell-door-event.ts'

export interface GatewayFlags extends DoorFlags {
  readonly redirect: boolean
  /** There is no worker: what comes through the door is published here. */
  readonly publish: boolean
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
  let stages: OpenStages | undefined
  try {
    // A bucket that is not there, or not to be read, is told at once and not to the first who asks.
    for await (const _ of store.listFolder(prefix, { signal: cli.interruption.signal })) break
    stages = await openStages(connection, cli)
    const { packagePolicy } = stages.context(cli.interruption.signal)
    const { publication, close } = await openPublication({ store, prefix, stages }, flags, connection, cli)
    try {
      const parts = { name: repo, store, prefix, packagePolicy, publication, ...(flags.redirect && { redirect }) }
      return await runDoor(parts, flags, cli)
    } finally {
      await close()
    }
  } finally {
    await store.close()
    await stages?.close()
  }
}

async function openPublication(
  { store, prefix, stages }: { readonly store: S3Store; readonly prefix: string; readonly stages: OpenStages },
  { patterns, publish, upkeep }: GatewayFlags,
  { singleWriter }: Connection,
  cli: Cli,
): Promise<{ readonly publication: Publication; close(): Promise<void> }> {
  const context = (signal: AbortSignal) => stages.context(signal)
  if (!publish) {
    const places = new PackagePlaces({ store, prefix, patterns, now: () => realClock.now() })
    return { publication: new WatchedMetadata({ store, places, context }), close: async () => {} }
  }
  const location = { store, root: parseRepositoryRoot(prefix) }
  await ensureConditions({ location, name: describeLocation(location), isDirectory: false, singleWriter })
  const keeper = await Keeper.open({
    ...{ store, prefix, patterns, clock: realClock, context, ...upkeep },
    onEvent: (event) => tellPublisherEvent(event, cli),
  })
  return { publication: keeper.publication, close: () => keeper.close() }
}
