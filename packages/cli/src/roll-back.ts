/**
 * The work of `rollback`: what clients would see, and then the mirrorlist.
 */
import type { ListedPackage } from '@repokeeper/repodata'
import {
  describeLostPackages,
  findLostPackages,
  generationLocation,
  type ListedGeneration,
  listPackages,
  pinGeneration,
  type RepositoryLocation,
  readIndexedSnapshot,
  readMirrorlist,
  resumeMirrorlist,
  withoutOwnBase,
} from '@repokeeper/repository'
import type { Cli } from './cli.ts'
import { whatKeyIs } from './command-to-copy.ts'
import { CommandError, ExitCode } from './failure.ts'
import type { OpenRepository } from './open-repository.ts'
import { signatureOutlook } from './rollback-signature.ts'
import { findGeneration } from './show-generations.ts'
import { count, formatTime } from './text-layout.ts'

interface RollbackOptions {
  readonly json: boolean
  readonly dryRun: boolean
  /** Also where clients would refuse it. */
  readonly force: boolean
}

/** @returns the exit code. @throws CommandError, and what the store and the repository throw */
export async function rollBack(
  repository: OpenRepository,
  text: string,
  { json, dryRun, force }: RollbackOptions,
  { output }: Cli,
): Promise<number> {
  const { location, name } = repository
  const generation = await findGeneration(repository, text)
  const signature = await signatureOutlook(repository, generation.id)
  if (signature.kind === 'refused' && !force) throw refusedByClients(repository, generation, signature.reason)
  const { lost, ...outlook } = await lookAhead(repository, generation)
  if (lost.length > 0) {
    const what = count(lost.length, 'package that it lists', 'packages that it lists')
    output.tell(`${what} cannot be installed as listed: ${describeLostPackages(lost)}`)
  }
  if (!dryRun) await pinGeneration(location, generation.id, repository.context())
  const { id } = generation
  if (json) output.printJson({ repository: name, ok: true, dryRun, generation: id, ...outlook, lost, signature })
  else {
    const verb = dryRun ? 'would see' : 'see'
    const published = generation.isCurrent
      ? 'what is published now'
      : `what was published at ${formatTime(generation.since)}`
    output.print(`${name}: clients of the mirrorlist ${verb} generation ${generation.id}, ${published}`)
    output.print(
      `  ${count(outlook.packages, 'package')}: ${outlook.hidden} of those published now are not among them, ${outlook.back} that are not published now are`,
    )
  }
  if (signature.kind === 'will be signed')
    output.tell(`${id} ${dryRun ? 'would be' : 'was'} signed with the key that was given`)
  if (signature.kind === 'refused') output.tell(`clients that check signatures refuse ${id}: ${signature.reason}`)
  if (signature.kind === 'unchecked') output.tell(`${id} is signed, but ${signature.reason}`)
  if (dryRun) output.tell('dry run: nothing was changed')
  else output.tell(`what is published from now on they do not see; "repokeeper rollback ${name} --resume" lets them`)
  return ExitCode.done
}

/** @returns the exit code: 0, also where it was not pinned */
export async function resume(
  repository: OpenRepository,
  { json, dryRun }: RollbackOptions,
  { output }: Cli,
): Promise<number> {
  const { location, name } = repository
  const before = (await readMirrorlist(location, repository.context()))?.mirrorlist
  const wasPinned = before?.isPinned === true
  const now = dryRun ? undefined : await resumeMirrorlist(location, repository.context())
  const generation = now?.generation
  if (json)
    output.printJson({
      repository: name,
      ok: true,
      dryRun,
      wasPinned,
      pinnedTo: wasPinned ? before.generation : undefined,
      generation,
    })
  else if (!wasPinned) output.print(`${name}: the mirrorlist is not pinned`)
  else if (dryRun)
    output.print(`${name}: the mirrorlist, pinned to ${before.generation}, would follow what is published again`)
  else output.print(`${name}: the mirrorlist follows what is published again, now generation ${generation}`)
  return ExitCode.done
}

function refusedByClients({ name, toCopy }: OpenRepository, { id }: ListedGeneration, reason: string): CommandError {
  const signs = toCopy('rollback', name, id, '--sign-key', 'KEY')
  const message =
    `${name}: clients that check signatures would refuse ${id}: ${reason}; nothing was changed. ` +
    `"${signs}", with the key of today, signs it first (${whatKeyIs}); --force goes back to it all the same`
  return new CommandError('SIGNATURE_REFUSED', message)
}

/** What would differ for clients: packages by path and digest. */
async function lookAhead(repository: OpenRepository, { id }: ListedGeneration) {
  const { location } = repository
  const context = repository.context()
  const now = await listedIn(repository, location)
  const then = await listedIn(repository, generationLocation(location, id))
  const { packages: objects } = await listPackages(location, context)
  const byKey = new Map(objects.map((object) => [object.key, object]))
  const listed = await withoutOwnBase(location, [...then.values()], context)
  const lost = await findLostPackages(location, listed, byKey, context)
  return {
    packages: then.size,
    hidden: [...now.keys()].filter((one) => !then.has(one)).length,
    back: [...then.keys()].filter((one) => !now.has(one)).length,
    gone: lost.filter(({ fate }) => fate === 'gone').length,
    lost,
  }
}

/** Path and digest → the package. */
async function listedIn(
  repository: OpenRepository,
  location: RepositoryLocation,
): Promise<ReadonlyMap<string, ListedPackage>> {
  const { index } = await readIndexedSnapshot(location, repository.context())
  return new Map(index.packages.map((one) => [`${one.pkgid} ${one.href}`, one]))
}
