/**
 * Who may send to a queue: what its policy says of a bucket.
 */
import * as z from 'zod'

/** A bucket that sends its notifications to a queue. */
export interface Sender {
  readonly bucketArn: string
  /** Of the bucket's owner. */
  readonly account: string
  readonly queueArn: string
}

export type QueuePolicyVerdict =
  /** `anybody`: from any bucket whatsoever, of anybody: who knows the queue's name can fill it. */
  | { readonly kind: 'allowed'; readonly from: 'this bucket' | 'anybody' }
  | { readonly kind: 'not allowed'; readonly why: string }

/** The bucket and queue of one account: S3 sends across none without more being said. @param queueArn of the queue, which says partition and account */
export function bucketSender(bucket: string, queueArn: string): Sender {
  const [, partition = 'aws', , , account = ''] = queueArn.split(':')
  return { bucketArn: `arn:${partition}:s3:::${bucket}`, account, queueArn }
}

/**
 * Reads a policy as IAM does, as far as it concerns one sender. A condition that nobody here knows counts as one that does not hold.
 *
 * @param policy JSON; `undefined` where the queue has none
 */
export function letsSend(policy: string | undefined, sender: Sender): QueuePolicyVerdict {
  if (policy === undefined) return { kind: 'not allowed', why: 'the queue has no policy' }
  const parsed = readPolicy(policy)
  if (parsed === undefined) return { kind: 'not allowed', why: 'its policy cannot be read' }
  const concerned = parsed.Statement.filter((statement) => concerns(statement, sender))
  if (concerned.some(({ Effect }) => Effect === 'Deny')) return { kind: 'not allowed', why: 'its policy denies it' }
  const allowing = concerned.filter(({ Effect }) => Effect === 'Allow')
  if (allowing.length === 0) return { kind: 'not allowed', why: 'its policy does not allow it' }
  return { kind: 'allowed', from: allowing.every(namesSender) ? 'this bucket' : 'anybody' }
}

/** The policy with one statement more, which lets this bucket of this account send and nobody else. @returns `undefined` where there is one that cannot be read */
export function withSender(policy: string | undefined, { bucketArn, account, queueArn }: Sender): string | undefined {
  const before = policy === undefined ? { Version: '2012-10-17', Statement: [] } : readPolicy(policy)
  if (before === undefined) return undefined
  // AWS, "Granting permissions to publish event notification messages to a destination": both conditions, against a confused deputy.
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 's3.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queueArn,
    Condition: { ArnEquals: { 'aws:SourceArn': bucketArn }, StringEquals: { 'aws:SourceAccount': account } },
  }
  return JSON.stringify({ ...before, Statement: [...before.Statement, statement] })
}

function concerns(statement: PolicyStatement, sender: Sender): boolean {
  const { Principal, NotPrincipal, Action, NotAction, Resource, NotResource } = statement
  const isSending = (action: string): boolean => like(action, 'sqs:SendMessage', 'i')
  const isQueue = (resource: string): boolean => like(resource, sender.queueArn)
  return (
    (NotPrincipal === undefined ? isS3(Principal) : !isS3(NotPrincipal)) &&
    (NotAction === undefined ? oneOrMany(Action).some(isSending) : !oneOrMany(NotAction).some(isSending)) &&
    (NotResource === undefined ? oneOrMany(Resource).some(isQueue) : !oneOrMany(NotResource).some(isQueue)) &&
    conditionsOf(statement).every((condition) => holds(condition, sender))
  )
}

/** Whether a statement says whose buckets are meant; that it leaves some out is not enough. */
function namesSender(statement: PolicyStatement): boolean {
  return conditionsOf(statement).some(
    ({ operator, key }) => (key === 'aws:sourcearn' || key === 'aws:sourceaccount') && !negation.test(operator),
  )
}

function isS3(principal: PolicyStatement['Principal']): boolean {
  if (typeof principal === 'string') return principal === '*'
  return (
    oneOrMany(principal?.Service).some((service) => service === 's3.amazonaws.com' || service === '*') ||
    oneOrMany(principal?.AWS).includes('*')
  )
}

interface Condition {
  readonly operator: string
  readonly key: string
  readonly values: readonly string[]
}

function conditionsOf({ Condition = {} }: PolicyStatement): Condition[] {
  return Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) => ({ operator, key: key.toLowerCase(), values: oneOrMany(values) })),
  )
}

/** `StringNotEquals`, `ArnNotLike`, … */
const negation = /^(String|Arn)Not/

/** IAM, "Condition operators": a negated one holds where none of its values matches. */
function holds({ operator, key, values }: Condition, { bucketArn, account }: Sender): boolean {
  const value = key === 'aws:sourcearn' ? bucketArn : key === 'aws:sourceaccount' ? account : undefined
  if (value === undefined) return false
  const compare = comparisonOf(operator.replace(/IfExists$/, '').replace(negation, '$1'))
  return compare !== undefined && values.some((one) => compare(one, value)) !== negation.test(operator)
}

/** IAM, "Condition operators": ArnEquals takes wildcards as ArnLike does. `undefined`: one that nobody here knows. */
function comparisonOf(operator: string): ((said: string, value: string) => boolean) | undefined {
  switch (operator) {
    case 'StringEquals':
      return (said, value) => said === value
    case 'StringEqualsIgnoreCase':
      return (said, value) => said.toLowerCase() === value.toLowerCase()
    case 'StringLike':
    case 'ArnEquals':
    case 'ArnLike':
      return like
    default:
      return undefined
  }
}

/** `*` is any run of characters, `?` any one. */
function like(pattern: string, text: string, flags = ''): boolean {
  const source = pattern
    .replace(/\*+/g, '*')
    .split(/([*?])/)
    .map((part) => (part === '*' ? '.*' : part === '?' ? '.' : part.replace(/[\\^$.|+()[\]{}]/g, '\\$&')))
    .join('')
  return new RegExp(`^${source}$`, `s${flags}`).test(text)
}

function oneOrMany(values: string | readonly string[] | undefined): readonly string[] {
  return values === undefined ? [] : typeof values === 'string' ? [values] : values
}

function readPolicy(text: string): z.infer<typeof Policy> | undefined {
  try {
    return Policy.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

const Texts = z.union([z.string(), z.array(z.string())])
const Scalars = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const Principals = z.union([z.string(), z.looseObject({ Service: Texts.optional(), AWS: Texts.optional() })])
const Statement = z.looseObject({
  Effect: z.enum(['Allow', 'Deny']),
  Principal: Principals.optional(),
  NotPrincipal: Principals.optional(),
  Action: Texts.optional(),
  NotAction: Texts.optional(),
  Resource: Texts.optional(),
  NotResource: Texts.optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.union([Scalars, z.array(Scalars)]))).optional(),
})
const Policy = z.looseObject({
  Statement: z.preprocess((value) => (Array.isArray(value) ? value : [value]), z.array(Statement)),
})
type PolicyStatement = z.infer<typeof Statement>
