/**
 * What a person reads of a rule of the bucket that stands in the way of one that a queue needs, and how to change it.
 */
import type { NotificationFilter, NotificationRule } from '@repokeeper/object-store'
import { placeOptions, type Said } from './command-to-copy.ts'
import { shellWord } from './shell-word.ts'

/** `s3:ObjectCreated:* of el9/* to arn:aws:sqs:…` */
export function describeRule({ id, events, arn, ...filter }: NotificationRule): string {
  return `${events.join(', ')} of ${describeKeys(filter)} to ${arn}${id === '' ? '' : ` (rule "${id}")`}`
}

/** `el9/*.rpm` */
export function describeKeys({ prefix, suffix }: Pick<NotificationFilter, 'prefix' | 'suffix'>): string {
  return `${prefix}*${suffix}`
}

/**
 * S3 has one document for all rules of a bucket, and no command that changes one of them.
 *
 * @param wanted what it stands in the way of
 */
export function howToNarrow(rule: NotificationRule, wanted: NotificationFilter, bucket: string, said: Said): string {
  const name = rule.id === '' ? `the one to ${rule.arn}` : rule.id
  const aws = (command: string, ...more: string[]): string =>
    ['aws', 's3api', command, '--bucket', bucket, ...placeOptions(said), ...more].map(shellWord).join(' ')
  return (
    `In the console: bucket ${bucket}, Properties, Event notifications, ${name}, Edit: ${otherKeys(wanted)}. ` +
    `With the aws command: "${aws('get-bucket-notification-configuration')} >rules.json", change its Filter there, ` +
    `"${aws('put-bucket-notification-configuration', '--notification-configuration', 'file://rules.json')}". ` +
    'Who needs these events as well can have them by EventBridge, which stands in the way of nobody.'
  )
}

/** Of which nothing is wanted. */
function otherKeys({ prefix, suffix }: NotificationFilter): string {
  const other = `a suffix other than ${suffix}`
  return prefix === '' ? other : `a prefix that neither begins with ${prefix} nor is the beginning of it, or ${other}`
}
