/**
 * What `doctor` says of a bucket's notifications: whether all that happens to packages is told to queues, and how that is mended where it is not.
 */
import type { BucketNotifications } from '@repokeeper/object-store'
import { isTold, notificationFor, type QueuePurpose, type QueueState, untold } from '@repokeeper/worker'
import { type ChosenQueues, chooseQueues } from './choose-queues.ts'
import type { Connection } from './connection.ts'
import { CommandError, UsageError } from './failure.ts'
import type { OnFinding } from './finding.ts'
import type { OpenRepository } from './open-repository.ts'
import { planNotification, purposes } from './plan-notifications.ts'
import { describeKeys, howToNarrow } from './rule-in-the-way.ts'
import { enumerate } from './text-layout.ts'

export interface NotificationScene {
  readonly repository: OpenRepository
  readonly bucketName: string
  readonly notifications: BucketNotifications
  readonly connection: Connection
}

/** Of the rules, whoever was named to be looked at: a queue that is mistyped changes nothing about what the bucket tells. */
export function examineNotifications(scene: NotificationScene, onFinding: OnFinding): void {
  const { repository, notifications } = scene
  const { root } = repository.location
  const { rules, toEventBridge } = notifications
  for (const purpose of purposes) {
    const check = `events: ${purpose}`
    const told = toldOf(purpose, scene)
    const keys = describeKeys(notificationFor(purpose, '', root))
    if (told.length === 0 && toEventBridge) {
      const message = `no queue is told of all ${purpose} of ${keys} by the bucket; it tells EventBridge, whose rules are not looked at`
      onFinding({ check, verdict: 'warning', message })
    } else if (told.length === 0) {
      const message = `no queue is told of all ${purpose} of ${keys}`
      const remedy = `Without them nothing is published; ${howToAdd(purpose, scene)}`
      onFinding({ check, verdict: 'problem', message, remedy })
    } else {
      const missed = told.every((arn) => untold(notificationFor(purpose, arn, root), rules).length > 0)
      const remark = missed ? ', but not what a lifecycle rule deletes, which stays listed until an audit finds it' : ''
      onFinding({ check, verdict: 'ok', message: `${keys} goes to ${enumerate(told.map(nameIn))}${remark}` })
    }
  }
}

/** A queue that was named, and is there, but not told of anything. */
export function examineWhetherTold(scene: NotificationScene, { name, arn }: QueueState, onFinding: OnFinding): void {
  const { rules, toEventBridge } = scene.notifications
  if (toEventBridge || rules.some((rule) => rule.arn === arn)) return
  const message = 'the bucket tells it nothing'
  const remedy = othersTold(scene) ?? `Check its name; ${howToAdd('additions', scene)}`
  onFinding({ check: 'queue', subject: name, verdict: 'problem', message, remedy })
}

/** What to do about a queue that was named, and is not there. */
export function remedyForMissing(scene: NotificationScene, queue: string): string {
  const { repository, notifications } = scene
  const { name, toCopy } = repository
  const isTheirs = notifications.rules.some(({ arn, target }) => target === 'queue' && nameIn(arn) === queue)
  if (!isTheirs) return othersTold(scene) ?? `Check its name; ${howToAdd('additions', scene)}`
  return isChosen(scene, queue)
    ? `The bucket tells it all the same; "${toCopy('init', name)}" makes it again`
    : 'The bucket tells it all the same: make it again, or take the rule out of the bucket'
}

/** The command that gives a queue what it lacks; `undefined` where `init` would take other ones. */
export function initOf(scene: NotificationScene, queue: string): string | undefined {
  const { name, toCopy } = scene.repository
  return isChosen(scene, queue) ? toCopy('init', name) : undefined
}

function isChosen(scene: NotificationScene, queue: string): boolean {
  const chosen = choose(scene)
  return !(chosen instanceof Error) && [chosen.names.additions, chosen.names.removals].includes(queue)
}

/** Names to look at instead. */
function othersTold(scene: NotificationScene): string | undefined {
  const { name, toCopy } = scene.repository
  const told = [...new Set(purposes.flatMap((purpose) => toldOf(purpose, scene)).map(nameIn))]
  if (told.length === 0) return undefined
  return `The bucket tells ${enumerate(told)}: "${toCopy('doctor', name, ...told.flatMap((one) => ['-q', one]))}"`
}

/** ARNs. */
function toldOf(purpose: QueuePurpose, { repository, notifications: { rules } }: NotificationScene): string[] {
  const arns = new Set(rules.flatMap(({ target, arn }) => (target === 'queue' ? [arn] : [])))
  return [...arns].filter((arn) => isTold(purpose, arn, repository.location.root, rules))
}

/** As `init` would; where it could not, what is in its way. */
function howToAdd(purpose: QueuePurpose, scene: NotificationScene): string {
  const { repository, bucketName, notifications, connection } = scene
  const { name, toCopy } = repository
  const { rules } = notifications
  const chosen = choose(scene)
  if (chosen instanceof Error) return chosen.message
  try {
    planNotification(purpose, {
      root: repository.location.root,
      names: chosen.names,
      queues: { additions: undefined, removals: undefined },
      rules,
      narrow: (rule, wanted) => howToNarrow(rule, wanted, bucketName, connection),
    })
    return `"${toCopy('init', name)}" adds what is missing`
  } catch (error) {
    if (error instanceof CommandError) return error.message
    throw error
  }
}

function choose({ repository, bucketName, notifications: { rules } }: NotificationScene): ChosenQueues | UsageError {
  try {
    return chooseQueues(bucketName, repository.location.root, {}, rules)
  } catch (error) {
    if (error instanceof UsageError) return error
    throw error
  }
}

function nameIn(arn: string): string {
  return arn.split(':').at(-1) ?? arn
}
