/**
 * The work of `generations`: those that are kept, and how one of them is meant.
 */
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import { type ListedGeneration, listGenerations } from '@repokeeper/repository'
import type { Cli } from './cli.ts'
import { CommandError, ExitCode } from './failure.ts'
import type { OpenRepository } from './open-repository.ts'
import { count, formatTime, table } from './text-layout.ts'

/** @returns the exit code: 0, also where there are none */
export async function showGenerations(
  repository: OpenRepository,
  { json }: { readonly json: boolean },
  { output }: Cli,
): Promise<number> {
  const generations = await listGenerations(repository.location, repository.context())
  if (json) output.printJson({ repository: repository.name, ok: true, generations })
  else if (generations.length === 0) {
    output.print(
      `${repository.name}: no generations are kept; publish with --generations-url, and each is one from then on`,
    )
  } else {
    const heading = ['ID', 'SINCE', 'UNTIL', 'PACKAGES', 'SIZE', 'SIGNED', '']
    for (const line of table([heading, ...generations.map(rowOf)])) output.print(line.trimEnd())
  }
  return ExitCode.done
}

function rowOf(generation: ListedGeneration): string[] {
  const { id, since, until, packages, size, isSigned, isCurrent } = generation
  return [
    id,
    formatTime(since),
    isCurrent ? 'now' : until === undefined ? 'unknown' : formatTime(until),
    packages === undefined ? 'unreadable' : String(packages),
    formatBytes(size),
    isSigned ? 'yes' : 'no',
    remarksOf(generation).join(', '),
  ]
}

function remarksOf({ isCurrent, isNamed, isPinned, snapshots }: ListedGeneration): string[] {
  return [
    ...(isCurrent ? ['published'] : []),
    ...(isPinned ? ['pinned'] : isNamed && !isCurrent ? ['in the mirrorlist'] : []),
    ...snapshots.map((name) => `snapshot ${name}`),
  ]
}

/** The generation that a person means by an ID, or by as much of its beginning or its digest as no other has. @throws CommandError */
export async function findGeneration(repository: OpenRepository, text: string): Promise<ListedGeneration> {
  const generations = await listGenerations(repository.location, repository.context())
  const meant = generations.filter(
    ({ id }) => text !== '' && (id.startsWith(text) || id.split('-')[1]?.startsWith(text)),
  )
  const [only, ...more] = generations.some(({ id }) => id === text)
    ? generations.filter(({ id }) => id === text)
    : meant
  if (only !== undefined && more.length === 0) return only
  const kept = count(generations.length, 'generation is', 'generations are')
  const what = only === undefined ? `there is no generation ${text}` : `${meant.length} generations begin with ${text}`
  throw new CommandError(
    'NO_SUCH_GENERATION',
    `${repository.name}: ${what}; ${kept} kept, and "repokeeper generations ${repository.name}" lists them`,
  )
}
