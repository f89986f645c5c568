/**
 * The commands of the workers that a repository needs, as `init` prints them.
 */
import type { NotificationRule } from '@repokeeper/object-store'
import { commandToCopy, type Said } from './command-to-copy.ts'
import { defaultQueueNames, type QueueNames } from './init-names.ts'

interface Served {
  readonly bucket: string
  readonly root: string
  readonly names: QueueNames
  /** Those that the bucket has, before or after the queues got theirs. */
  readonly rules: readonly NotificationRule[]
}

export interface WorkersToStart {
  readonly commands: readonly string[]
  /** The queues serve more than can be named. */
  readonly isUnbounded: boolean
}

/** One for each queue. */
export function workersToStart(served: Served, said: Said): WorkersToStart {
  const kept = repositoriesOf(served)
  const only = kept === undefined ? [] : ['--repository', kept]
  const { names } = served
  return {
    commands: [names.additions, names.removals].map((queue) => commandToCopy(['worker', '-q', queue, ...only], said)),
    isUnbounded: kept === undefined,
  }
}

/**
 * A worker passes over what is of no repository of its own, and deletes the message. So all that its queue is told of has to be in what it keeps:
 * queues that bear the name of the repository serve it alone, others may serve those beside it, too, and are given all of one directory. Where
 * the bucket tells them of anything else, nothing that could be said would be right for long.
 */
function repositoriesOf({ bucket, root, names, rules }: Served): string | undefined {
  const own = defaultQueueNames(bucket, root)
  const isOwn = names.additions === own.additions && names.removals === own.removals
  if (isOwn || root === '') return `s3://${bucket}/${root}`.replace(/\/$/, '')
  const around = root.replace(/[^/]+\/$/, '')
  const isWithin = (prefix: string): boolean =>
    prefix === around || (prefix.startsWith(around) && /^[^/]+\/$/.test(prefix.slice(around.length)))
  const queues = [names.additions, names.removals]
  const ofThese = rules.filter(({ target, arn }) => target === 'queue' && queues.includes(arn.split(':').at(-1) ?? ''))
  return ofThese.every(({ prefix }) => isWithin(prefix)) ? `s3://${bucket}/${around}*` : undefined
}
