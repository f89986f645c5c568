/**
 * The notifications of a bucket to the queues of a repository: added to those that it has.
 */
import { type QueueNotification, type S3Bucket, StoreError } from '@repokeeper/object-store'
import { findOverlap, isTold, notificationFor, type QueuePurpose, type QueueState } from '@repokeeper/worker'
import { CommandError } from './failure.ts'
import type { SetupStep } from './init-queues.ts'

type NotifyingBucket = Pick<S3Bucket, 'readNotifications' | 'addNotifications'>

export interface NotificationPlace {
  /** `undefined` in a dry run: it is not there yet. */
  readonly bucket: NotifyingBucket | undefined
  readonly root: string
  /** `undefined`: it is not there yet. */
  readonly queues: { readonly [P in QueuePurpose]: Pick<QueueState, 'arn'> | undefined }
}

export interface NotificationSetup extends NotificationPlace {
  readonly dryRun: boolean
  /** Rejects where somebody wants the command to end. */
  readonly pause: (milliseconds: number) => Promise<unknown>
  /** From 0 to 1. */
  readonly random: () => number
  readonly onStep: (step: SetupStep) => void
}

const purposes: readonly QueuePurpose[] = ['additions', 'removals']

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

/** @throws StoreError, CommandError `OVERLAPPING_NOTIFICATION`, `NOTIFICATION_LOST` */
export async function setUpNotifications(setup: NotificationSetup): Promise<void> {
  const { bucket, root, dryRun, onStep } = setup
  const wanted = await missingNotifications(setup)
  if (wanted.size > 0 && !dryRun && bucket !== undefined) await addAll(bucket, wanted, setup)
  for (const purpose of purposes) {
    const outcome = wanted.has(purpose) ? 'created' : 'there already'
    onStep({ what: `notification of ${purpose}`, name: `${root}*.rpm`, outcome })
  }
}

/**
 * What the bucket does not tell the queues yet.
 *
 * @throws StoreError, CommandError `OVERLAPPING_NOTIFICATION` where it cannot be told to tell
 */
export async function missingNotifications({
  bucket,
  root,
  queues,
}: NotificationPlace): Promise<Map<QueuePurpose, QueueNotification>> {
  const present = (await bucket?.readNotifications())?.queues ?? []
  const missing = new Map<QueuePurpose, QueueNotification>()
  for (const purpose of purposes) {
    const arn = queues[purpose]?.arn
    if (arn !== undefined && isTold(purpose, arn, root, present)) continue
    const wanted = notificationFor(purpose, arn ?? '', root)
    refuseOverlap(wanted, present)
    missing.set(purpose, wanted)
  }
  return missing
}

function refuseOverlap(wanted: QueueNotification, present: readonly QueueNotification[]): void {
  const other = findOverlap(wanted, present)
  if (other === undefined) return
  const filter = `${other.prefix}*${other.suffix}`
  throw new CommandError(
    'OVERLAPPING_NOTIFICATION',
    `the bucket sends ${other.events.join(', ')} of ${filter} to ${other.queueArn} already, and S3 takes no second rule for the same ` +
      `events. Nothing was changed in the notifications. Name that queue (--add-queue, --remove-queue) where it is to be the one, or ` +
      `narrow that rule to other keys than ${wanted.prefix}*${wanted.suffix}.`,
  )
}

async function addAll(
  bucket: NotifyingBucket,
  wanted: ReadonlyMap<QueuePurpose, QueueNotification>,
  setup: NotificationSetup,
): Promise<void> {
  const { most, pauseMs, spreadMs } = lookingBack
  let missing = wanted
  for (let look = 1; look <= most; look += 1) {
    await add(bucket, [...missing.values()], setup.pause)
    await setup.pause(pauseMs + setup.random() * spreadMs)
    missing = await missingNotifications(setup)
    if (missing.size === 0) return
  }
  throw new CommandError(
    'NOTIFICATION_LOST',
    `others changed the notifications of the bucket ${most} times meanwhile, and took ours out with it: let them end, then say the same again`,
  )
}

async function add(
  bucket: NotifyingBucket,
  added: readonly QueueNotification[],
  pause: NotificationSetup['pause'],
): Promise<void> {
  let next = added
  for (let attempt = 1; ; attempt += 1) {
    try {
      await bucket.addNotifications(next)
      return
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'FAILED') throw error
      const without = withoutExpirations(next)
      if (/validate the following destination/i.test(error.message)) {
        if (attempt === policyTries.most) throw error
        await pause(policyTries.pauseMs)
      } else if (/event/i.test(error.message) && without !== undefined) next = without
      else throw error
    }
  }
}

/** Servers other than Amazon's need not know that event. `undefined` where it is not asked for. */
function withoutExpirations(rules: readonly QueueNotification[]): readonly QueueNotification[] | undefined {
  const isPlain = (event: string): boolean => !event.startsWith('s3:LifecycleExpiration:')
  if (rules.every(({ events }) => events.every(isPlain))) return undefined
  return rules.map((rule) => ({ ...rule, events: rule.events.filter(isPlain) }))
}
