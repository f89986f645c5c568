/**
 * The notifications of a bucket to the queues of a repository: added to those that it has.
 */
import { type QueueNotification, type S3Bucket, StoreError } from '@repokeeper/object-store'
import { findOverlap, isTold, notificationFor, type QueuePurpose, type QueueState } from '@repokeeper/worker'
import { CommandError } from './failure.ts'
import type { SetupStep } from './init-queues.ts'

export interface NotificationSetup {
  /** `undefined` in a dry run: it is not there yet. */
  readonly bucket: Pick<S3Bucket, 'readNotifications' | 'addNotifications'> | undefined
  readonly root: string
  readonly queues: { readonly [P in QueuePurpose]: Pick<QueueState, 'arn'> | undefined }
  readonly dryRun: boolean
  /** Rejects where somebody wants the command to end. */
  readonly pause: (milliseconds: number) => Promise<unknown>
  readonly onStep: (step: SetupStep) => void
}

const purposes: readonly QueuePurpose[] = ['additions', 'removals']

/**
 * S3 tries the queue out when a notification is made, and a policy that was just written takes up to a minute to be known
 * (AWS, SetQueueAttributes).
 */
const policyTries = { most: 14, pauseMs: 5_000 } as const

/** @throws StoreError, CommandError `OVERLAPPING_NOTIFICATION` */
export async function setUpNotifications(setup: NotificationSetup): Promise<void> {
  const { bucket, root, queues, dryRun, onStep } = setup
  const present = (await bucket?.readNotifications())?.queues ?? []
  const added: QueueNotification[] = []
  const steps: SetupStep[] = []
  for (const purpose of purposes) {
    const arn = queues[purpose]?.arn
    const what = `notification of ${purpose}`
    const name = `${root}*.rpm`
    if (arn !== undefined && isTold(purpose, arn, root, present)) {
      steps.push({ what, name, outcome: 'there already' })
      continue
    }
    const wanted = notificationFor(purpose, arn ?? '', root)
    refuseOverlap(wanted, present)
    added.push(wanted)
    steps.push({ what, name, outcome: 'created' })
  }
  if (added.length > 0 && !dryRun && bucket !== undefined) await add(bucket, added, setup.pause)
  for (const step of steps) onStep(step)
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

async function add(
  bucket: Pick<S3Bucket, 'addNotifications'>,
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
