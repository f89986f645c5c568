/**
 * The work of `rollback`: what clients would see, and then the mirrorlist.
 */
import { type ListedPackage, pathOf } from '@repokeeper/repodata'
import {
  generationLocation,
  type ListedGeneration,
  listPackages,
  pinGeneration,
  type RepositoryLocation,
  readIndexedSnapshot,
  readMirrorlist,
  resumeMirrorlist,
} from '@repokeeper/repository'
import type { Cli } from './cli.ts'
import { ExitCode } from './failure.ts'
import type { OpenRepository } from './open-repository.ts'
import { refuseReplica } from './refuse-replica.ts'
import { findGeneration } from './show-generations.ts'
import { count, formatTime } from './text-layout.ts'

interface RollbackOptions {
  readonly json: boolean
  readonly dryRun: boolean
}

/** @returns the exit code */
export async function rollBack(
  repository: OpenRepository,
  text: string,
  { json, dryRun }: RollbackOptions,
  { output }: Cli,
): Promise<number> {
  const { location, name } = repository
  await refuseReplica(repository, 'rolled back')
  const generation = await findGeneration(repository, text)
  const outlook = await lookAhead(repository, generation)
  if (!dryRun) await pinGeneration(location, generation.id, repository.context())
  if (json) output.printJson({ repository: name, ok: true, dryRun, generation: generation.id, ...outlook })
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
  if (outlook.gone > 0) {
    output.tell(
      `${count(outlook.gone, 'package')} that it lists ${outlook.gone === 1 ? 'is' : 'are'} not in the ${repository.isDirectory ? 'directory' : 'bucket'} any more, and cannot be installed`,
    )
  }
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

/** What would differ for clients: packages by path and digest. */
async function lookAhead(repository: OpenRepository, { id }: ListedGeneration) {
  const { location } = repository
  const now = await listedIn(repository, location)
  const then = await listedIn(repository, generationLocation(location, id))
  const { packages: objects } = await listPackages(location, repository.context())
  const paths = new Set(objects.map(({ key }) => key.slice(location.root.length)))
  return {
    packages: then.size,
    hidden: [...now.keys()].filter((one) => !then.has(one)).length,
    back: [...then.keys()].filter((one) => !now.has(one)).length,
    gone: [...then.values()].filter((path) => path !== undefined && !paths.has(path)).length,
  }
}

/** Path and digest → the path below the root, if it is there. */
async function listedIn(repository: OpenRepository, location: RepositoryLocation) {
  const { index } = await readIndexedSnapshot(location, repository.context())
  return new Map(index.packages.map((one: ListedPackage) => [`${one.pkgid} ${one.href}`, pathOf(one)]))
}
