/**
 * The notifications of a bucket to the queues of a repository: added to those that it has.
 */
import type { NotificationRule, QueueNotification, S3Bucket } from '@repokeeper/object-store'
import type { QueuePurpose, QueueState } from '@repokeeper/worker'
import { CommandError } from './failure.ts'
import type { SetupStep } from './init-queues.ts'
import { type NotificationPlan, planNotifications } from './plan-notifications.ts'
import { describeRule } from './rule-in-the-way.ts'

type NotifyingBucket = Pick<S3Bucket, 'readNotifications' | 'addNotifications'>

export interface NotificationSetup {
  /** `undefined` in a dry run: it is not there yet. */
  readonly bucket: NotifyingBucket | undefined
  readonly root: string
  /** By what they are called, and as they are there by now. */
  readonly names: Readonly<Record<QueuePurpose, string>>
  readonly queues: { readonly [P in QueuePurpose]: Pick<QueueState, 'arn'> | undefined }
  /** What to do about a rule that stands in the way of another. */
  readonly narrow: (rule: NotificationRule, wanted: QueueNotification) => string
  readonly dryRun: boolean
  /** Rejects where somebody wants the command to end. */
  readonly pause: (milliseconds: number) => Promise<unknown>
  /** From 0 to 1. */
  readonly random: () => number
  readonly onStep: (step: SetupStep) => void
}

/**
 * S3 tries the queue out when a notification is made, and a policy that was just written takes up to a minute to be known
 * (AWS, SetQueueAttributes).
 */
const policyTries = { most: 14, pauseMs: 5_000 } as const

/**
 * S3 has one document for all notifications of a bucket, and no condition to write it on: who read it before we wrote takes ours out
 * again. It is looked at once more when such a one has written, at a moment that nobody else has chosen, too.
 */
const lookingBack = { most: 10, pauseMs: 400, spreadMs: 400 } as const

/** @throws StoreError, CommandError `OVERLAPPING_NOTIFICATION`, `NOTIFICATION_LOST`, `NOTIFICATION_REFUSED` */
export async function setUpNotifications(setup: NotificationSetup): Promise<void> {
  const { bucket, root, dryRun, onStep } = setup
  const plans = await readPlans(setup)
  const knowsExpirations = dryRun || bucket === undefined || (await addAll(bucket, plans, setup))
  for (const plan of plans) {
    const details = describeUntold(plan, knowsExpirations)
    const outcome = plan.kind === 'missing' ? 'created' : 'there already'
    onStep({ what: `notification of ${plan.purpose}`, name: `${root}*.rpm`, outcome, ...(details && { details }) })
  }
}

async function readPlans({ bucket, ...setup }: NotificationSetup): Promise<readonly NotificationPlan[]> {
  const rules = (await bucket?.readNotifications())?.rules ?? []
  return planNotifications({ ...setup, rules })
}

/** What nobody will be told of, and what follows from that; empty where that is nothing. */
function describeUntold(plan: NotificationPlan, knowsExpirations: boolean): string {
  const isAdded = plan.kind === 'missing'
  const untold = isAdded ? [...plan.leftOut, ...(knowsExpirations ? [] : plan.expirations)] : plan.untold
  if (untold.length === 0) return ''
  const why = !isAdded ? '' : plan.because === undefined ? unknown : ` (the bucket sends ${describeRule(plan.because)})`
  return `without ${untold.join(', ')}${why}: a package that a lifecycle rule deletes stays listed until an audit finds it, of a worker's or "repokeeper audit"`
}

const unknown = ' (which this server does not know)'

/** @returns whether the server knows expirations, where they were asked for */
async function addAll(
  bucket: NotifyingBucket,
  plans: readonly NotificationPlan[],
  setup: NotificationSetup,
): Promise<boolean> {
  const { most, pauseMs, spreadMs } = lookingBack
  let missing = missingOf(plans)
  let knowsExpirations = true
  let lastOverlap: string | undefined
  for (let look = 1; missing.length > 0 && look <= most; look += 1) {
    const rules = knowsExpirations ? missing.map(({ rule }) => rule) : missing.map(withoutExpirations)
    const added = await add(bucket, rules, setup.pause)
    lastOverlap = added.kind === 'overlap' ? added.reason : undefined
    if (added.kind === 'unknown event') {
      if (!knowsExpirations || missing.every(({ expirations }) => expirations.length === 0)) throw refused(added.reason)
      knowsExpirations = false
      continue
    }
    await setup.pause(pauseMs + setup.random() * spreadMs)
    // Of an overlap that came meanwhile this says which rule it is.
    missing = missingOf(await readPlans(setup))
  }
  if (missing.length === 0) return knowsExpirations
  if (lastOverlap !== undefined) throw refused(lastOverlap)
  throw new CommandError(
    'NOTIFICATION_LOST',
    `others changed the notifications of the bucket ${most} times meanwhile, and took ours out with it: let them end, then say the same again`,
  )
}

type Missing = Extract<NotificationPlan, { kind: 'missing' }>

function missingOf(plans: readonly NotificationPlan[]): Missing[] {
  return plans.filter((plan) => plan.kind === 'missing')
}

/** Servers other than Amazon's need not know that event. */
function withoutExpirations({ rule, expirations }: Missing): QueueNotification {
  return { ...rule, events: rule.events.filter((event) => !expirations.includes(event)) }
}

type Added = Exclude<Awaited<ReturnType<NotifyingBucket['addNotifications']>>, { kind: 'target refused' }>

async function add(
  bucket: NotifyingBucket,
  rules: readonly QueueNotification[],
  pause: NotificationSetup['pause'],
): Promise<Added> {
  for (let attempt = 1; ; attempt += 1) {
    const added = await bucket.addNotifications(rules)
    if (added.kind !== 'target refused') return added
    if (attempt === policyTries.most) throw refused(added.reason)
    await pause(policyTries.pauseMs)
  }
}

function refused(reason: string): CommandError {
  return new CommandError('NOTIFICATION_REFUSED', `${reason}. What was done before stays; nothing was changed there`)
}
