import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { childrenOf, textOf, type XmlElement, type XmlNode } from '../xml.ts'
import { S3Error } from './error.ts'

export const notificationConfigurationSchema = z.array(
  z.object({
    id: z.string(),
    queueArn: z.string(),
    /** Such as `s3:ObjectCreated:*`. */
    events: z.array(z.string()),
    prefix: z.string().optional(),
    suffix: z.string().optional(),
  }),
)
export type NotificationConfiguration = z.output<typeof notificationConfigurationSchema>
export type QueueConfiguration = NotificationConfiguration[number]

/** What happens here; a configuration may name others of AWS's, too, that never come. */
export type ObjectEvent =
  | 'ObjectCreated:Put'
  | 'ObjectCreated:Copy'
  | 'ObjectCreated:CompleteMultipartUpload'
  | 'ObjectRemoved:Delete'

/** Source: AWS, "Supported event types for SQS, SNS and Lambda". */
const knownEvent =
  /^s3:(ObjectCreated:(\*|Put|Post|Copy|CompleteMultipartUpload)|ObjectRemoved:(\*|Delete|DeleteMarkerCreated)|ReducedRedundancyLostObject|ObjectRestore:(\*|Post|Completed|Delete)|Replication:(\*|Operation\w+)|LifecycleExpiration:(\*|Delete|DeleteMarkerCreated)|LifecycleTransition|IntelligentTiering|ObjectAcl:Put|ObjectTagging:(\*|Put|Delete))$/

/**
 * Reads `<NotificationConfiguration>` with its `<QueueConfiguration>`s.
 * @throws S3Error InvalidArgument, MalformedXML; NotImplemented for destinations other than queues.
 */
export function parseNotificationConfiguration(root: XmlElement): NotificationConfiguration {
  if (root.name !== 'NotificationConfiguration') throw new S3Error('MalformedXML')
  const configurations = root.children.map((element) => {
    if (element.name !== 'QueueConfiguration') {
      throw new S3Error(
        'NotImplemented',
        `local-cloud sends notifications to SQS queues only, not to a ${element.name}.`,
      )
    }
    return parseQueueConfiguration(element)
  })
  if (new Set(configurations.map(({ id }) => id)).size < configurations.length) {
    throw new S3Error('InvalidArgument', 'Same ID used for multiple configurations. IDs must be unique')
  }
  assertNoOverlap(configurations)
  return configurations
}

export function formatNotificationConfiguration(configurations: NotificationConfiguration): XmlNode {
  return [
    'NotificationConfiguration',
    configurations.map(({ id, queueArn, events, prefix, suffix }): XmlNode => {
      const rules = Object.entries({ prefix, suffix }).flatMap(([name, value]): XmlNode[] =>
        value === undefined
          ? []
          : [
              [
                'FilterRule',
                [
                  ['Name', name === 'prefix' ? 'Prefix' : 'Suffix'],
                  ['Value', value],
                ],
              ],
            ],
      )
      return [
        'QueueConfiguration',
        [
          ['Id', id],
          ['Queue', queueArn],
          ...events.map((event): XmlNode => ['Event', event]),
          ['Filter', rules.length === 0 ? undefined : [['S3Key', rules]]],
        ],
      ]
    }),
  ]
}

/** Filters are on the key itself, not on its encoded form. */
export function wants(configuration: QueueConfiguration, event: ObjectEvent, key: string): boolean {
  return (
    configuration.events.some((pattern) => covers(pattern, `s3:${event}`)) &&
    key.startsWith(configuration.prefix ?? '') &&
    key.endsWith(configuration.suffix ?? '')
  )
}

// <QueueConfiguration><Id>…</Id><Queue>arn:aws:sqs:…</Queue><Event>s3:ObjectCreated:*</Event>
//   <Filter><S3Key><FilterRule><Name>suffix</Name><Value>.rpm</Value></FilterRule></S3Key></Filter></QueueConfiguration>
function parseQueueConfiguration(element: XmlElement): QueueConfiguration {
  const queueArn = textOf(element, 'Queue') ?? ''
  if (!/^arn:aws[\w-]*:sqs:[\w-]*:\d{12}:.+$/.test(queueArn)) {
    throw new S3Error('InvalidArgument', 'The ARN could not be parsed', [
      ['ArgumentName', 'Queue'],
      ['ArgumentValue', queueArn],
    ])
  }
  const events = childrenOf(element, 'Event').map((event) => event.text)
  if (events.length === 0) throw new S3Error('MalformedXML')
  for (const event of events) {
    if (!knownEvent.test(event))
      throw new S3Error('InvalidArgument', `The event '${event}' is not supported for notifications`)
  }
  const configuration: QueueConfiguration = { id: textOf(element, 'Id') || randomUUID(), queueArn, events }
  const rules = childrenOf(element, 'Filter').flatMap((filter) =>
    childrenOf(filter, 'S3Key').flatMap((s3Key) => childrenOf(s3Key, 'FilterRule')),
  )
  for (const rule of rules) {
    const name = textOf(rule, 'Name')?.toLowerCase()
    if (name !== 'prefix' && name !== 'suffix') {
      throw new S3Error('InvalidArgument', 'filter rule name must be either prefix or suffix')
    }
    if (configuration[name] !== undefined) {
      throw new S3Error('InvalidArgument', `Cannot specify more than one ${name} rule in a filter.`)
    }
    configuration[name] = textOf(rule, 'Value') ?? ''
  }
  return configuration
}

/** Source: AWS, "Configuring event notifications using object key name filtering": overlapping filters are refused. */
function assertNoOverlap(configurations: NotificationConfiguration): void {
  configurations.forEach((one, index) => {
    for (const other of configurations.slice(index + 1)) {
      const sameEvent = one.events.some((a) => other.events.some((b) => covers(a, b) || covers(b, a)))
      const samePrefix = overlap(one.prefix, other.prefix, (a, b) => a.startsWith(b))
      const sameSuffix = overlap(one.suffix, other.suffix, (a, b) => a.endsWith(b))
      if (sameEvent && samePrefix && sameSuffix) {
        throw new S3Error(
          'InvalidArgument',
          'Configurations overlap. Configurations on the same bucket cannot share a common event type.',
        )
      }
    }
  })
}

function overlap(a = '', b = '', contains: (whole: string, part: string) => boolean): boolean {
  return contains(a, b) || contains(b, a)
}

function covers(pattern: string, event: string): boolean {
  return pattern === event || (pattern.endsWith('*') && event.startsWith(pattern.slice(0, -1)))
}
