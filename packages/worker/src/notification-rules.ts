/**
 * What a bucket has to tell the queues of a repository, and whether it does.
 */
import type { NotificationFilter, NotificationRule, QueueNotification } from '@repokeeper/object-store'

export type QueuePurpose = 'additions' | 'removals'

/** S3's names of events. Expiration by a lifecycle rule is an event of its own. */
const events: Readonly<Record<QueuePurpose, readonly string[]>> = {
  additions: ['s3:ObjectCreated:*'],
  removals: ['s3:ObjectRemoved:*', 's3:LifecycleExpiration:*'],
}

/** AWS, "Supported event types": what a `*` stands for, where somebody named each by itself. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  's3:ObjectCreated:*': ['Put', 'Post', 'Copy', 'CompleteMultipartUpload'],
  's3:ObjectRemoved:*': ['Delete', 'DeleteMarkerCreated'],
  's3:LifecycleExpiration:*': ['Delete', 'DeleteMarkerCreated'],
}

const suffix = '.rpm'

/** @param root of the repository: its packages and nothing else */
export function notificationFor(purpose: QueuePurpose, queueArn: string, root: string): QueueNotification {
  return { queueArn, events: events[purpose], prefix: root, suffix }
}

/** Which events of the wanted ones the queue is not told of yet. */
export function untold(wanted: QueueNotification, present: readonly NotificationRule[]): string[] {
  const covering = present.filter(
    ({ arn, prefix, suffix }) =>
      arn === wanted.queueArn && wanted.prefix.startsWith(prefix) && wanted.suffix.endsWith(suffix),
  )
  const told = covering.flatMap((one) => one.events)
  const isToldOf = (event: string): boolean => told.some((pattern) => covers(pattern, event))
  return wanted.events.filter((event) => {
    const each = kinds[event]?.map((kind) => event.replace('*', kind)) ?? []
    return !isToldOf(event) && (each.length === 0 || !each.every(isToldOf))
  })
}

/** An event that nobody misses where no lifecycle rule deletes packages, and that not every server knows. */
export function isExpiration(event: string): boolean {
  return event.startsWith('s3:LifecycleExpiration:')
}

/** Whether the queue is told of these events of every package, but for expirations. */
export function isTold(
  purpose: QueuePurpose,
  queueArn: string,
  root: string,
  present: readonly NotificationRule[],
): boolean {
  return untold(notificationFor(purpose, queueArn, root), present).every(isExpiration)
}

/**
 * The queues that are told of every package of a repository, and of packages alone: who has a rule for all files means something else by it.
 *
 * @returns their ARNs
 */
export function queuesTold(purpose: QueuePurpose, root: string, present: readonly NotificationRule[]): string[] {
  const ofPackages = present.filter((one) => one.target === 'queue' && one.suffix === suffix)
  return [...new Set(ofPackages.map(({ arn }) => arn))].filter((arn) => isTold(purpose, arn, root, ofPackages))
}

/**
 * A rule that stands in the way: S3 takes no two rules for one event whose filters overlap, wherever they lead.
 * Source: AWS, "Configuring event notifications using object key name filtering".
 */
export function findOverlap(
  wanted: NotificationFilter,
  present: readonly NotificationRule[],
): NotificationRule | undefined {
  return present.find(
    (one) =>
      wanted.events.some((event) => one.events.some((other) => covers(other, event) || covers(event, other))) &&
      (wanted.prefix.startsWith(one.prefix) || one.prefix.startsWith(wanted.prefix)) &&
      (wanted.suffix.endsWith(one.suffix) || one.suffix.endsWith(wanted.suffix)),
  )
}

function covers(pattern: string, event: string): boolean {
  return pattern === event || (pattern.endsWith('*') && event.startsWith(pattern.slice(0, -1)))
}
