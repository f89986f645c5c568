/**
 * Publishing by the command itself, where no worker does it.
 */
import { probeConditions } from '@repokeeper/object-store'
import { type ReconcileReport, reconcile, refuseToUnsign } from '@repokeeper/repository'
import type { ChangeOptions } from './change-options.ts'
import { CommandError } from './failure.ts'
import type { OpenRepository } from './open-repository.ts'

/** @throws CommandError, RepositoryError, StoreError */
export async function publishChanges(repository: OpenRepository, keys: ReadonlySet<string>): Promise<ReconcileReport> {
  await ensureConditions(repository)
  return reconcile(repository.location, keys, repository.context())
}

/**
 * Makes sure, before the bucket is changed, that what is to be published may be: a repository that is signed is not published to without its key.
 *
 * @throws RepositoryError `SIGNED`
 */
export async function ensureSignable(repository: OpenRepository, { dryRun, publish }: ChangeOptions): Promise<void> {
  if (dryRun || !(publish ?? repository.isDirectory)) return
  await refuseToUnsign(repository.location, repository.context())
}

/**
 * Makes sure, before anything is published, that the store honours conditional writes: without them two writers lose each
 * other's changes.
 *
 * @throws CommandError `CONDITIONS_IGNORED`
 */
export async function ensureConditions({ location, isDirectory, singleWriter }: OpenRepository): Promise<void> {
  // A directory is our own code; the contract's tests are its probe.
  if (isDirectory || singleWriter) return
  const { store, root } = location
  const { kind } = await probeConditions(store, `${root}repodata/`, { random: Math.random })
  if (kind === 'honoured') return
  throw new CommandError(
    'CONDITIONS_IGNORED',
    `${store.name} ${kind === 'ignored' ? 'ignores' : 'does not support'} conditional writes (If-Match, If-None-Match): two ` +
      "writers of one repository would lose each other's changes, so nothing was published. Use a store that honours them, or, " +
      'if no worker and nobody else publishes meanwhile, say --single-writer.',
  )
}
