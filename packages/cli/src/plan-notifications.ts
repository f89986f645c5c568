/**
 * What a bucket has to be told to tell the queues of a repository, by the rules that it has. Plain data: a dry run shows it, `doctor` judges by it.
 */
import type { NotificationRule, QueueNotification } from '@repokeeper/object-store'
import {
  findOverlap,
  isExpiration,
  isTold,
  notificationFor,
  type QueuePurpose,
  type QueueState,
  untold,
} from '@repokeeper/worker'
import { CommandError } from './failure.ts'
import { describeKeys, describeRule } from './rule-in-the-way.ts'

export const purposes: readonly QueuePurpose[] = ['additions', 'removals']

export interface QueuesToTell {
  readonly root: string
  readonly names: Readonly<Record<QueuePurpose, string>>
  /** `undefined`: it is not there yet. */
  readonly queues: { readonly [P in QueuePurpose]: Pick<QueueState, 'arn'> | undefined }
  /** Those that the bucket has. */
  readonly rules: readonly NotificationRule[]
  readonly narrow: (rule: NotificationRule, wanted: QueueNotification) => string
}

export type NotificationPlan =
  /** The queue is told, but for expirations at most: those that it is not told of. */
  | { readonly kind: 'told'; readonly purpose: QueuePurpose; readonly untold: readonly string[] }
  | {
      readonly kind: 'missing'
      readonly purpose: QueuePurpose
      readonly rule: QueueNotification
      /** Events of the rule that it can do without. */
      readonly expirations: readonly string[]
      /** Events that it has to do without: another rule has them. */
      readonly leftOut: readonly string[]
      readonly because: NotificationRule | undefined
    }

/** @throws CommandError `OVERLAPPING_NOTIFICATION` where a rule stands in the way of what no repository can do without */
export function planNotifications(place: QueuesToTell): NotificationPlan[] {
  return purposes.map((purpose) => planNotification(purpose, place))
}

/** Of one of the two. @throws CommandError `OVERLAPPING_NOTIFICATION` */
export function planNotification(
  purpose: QueuePurpose,
  { root, names, queues, rules, narrow }: QueuesToTell,
): NotificationPlan {
  // A queue that was deleted, and is made again by its name, has the ARN that it had.
  const arn = queues[purpose]?.arn ?? rules.find((rule) => isOf(rule, names[purpose]))?.arn ?? ''
  const wanted = notificationFor(purpose, arn, root)
  if (isTold(purpose, arn, root, rules)) return { kind: 'told', purpose, untold: untold(wanted, rules) }
  const essential = { ...wanted, events: wanted.events.filter((event) => !isExpiration(event)) }
  const inTheWay = findOverlap(essential, rules)
  if (inTheWay !== undefined) throw overlapping(purpose, inTheWay, essential, narrow(inTheWay, essential))
  const expirations = wanted.events.filter(isExpiration)
  const because = findOverlap({ ...wanted, events: expirations }, rules)
  return because === undefined
    ? { kind: 'missing', purpose, rule: wanted, expirations, leftOut: [], because }
    : { kind: 'missing', purpose, rule: essential, expirations: [], leftOut: expirations, because }
}

function isOf({ target, arn }: NotificationRule, queue: string): boolean {
  return target === 'queue' && arn.split(':').at(-1) === queue
}

function overlapping(
  purpose: QueuePurpose,
  rule: NotificationRule,
  wanted: QueueNotification,
  narrow: string,
): CommandError {
  const taken = `the bucket sends ${describeRule(rule)} already, and S3 takes no second rule for the same events of the same keys.`
  if (rule.arn === wanted.queueArn) {
    const whole = `${wanted.events.join(', ')} of ${describeKeys(wanted)}`
    return new CommandError(
      'OVERLAPPING_NOTIFICATION',
      `${taken} It is a part of what that queue needs: delete it, or make it ${whole}.`,
    )
  }
  const [flag, other] = purpose === 'additions' ? ['--add-queue', '--remove-queue'] : ['--remove-queue', '--add-queue']
  const queue = rule.arn.split(':').at(-1)
  const take =
    rule.target === 'queue'
      ? `Where that queue is to be the one of ${purpose}, name it, and the other as well: ${flag} ${queue} ${other} NAME. Else narrow`
      : 'Narrow'
  return new CommandError(
    'OVERLAPPING_NOTIFICATION',
    `${taken} ${take} that rule to other keys than ${describeKeys(wanted)}. ${narrow}`,
  )
}
