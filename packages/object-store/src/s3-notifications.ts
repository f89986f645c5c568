/**
 * What a bucket tells of its objects, and whom: read, and added to.
 */
import type { Event, NotificationConfiguration, QueueConfiguration } from '@aws-sdk/client-s3'
import { abortable, type S3Connection } from './s3-connection.ts'
import { readFault, type S3Fault, s3Error } from './s3-fault.ts'

/** Which events of which objects. */
export interface NotificationFilter {
  /** Such as `s3:ObjectCreated:*`. */
  readonly events: readonly string[]
  /** Of the keys; empty: any. */
  readonly prefix: string
  readonly suffix: string
}

/** What a bucket tells a queue of. */
export interface QueueNotification extends NotificationFilter {
  readonly queueArn: string
}

/** A rule that the bucket has. */
export interface NotificationRule extends NotificationFilter {
  /** S3 makes one up where nobody has chosen one; empty where a server has none. */
  readonly id: string
  readonly target: 'queue' | 'topic' | 'function'
  readonly arn: string
}

export interface BucketNotifications {
  /** To whatever they go: S3 takes no two for one event of one object, not even to targets of two kinds. */
  readonly rules: readonly NotificationRule[]
  /** Events go to EventBridge as well, whose rules may send them anywhere; it stands in the way of none. */
  readonly toEventBridge: boolean
}

/** What came of adding to them; of all but `added` nothing was changed. */
export type NotificationsAdded =
  | { readonly kind: 'added' }
  /** A target is not there, or does not let the bucket send: S3 tries it out. */
  | { readonly kind: 'target refused'; readonly reason: string }
  /** Another rule is for the same events of the same objects. */
  | { readonly kind: 'overlap'; readonly reason: string }
  /** The server does not know one of the events. */
  | { readonly kind: 'unknown event'; readonly reason: string }

/** @throws StoreError */
export async function readNotifications(
  connection: S3Connection,
  signal: AbortSignal | undefined,
): Promise<BucketNotifications> {
  return describe(await readConfiguration(connection, signal))
}

/**
 * Adds these to all that the bucket has, but for those that are among them. S3 knows no condition here: who else changes them in the same
 * moment may be overwritten, so this reads them just before.
 *
 * @throws StoreError
 */
export async function addNotifications(
  connection: S3Connection,
  added: readonly QueueNotification[],
  signal: AbortSignal | undefined,
): Promise<NotificationsAdded> {
  const { sdk, client, bucket } = connection
  const before = await readConfiguration(connection, signal)
  const { rules } = describe(before)
  const lacking = added.filter((one) => !rules.some((other) => isSame(one, other)))
  // Somebody else has added them: a second time S3 would call it an overlap.
  if (lacking.length === 0) return { kind: 'added' }
  const QueueConfigurations = [...(before.QueueConfigurations ?? []), ...lacking.map(format)]
  const configuration = { ...before, QueueConfigurations }
  try {
    const input = { Bucket: bucket, NotificationConfiguration: configuration }
    await client.send(new sdk.PutBucketNotificationConfigurationCommand(input), abortable(signal))
    return { kind: 'added' }
  } catch (thrown) {
    const fault = readFault(thrown, signal)
    const { message: reason } = s3Error(connection, fault, 'cannot write the notifications of the bucket')
    const kind = refusalOf(fault)
    if (kind !== undefined) return { kind, reason }
    throw s3Error(connection, fault, 'cannot write the notifications of the bucket')
  }
}

/**
 * S3 has one code, InvalidArgument, for all that it does not like about a configuration: only the sentences differ. (They are those of AWS, "List of
 * error codes", and of MinIO, cmd/api-errors.go.) That of an overlap speaks of an event, too, and is looked for first.
 */
function refusalOf({ status, message }: S3Fault): Exclude<NotificationsAdded['kind'], 'added'> | undefined {
  if (status !== 400) return undefined
  if (/configurations overlap|overlapping prefixes/i.test(message)) return 'overlap'
  if (/validate the following destination/i.test(message)) return 'target refused'
  return /\bevent\b.* (is|are) not supported/i.test(message) ? 'unknown event' : undefined
}

async function readConfiguration(
  connection: S3Connection,
  signal: AbortSignal | undefined,
): Promise<NotificationConfiguration> {
  const { sdk, client, bucket } = connection
  try {
    const command = new sdk.GetBucketNotificationConfigurationCommand({ Bucket: bucket })
    const { $metadata, ...configuration } = await client.send(command, abortable(signal))
    return configuration
  } catch (thrown) {
    throw s3Error(connection, readFault(thrown, signal), 'cannot read the notifications of the bucket')
  }
}

function isSame(one: QueueNotification, other: NotificationRule): boolean {
  const isLike = one.queueArn === other.arn && one.prefix === other.prefix && one.suffix === other.suffix
  return isLike && one.events.every((event) => other.events.includes(event))
}

function format({ queueArn, events, prefix, suffix }: QueueNotification): QueueConfiguration {
  const rules = [
    ...(prefix === '' ? [] : [{ Name: 'prefix' as const, Value: prefix }]),
    ...(suffix === '' ? [] : [{ Name: 'suffix' as const, Value: suffix }]),
  ]
  const filter = rules.length === 0 ? {} : { Filter: { Key: { FilterRules: rules } } }
  return { QueueArn: queueArn, Events: events as Event[], ...filter }
}

function describe(configuration: NotificationConfiguration): BucketNotifications {
  const { QueueConfigurations = [], TopicConfigurations = [], LambdaFunctionConfigurations = [] } = configuration
  const rules = [
    ...QueueConfigurations.map((one) => ruleOf('queue', one.QueueArn, one)),
    ...TopicConfigurations.map((one) => ruleOf('topic', one.TopicArn, one)),
    ...LambdaFunctionConfigurations.map((one) => ruleOf('function', one.LambdaFunctionArn, one)),
  ]
  return { rules, toEventBridge: configuration.EventBridgeConfiguration !== undefined }
}

function ruleOf(
  target: NotificationRule['target'],
  arn = '',
  { Id: id = '', Events: events = [], Filter }: Pick<QueueConfiguration, 'Id' | 'Events' | 'Filter'>,
): NotificationRule {
  const filters = Filter?.Key?.FilterRules ?? []
  // S3 answers "Prefix" to who wrote "prefix".
  const filterOf = (name: string) => filters.find(({ Name }) => Name?.toLowerCase() === name)?.Value ?? ''
  return { id, target, arn, events, prefix: filterOf('prefix'), suffix: filterOf('suffix') }
}
