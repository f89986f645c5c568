/**
 * The work of `snapshot`: a name for a generation, with what a client writes to install from it.
 */
import { basename, resolve } from 'node:path'
import { StoreError } from '@repokeeper/object-store'
import {
  deleteSnapshot,
  generationLocation,
  listGenerations,
  RepositoryError,
  readIndexedSnapshot,
  takeSnapshot,
} from '@repokeeper/repository'
import type { Cli } from './cli.ts'
import { CommandError, ExitCode, UsageError } from './failure.ts'
import { nameOf } from './init-names.ts'
import { lostAmong, tellLost } from './lost-packages.ts'
import type { OpenRepository } from './open-repository.ts'
import { refuseReplica } from './refuse-replica.ts'
import { findGeneration } from './show-generations.ts'
import { enumerate, formatTime } from './text-layout.ts'

interface SnapshotOptions {
  readonly json: boolean
  readonly id?: string | undefined
}

/** @returns the exit code */
export async function snapshot(
  repository: OpenRepository,
  name: string,
  { json, id }: SnapshotOptions,
  { output }: Cli,
): Promise<number> {
  await refuseReplica(repository, 'given snapshots')
  const generation = id === undefined ? await findCurrent(repository) : await findGeneration(repository, id)
  const taken = await takeSnapshot(repository.location, name, generation.id, repository.context()).catch(
    (error: unknown) => {
      if (error instanceof RangeError) throw new UsageError(`${error.message}: letters, digits, ".", "_" and "-"`)
      throw error
    },
  )
  const own = generationLocation(repository.location, generation.id)
  const { index } = await readIndexedSnapshot(own, repository.context())
  tellLost(await lostAmong(repository, index.packages), { output })
  const repoFile = repoFileOf(
    idOf(repository, name),
    name,
    { ...taken, generation: generation.id },
    generation.isSigned,
  )
  if (json) {
    const { url } = taken
    output.printJson({ repository: repository.name, ok: true, name, generation: generation.id, url, repoFile })
  } else {
    output.tell(
      `${repository.name}: snapshot ${name} is of generation ${generation.id}, published at ${formatTime(generation.since)}`,
    )
    for (const line of repoFile.trimEnd().split('\n')) output.print(line)
  }
  return ExitCode.done
}

/** @returns the exit code */
export async function dropSnapshot(
  repository: OpenRepository,
  name: string,
  { json }: SnapshotOptions,
  { output }: Cli,
): Promise<number> {
  const generation = await deleteSnapshot(repository.location, name, repository.context())
  if (generation === undefined) {
    throw new CommandError('NO_SUCH_SNAPSHOT', `${repository.name}: there is no snapshot ${name}`)
  }
  if (json) output.printJson({ repository: repository.name, ok: true, name, generation, deleted: true })
  else {
    const becomes =
      generation === 'unknown'
        ? 'what it was of could not be read'
        : `generation ${generation} ${await whatBecomesOf(generation, repository)}`
    output.print(`${repository.name}: snapshot ${name} was deleted; ${becomes}`)
  }
  return ExitCode.done
}

/** It is deleted already: what cannot be read any more is no reason to fail. */
async function whatBecomesOf(id: string, { location, context }: OpenRepository): Promise<string> {
  const over = 'goes once its retention is over'
  const generations = await listGenerations(location, context()).catch((error: unknown) => {
    if (error instanceof RepositoryError || error instanceof StoreError) return []
    throw error
  })
  const found = generations.find((one) => one.id === id)
  if (found === undefined) return over
  const { isCurrent, isPinned, snapshots } = found
  const holders = [
    ...(isCurrent ? ['it is published'] : []),
    ...(isPinned ? ['the mirrorlist is pinned to it'] : []),
    ...(snapshots.length > 0 ? [`a snapshot is of it (${enumerate(snapshots, 3)})`] : []),
  ]
  return holders.length === 0 ? over : `stays as long as ${holders.join(', or ')}; then it ${over}`
}

async function findCurrent(repository: OpenRepository) {
  const generations = await listGenerations(repository.location, repository.context())
  const current = generations.find(({ isCurrent }) => isCurrent)
  if (current !== undefined) return current
  const message = `${repository.name}: what is published now is no generation; publish with --generations-url first`
  throw new CommandError('NO_GENERATIONS', message)
}

/** As `init` has it, with the snapshot's name behind it: snapshots of two repositories may have one name. */
function idOf({ name, isDirectory }: OpenRepository, snapshotName: string): string {
  const place = isDirectory ? basename(resolve(name)) : name.replace(/^s3:\/\//, '')
  return [nameOf(place, ''), snapshotName].filter((word) => word !== '').join('-')
}

function repoFileOf(
  id: string,
  name: string,
  { url, baseUrl, generation }: { readonly url: string; readonly baseUrl: string; readonly generation: string },
  isSigned: boolean,
) {
  // The key that it was signed with: the repository may have another one by then.
  const signed = isSigned
    ? ['repo_gpgcheck=1', `gpgkey=${baseUrl}generations/${generation}/repodata/repomd.xml.key`]
    : []
  const lines = [`[${id}]`, `name=${baseUrl} as of ${name}`, `mirrorlist=${url}`, 'enabled=1', 'gpgcheck=0', ...signed]
  return `${lines.join('\n')}\n`
}
