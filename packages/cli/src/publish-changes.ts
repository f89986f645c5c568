/**
 * Publishing by the command itself, where no worker does it.
 */
import { probeConditions } from '@repokeeper/object-store'
import { type KeyVerdict, type ReconcileReport, reconcile, refuseToUnsign } from '@repokeeper/repository'
import type { ChangeOptions } from './change-options.ts'
import { CommandError } from './failure.ts'
import type { OpenRepository } from './open-repository.ts'
import { refuseGeneration } from './refuse-generation.ts'
import { refuseReplica } from './refuse-replica.ts'

/** Keys that are published together: what is laid aside of their entries lies on disk meanwhile. */
const keysAtOnce = 5_000

/** @throws CommandError, RepositoryError, StoreError: what was published until then stays */
export async function publishChanges(
  repository: OpenRepository,
  keys: ReadonlySet<string>,
): Promise<Pick<ReconcileReport, 'verdicts' | 'undecided' | 'revision'>> {
  await ensureConditions(repository)
  const verdicts = new Map<string, KeyVerdict>()
  const undecided = new Map<string, unknown>()
  let last: string | undefined
  const all = [...keys]
  for (let start = 0; start === 0 || start < all.length; start += keysAtOnce) {
    const some = new Set(all.slice(start, start + keysAtOnce))
    const report = await reconcile(repository.location, some, repository.context())
    for (const [key, verdict] of report.verdicts) verdicts.set(key, verdict)
    for (const [key, error] of report.undecided) undecided.set(key, error)
    last = report.revision ?? last
  }
  return { verdicts, undecided, revision: last }
}

/**
 * Makes sure, before the bucket is changed, that what is to be published may be: a repository that is signed is not published to without its key.
 *
 * @throws RepositoryError `SIGNED`, CommandError `IS_A_REPLICA`
 */
export async function ensureSignable(repository: OpenRepository, { dryRun, publish }: ChangeOptions): Promise<void> {
  if (dryRun || !(publish ?? repository.isDirectory)) return
  refuseGeneration(repository.name)
  await refuseReplica(repository, 'published to')
  await refuseToUnsign(repository.location, repository.context())
}

/**
 * Makes sure, before anything is published, that the store honours conditional writes: without them two writers lose each
 * other's changes.
 *
 * @throws CommandError `CONDITIONS_IGNORED`, `IS_A_REPLICA`
 */
export async function ensureConditions(
  repository: Pick<OpenRepository, 'location' | 'name' | 'isDirectory' | 'singleWriter'>,
): Promise<void> {
  const { location, isDirectory, singleWriter } = repository
  refuseGeneration(repository.name)
  await refuseReplica(repository, 'published to')
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
