/**
 * Which queues a repository gets: those that a person named, else those that the bucket tells already, else two of its own.
 */
import type { NotificationRule } from '@repokeeper/object-store'
import { type QueuePurpose, queuesTold } from '@repokeeper/worker'
import { UsageError } from './failure.ts'
import { defaultQueueNames, type QueueNames } from './init-names.ts'

/** As the options have them. */
export interface NamedQueues {
  readonly addQueue?: string | undefined
  readonly removeQueue?: string | undefined
  readonly deadLetterQueue?: string | undefined
}

export interface ChosenQueues {
  readonly names: QueueNames
  /** ARNs of those that were found in the notifications of the bucket, and not named by anybody. */
  readonly told: { readonly [P in QueuePurpose]?: string | undefined }
  /** The dead-letter queue has the usual name although the others were named. */
  readonly isDeadLetterUsual: boolean
}

/** What is wrong with the names alone is said before anything is asked. @throws UsageError */
export function checkNames({ addQueue, removeQueue, deadLetterQueue }: NamedQueues): void {
  for (const name of [addQueue, removeQueue, deadLetterQueue]) {
    // AWS, "Amazon SQS message quotas"; S3 sends to no FIFO queue.
    if (name !== undefined && !/^[A-Za-z0-9_-]{1,80}$/.test(name)) {
      throw new UsageError(
        `${JSON.stringify(name)} is no queue name: letters, digits, - and _, 80 at most, and no FIFO queue`,
      )
    }
  }
  if (deadLetterQueue !== undefined && [addQueue, removeQueue].includes(deadLetterQueue)) {
    throw new UsageError(`${deadLetterQueue} cannot be its own dead-letter queue: name another one`)
  }
  if (addQueue !== undefined && addQueue === removeQueue) throw sameForBoth(addQueue)
}

/**
 * @param rules of the bucket
 * @throws UsageError where one queue would be two, or one of the pair is nobody's guess
 */
export function chooseQueues(
  bucket: string,
  root: string,
  named: NamedQueues,
  rules: readonly NotificationRule[],
): ChosenQueues {
  const { addQueue, removeQueue, deadLetterQueue } = named
  const usual = defaultQueueNames(bucket, root)
  const told = {
    additions: addQueue === undefined ? toldQueue('additions', root, usual.additions, rules) : undefined,
    removals: removeQueue === undefined ? toldQueue('removals', root, usual.removals, rules) : undefined,
  }
  const additions = addQueue ?? nameIn(told.additions)
  const removals = removeQueue ?? nameIn(told.removals)
  requirePair(named, { additions, removals })
  const names = {
    additions: additions ?? usual.additions,
    removals: removals ?? usual.removals,
    deadLetters: deadLetterQueue ?? usual.deadLetters,
  }
  checkNames({ addQueue: names.additions, removeQueue: names.removals, deadLetterQueue: names.deadLetters })
  const isNamed = names.additions !== usual.additions || names.removals !== usual.removals
  return { names, told, isDeadLetterUsual: isNamed && deadLetterQueue === undefined }
}

/** The one that is told of these packages; its own where it is among several. */
function toldQueue(
  purpose: QueuePurpose,
  root: string,
  usual: string,
  rules: readonly NotificationRule[],
): string | undefined {
  const told = queuesTold(purpose, root, rules)
  return told.find((arn) => nameIn(arn) === usual) ?? told[0]
}

/** Who names one of two means a pair, the other of which nobody here knows the name of. */
function requirePair(
  { addQueue, removeQueue }: NamedQueues,
  { additions, removals }: { readonly [P in QueuePurpose]: string | undefined },
): void {
  if (addQueue !== undefined && removals === undefined) throw halfOfPair('--add-queue', addQueue, '--remove-queue')
  if (removeQueue !== undefined && additions === undefined)
    throw halfOfPair('--remove-queue', removeQueue, '--add-queue')
}

function halfOfPair(flag: string, queue: string, other: string): UsageError {
  return new UsageError(
    `${flag} ${queue} is one of two, and the bucket tells no other: name that one, too (${other}), or neither for two of the repository's own`,
  )
}

function sameForBoth(queue: string): UsageError {
  return new UsageError(
    `${queue} cannot be the queue of additions and of removals at once: a flood of uploads would hold up removals, and nobody could see in ` +
      'which of the two something waits. Name two (--add-queue, --remove-queue)',
  )
}

function nameIn(arn: string | undefined): string | undefined {
  return arn?.split(':').at(-1)
}
