/**
 * A replica follows its source: whatever else publishes to it is undone by the next pull.
 */
import { CommandError } from './failure.ts'
import type { OpenRepository } from './open-repository.ts'

/** As packages/transfer has it. */
const recordPath = 'repodata/replica.json'

/** @param doing what it is that it must not be done to, as in "published to" @throws CommandError `IS_A_REPLICA`, StoreError */
export async function refuseReplica(
  { location, name }: Pick<OpenRepository, 'location' | 'name'>,
  doing: string,
): Promise<void> {
  const { store, root } = location
  if ((await store.head(`${root}${recordPath}`)) === undefined) return
  const message =
    `${name} is a replica (${recordPath} says of what), and is not ${doing}: change its source, and pull again; "repokeeper pull … --checksum" ` +
    `looks at every byte of it. To make it a repository of its own, remove ${recordPath}`
  throw new CommandError('IS_A_REPLICA', message)
}
