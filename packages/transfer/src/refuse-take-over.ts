/**
 * A replica keeps no package for a snapshot, and follows its source: so it does not take the place of what a person has named or pinned.
 */
import { RepositoryError, type RepositoryLocation, readGenerationHolders } from '@repokeeper/repository'
import { TransferError } from './transfer-error.ts'

/** Names in a message. */
const namesMax = 5

/** @throws TransferError `NOT_A_REPLICA`, StoreError */
export async function refuseTakeOver(location: RepositoryLocation, signal: AbortSignal): Promise<void> {
  const { store, root } = location
  const { isPinned, named, snapshots } = await readGenerationHolders(location, { signal }).catch((error: unknown) => {
    if (!(error instanceof RepositoryError)) throw error
    throw new TransferError('NOT_A_REPLICA', `${error.message}; then take it over`, { cause: error })
  })
  const place = `${store.name}/${root}`
  if (snapshots.size > 0) {
    const names = [...snapshots.keys()].toSorted()
    const more = names.length > namesMax ? `, and ${names.length - namesMax} more` : ''
    const message =
      `${place} has the snapshots ${names.slice(0, namesMax).join(', ')}${more}, and a replica would not keep what they list: delete each ` +
      'first ("repokeeper snapshot REPO NAME --delete"), or name another place'
    throw new TransferError('NOT_A_REPLICA', message)
  }
  if (isPinned) {
    const message =
      `${place}: its mirrorlist is pinned to generation ${named}, whose packages a replica would not keep: let it follow what is published first ` +
      '("repokeeper rollback REPO --resume"), or name another place'
    throw new TransferError('NOT_A_REPLICA', message)
  }
}
