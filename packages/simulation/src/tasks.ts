/**
 * What is done to a repository now and then, beside its workers: by a timer, and by people with a command.
 */
import {
  collectGarbage,
  deleteSnapshot,
  keepLeftPledges,
  listGenerations,
  pinGeneration,
  type RepositoryContext,
  type RepositoryLocation,
  resumeMirrorlist,
  takeSnapshot,
} from '@repokeeper/repository'
import type { Task } from './scenario.ts'

/** What it cannot do, the next one will, or a person says it again. */
export async function carryOut(
  task: Task,
  location: RepositoryLocation,
  context: RepositoryContext,
  { retentionMs }: { readonly retentionMs: number },
): Promise<void> {
  switch (task.kind) {
    case 'clean up':
      await collectGarbage(location, context, { retentionMs, keepGenerations: 1 })
      break
    case 'look again':
      await keepLeftPledges(location, context)
      break
    case 'roll back':
      await pinGeneration(location, await generationBefore(task.back, location, context), context)
      break
    case 'resume':
      await resumeMirrorlist(location, context)
      break
    case 'take snapshot':
      await takeSnapshot(location, task.name, await generationBefore(task.back, location, context), context)
      break
    case 'drop snapshot':
      await deleteSnapshot(location, task.name, context)
      break
    default:
      task satisfies never
  }
}

async function generationBefore(back: number, location: RepositoryLocation, context: RepositoryContext) {
  const generations = await listGenerations(location, context)
  const meant = generations[Math.min(back, generations.length - 1)]
  if (meant === undefined) throw new Error('no generation is kept')
  return meant.id
}

/** People take less time than the retention for what they decided; a timer may take any. */
export function isOfPerson({ kind }: Task): boolean {
  return kind !== 'clean up' && kind !== 'look again'
}
