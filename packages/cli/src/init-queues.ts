/**
 * The queues of a repository: made where they are not there, and of one that is there only what it lacks is changed.
 */
import {
  bucketSender,
  letsSend,
  type QueueDesk,
  type QueuePurpose,
  type QueueState,
  receiveCountMin,
  withSender,
} from '@repokeeper/worker'
import type { ChosenQueues } from './choose-queues.ts'
import { CommandError } from './failure.ts'
import type { QueueNames } from './init-names.ts'

/** One thing that a repository needs, and what became of it. */
export interface SetupStep {
  readonly what: string
  readonly name: string
  readonly outcome: 'created' | 'changed' | 'there already' | 'left as it is'
  readonly details?: string
}

export interface SetupQueues {
  /** `undefined` in a dry run: it is not there yet. */
  readonly additions: QueueState | undefined
  readonly removals: QueueState | undefined
}

/** The queues that are there before anything is made. */
export interface FoundQueues extends SetupQueues {
  readonly deadLetters: QueueState | undefined
}

export interface QueueSetup {
  readonly desk: QueueDesk
  readonly bucket: string
  readonly chosen: ChosenQueues
  readonly found: FoundQueues
  readonly dryRun: boolean
  readonly onStep: (step: SetupStep) => void
}

/** What the step of the dead-letter queue is called: its name need not be the one that was asked for. */
export const deadLetterStep = 'dead-letter queue'
/** A worker that starts again after a bad weekend still finds the notifications, and who looks after dead letters has two weeks. */
const retentionDays = { queue: 7, deadLetters: 14 } as const
/** The worker's own default; it also says so with each receive. */
const visibilityTimeoutSeconds = 120
const longPollSeconds = 20
/** Tries of a message: enough to outlive an outage, few enough to see a bad package on the same day. */
const maxReceiveCount = 5

/**
 * Looks for the queues, and whether those that are there will do.
 *
 * @throws QueueError, CommandError `QUEUE_POLICY`
 */
export async function findQueues(desk: QueueDesk, { names, told }: ChosenQueues, bucket: string): Promise<FoundQueues> {
  // By the ARN: it may be another account's.
  const additions = await desk.find(told.additions ?? names.additions)
  const removals = await desk.find(told.removals ?? names.removals)
  for (const there of [additions, removals]) {
    if (there !== undefined) policyWith(there.policy, there.name, bucket, there.arn)
  }
  return { additions, removals, deadLetters: await desk.find(names.deadLetters) }
}

/** The dead-letter queue first: the others name it. @throws QueueError, CommandError */
export async function setUpQueues(setup: QueueSetup): Promise<SetupQueues> {
  const { found } = setup
  const deadLetters = await setUpDeadLetters(setup)
  return {
    additions: await setUpQueue('additions', found.additions, deadLetters, setup),
    removals: await setUpQueue('removals', found.removals, deadLetters, setup),
  }
}

async function setUpDeadLetters({ desk, chosen, found, dryRun, onStep }: QueueSetup): Promise<QueueState | undefined> {
  const { names, isDeadLetterUsual } = chosen
  const what = deadLetterStep
  const others = otherDeadLetters(found, names)
  if (others !== undefined) {
    onStep({ what, name: others.join(', '), outcome: 'there already' })
    return undefined
  }
  const name = names.deadLetters
  const details = isDeadLetterUsual && { details: 'no --dead-letter-queue was named' }
  if (found.deadLetters !== undefined || dryRun) {
    const outcome = found.deadLetters === undefined ? 'created' : 'there already'
    onStep({ what, name, outcome, ...(outcome === 'created' && details) })
    return found.deadLetters
  }
  const made = await desk.create(name, { MessageRetentionPeriod: String(retentionDays.deadLetters * 86_400) })
  onStep({ what, name, outcome: 'created', ...details })
  return made
}

/** Where both queues have one, and none of them the one that was named: one more would stay empty. */
function otherDeadLetters(
  { additions, removals, deadLetters }: FoundQueues,
  names: QueueNames,
): readonly string[] | undefined {
  const targets = [additions, removals].map((queue) => queue?.redrive?.deadLetterTargetArn)
  const others = targets.filter((arn) => arn !== undefined)
  const isNamed = (arn: string): boolean =>
    deadLetters === undefined ? arn.split(':').at(-1) === names.deadLetters : arn === deadLetters.arn
  if (others.length < targets.length || others.some(isNamed)) return undefined
  return [...new Set(others.map((arn) => arn.split(':').at(-1) ?? arn))]
}

async function setUpQueue(
  purpose: QueuePurpose,
  there: QueueState | undefined,
  deadLetters: QueueState | undefined,
  { desk, bucket, chosen, dryRun, onStep }: QueueSetup,
): Promise<QueueState | undefined> {
  const what = `queue of ${purpose}`
  const name = chosen.names[purpose]
  const told = chosen.told[purpose] === undefined ? [] : ['the one that the bucket tells']
  if (there === undefined) {
    const made =
      dryRun || deadLetters === undefined ? undefined : await desk.create(name, newQueue(name, bucket, deadLetters))
    const details = [...told, 'long polling', 'dead-letter queue', 'policy'].join(', ')
    onStep({ what, name, outcome: 'created', details })
    return made
  }
  const { settings, changes, remarks } = lacking(there, bucket, deadLetters)
  const details = [...told, ...changes, ...remarks].join(', ')
  if (changes.length > 0 && !dryRun) await desk.configure(there, settings)
  onStep({ what, name, outcome: changes.length > 0 ? 'changed' : 'there already', ...(details !== '' && { details }) })
  return there
}

function newQueue(name: string, bucket: string, deadLetters: QueueState) {
  // Queues of one account and region differ in the last part only, and a policy that comes later would be one more moment without.
  const arn = deadLetters.arn.replace(/[^:]*$/, name)
  return {
    VisibilityTimeout: String(visibilityTimeoutSeconds),
    ReceiveMessageWaitTimeSeconds: String(longPollSeconds),
    MessageRetentionPeriod: String(retentionDays.queue * 86_400),
    RedrivePolicy: redriveTo(deadLetters.arn),
    Policy: policyWith(undefined, name, bucket, arn),
  }
}

/** What a person has chosen stays; what is not there at all is added. */
function lacking(queue: QueueState, bucket: string, deadLetters: QueueState | undefined) {
  const settings: Record<string, string> = {}
  const changes: string[] = []
  const remarks: string[] = []
  if (queue.redrive === undefined) {
    changes.push('dead-letter queue')
    if (deadLetters !== undefined) settings.RedrivePolicy = redriveTo(deadLetters.arn)
  } else if (queue.redrive.deadLetterTargetArn !== deadLetters?.arn) {
    remarks.push(`its dead-letter queue is ${queue.redrive.deadLetterTargetArn.split(':').at(-1)}, and stays so`)
  } else if (queue.redrive.maxReceiveCount < receiveCountMin) {
    remarks.push(
      `maxReceiveCount is ${queue.redrive.maxReceiveCount}, and stays so: ${maxReceiveCount} would be better`,
    )
  }
  if (queue.waitSeconds === 0) {
    changes.push('long polling')
    settings.ReceiveMessageWaitTimeSeconds = String(longPollSeconds)
  }
  const verdict = letsSend(queue.policy, bucketSender(bucket, queue.arn))
  if (verdict.kind === 'not allowed') {
    changes.push('policy')
    settings.Policy = policyWith(queue.policy, queue.name, bucket, queue.arn)
  } else if (verdict.from === 'anybody') {
    remarks.push('its policy lets more than this bucket send, and stays so')
  }
  return { settings, changes, remarks }
}

function redriveTo(deadLetterTargetArn: string): string {
  return JSON.stringify({ deadLetterTargetArn, maxReceiveCount })
}

/** @throws CommandError where no statement more would help */
function policyWith(policy: string | undefined, queue: string, bucket: string, arn: string): string {
  const sender = bucketSender(bucket, arn)
  const next = withSender(policy, sender)
  if (next !== undefined && letsSend(next, sender).kind === 'allowed') return next
  const why = next === undefined ? 'cannot be read' : `denies sqs:SendMessage to ${sender.bucketArn}`
  throw new CommandError('QUEUE_POLICY', `the policy of the queue ${queue} ${why}: change it, or name another queue`)
}
