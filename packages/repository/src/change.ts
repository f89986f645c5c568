import * as z from 'zod'

/** That something happened to an object. A hint: what the bucket holds now is looked up before anything is decided. */
export interface ObjectChange {
  readonly bucket: string
  /** Decoded: as the store itself names the object. */
  readonly key: string
  /** What the event said. For logs only; nothing is decided by it. */
  readonly said: 'created' | 'removed'
  readonly eventTime?: Date
  /** Hexadecimal; orders the events of one key. For logs only. */
  readonly sequencer?: string
  readonly versionId?: string
}

export type Interpretation =
  | {
      readonly kind: 'changes'
      /** Empty where every event of the message was one that leaves the content of the bucket as it is. */
      readonly changes: readonly ObjectChange[]
      /** Records of this message that could not be read, with the reason; the readable ones are in `changes` all the same. */
      readonly unreadable: readonly string[]
    }
  /** What S3 sends once when notifications are switched on. */
  | { readonly kind: 'test-event' }
  | { readonly kind: 'unreadable'; readonly reason: string }

/** Bytes of UTF-8. SQS: the size of a message is limited to 1 MiB. */
const bodyBytesMax = 1_048_576
/** Envelopes around an event: one where S3 publishes to SNS, two where a topic forwards to a topic. */
const envelopesMax = 3
/** Bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects"). */
const keyBytesMax = 1024

/**
 * Reads the body of one SQS message: an S3 notification with all its records, S3's test event, EventBridge's form of
 * the same events, each also inside an SNS envelope. Never throws.
 *
 * Sources: S3 user guide, "Event message structure" and "EventBridge event message structure"; SNS developer guide,
 * "HTTP/HTTPS notification JSON format" (the same envelope is delivered to SQS unless raw delivery is on).
 */
export function interpretMessage(body: string): Interpretation {
  return interpretBody(body, 0)
}

function interpretBody(body: string, envelopes: number): Interpretation {
  // A UTF-16 unit is at least one byte: the length alone refuses the worst before bytes are counted.
  if (body.length > bodyBytesMax || Buffer.byteLength(body) > bodyBytesMax) {
    return unreadable(`the body is longer than ${bodyBytesMax} bytes`)
  }
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (error) {
    return unreadable(`the body is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  const message = Message.safeParse(value)
  if (!message.success) return unreadable(`the body is JSON but no object: ${describeIssues(message.error)}`)
  return interpretObject(message.data, envelopes)
}

function interpretObject(message: z.infer<typeof Message>, envelopes: number): Interpretation {
  if ('Records' in message) return interpretRecords(message)
  if ('detail-type' in message) return interpretEventBridge(message)
  if (message.Event === 's3:TestEvent') return { kind: 'test-event' }
  if ('TopicArn' in message || 'Message' in message) return openEnvelope(message, envelopes)
  const fields = Object.keys(message).slice(0, 8).map(quote).join(', ')
  return unreadable(
    `neither an S3 notification nor an EventBridge event nor an SNS envelope: it has ${fields === '' ? 'no fields' : `the fields ${fields}`}`,
  )
}

function openEnvelope(message: z.infer<typeof Message>, envelopes: number): Interpretation {
  const envelope = SnsEnvelope.safeParse(message)
  if (!envelope.success) return unreadable(`SNS envelope: ${describeIssues(envelope.error)}`)
  const { Type, Message: inner } = envelope.data
  if (Type !== undefined && Type !== 'Notification') {
    return unreadable(
      Type === 'SubscriptionConfirmation'
        ? 'SNS asks to confirm the subscription of this queue: confirm it with "aws sns confirm-subscription"'
        : `SNS envelope of type ${quote(Type)}, expected "Notification"`,
    )
  }
  if (envelopes >= envelopesMax) return unreadable(`more than ${envelopesMax} SNS envelopes inside one another`)
  return interpretBody(inner, envelopes + 1)
}

function interpretRecords(message: z.infer<typeof Message>): Interpretation {
  const notification = Notification.safeParse(message)
  if (!notification.success) return unreadable(`S3 notification: ${describeIssues(notification.error)}`)
  const records = notification.data.Records
  if (records.length === 0) return unreadable('S3 notification: Records is empty')
  const changes: ObjectChange[] = []
  const reasons: string[] = []
  for (const [index, value] of records.entries()) {
    const record = NotificationRecord.safeParse(value)
    if (!record.success) {
      reasons.push(`Records[${index}]: ${describeIssues(record.error)}`)
      continue
    }
    const { eventName, eventTime, s3 } = record.data
    const said = saidByEventName(eventName)
    if (said === 'nothing') continue
    for (const key of readNotificationKey(s3.object.key)) {
      const problem = keyProblem(key)
      if (problem !== undefined) reasons.push(`Records[${index}].s3.object.key: ${problem}`)
      else changes.push(change(s3.bucket.name, key, said, eventTime, s3.object.sequencer, s3.object.versionId))
    }
  }
  return settleRecords(changes, reasons)
}

function interpretEventBridge(message: z.infer<typeof Message>): Interpretation {
  const event = EventBridgeEvent.safeParse(message)
  if (!event.success) return unreadable(`EventBridge event: ${describeIssues(event.error)}`)
  const { source, 'detail-type': detailType, detail, time } = event.data
  if (source !== 'aws.s3') return unreadable(`EventBridge event of source ${quote(source)}, expected "aws.s3"`)
  const said = saidByDetailType(detailType)
  if (said === 'nothing') return { kind: 'changes', changes: [], unreadable: [] }
  const object = EventBridgeDetail.safeParse(detail)
  if (!object.success) {
    return unreadable(`EventBridge event ${quote(detailType)}: ${describeIssues(object.error, ['detail'])}`)
  }
  // EventBridge gives the key as it is. Decoding it would turn "libstdc++" into "libstdc  ".
  const { key, sequencer, 'version-id': versionId } = object.data.object
  const problem = keyProblem(key)
  if (problem !== undefined) return unreadable(`detail.object.key: ${problem}`)
  return settleRecords([change(object.data.bucket.name, key, said, time, sequencer, versionId)], [])
}

function settleRecords(changes: readonly ObjectChange[], reasons: readonly string[]): Interpretation {
  const [first, ...others] = reasons
  if (changes.length === 0 && first !== undefined) {
    return unreadable(others.length === 0 ? first : `${first} (and ${others.length} more)`)
  }
  return { kind: 'changes', changes, unreadable: reasons }
}

/** Events that leave the content of the bucket as it is, by the start of their name. */
const eventNamesPassedOver = [
  'ObjectTagging:',
  'ObjectAcl:',
  'ObjectRestore:Post', // a restore was asked for; the object can be read only when it is completed
  'ObjectRestore:Delete', // the temporary copy of an archived object went, the object is still there
  'Replication:',
  'LifecycleTransition',
  'IntelligentTiering',
  'ObjectAccessed:', // MinIO
]

/**
 * Records carry `ObjectCreated:Put`; MinIO and the configuration itself write `s3:ObjectCreated:Put`. A name that
 * nobody here knows counts as a change: to look at an object costs one request, to miss one leaves the repository wrong.
 */
function saidByEventName(eventName: string): 'created' | 'removed' | 'nothing' {
  const name = eventName.startsWith('s3:') ? eventName.slice(3) : eventName
  if (eventNamesPassedOver.some((start) => name.startsWith(start))) return 'nothing'
  return /Remove|Delet|Expir|Lost/.test(name) ? 'removed' : 'created'
}

const detailTypesPassedOver = new Set([
  'Object Restore Initiated',
  'Object Restore Expired',
  'Object Storage Class Changed',
  'Object Access Tier Changed',
  'Object ACL Updated',
  'Object Tags Added',
  'Object Tags Deleted',
])

function saidByDetailType(detailType: string): 'created' | 'removed' | 'nothing' {
  if (detailTypesPassedOver.has(detailType)) return 'nothing'
  return detailType === 'Object Deleted' ? 'removed' : 'created'
}

/**
 * The keys that the key of a notification may stand for. S3 encodes as `application/x-www-form-urlencoded`: `+` is a space, `%2B` a plus;
 * MinIO also encodes `/`. Some servers do not encode at all (moto before 5.1.9, LocalStack at times): a key that no encoder
 * would write (a broken percent sequence, a space, a non-ASCII character) is taken as it stands, and one with a bare `+`,
 * which is in many a package's name, is read both ways. The reading that is wrong names an object that is not there:
 * a change is a hint, and looking costs one request.
 */
function readNotificationKey(raw: string): string[] {
  if (!/^[!-~]*$/.test(raw)) return [raw]
  const spaced = decodePercent(raw.replaceAll('+', ' '))
  if (spaced === undefined) return [raw]
  const literal = decodePercent(raw)
  return literal === undefined || literal === spaced ? [spaced] : [spaced, literal]
}

function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function keyProblem(key: string): string | undefined {
  if (key === '') return 'the key is empty'
  if (!key.isWellFormed()) return 'the key has half a surrogate pair, which no object key can have'
  const bytes = Buffer.byteLength(key)
  return bytes > keyBytesMax ? `the key has ${bytes} bytes, S3 allows ${keyBytesMax}` : undefined
}

function change(
  bucket: string,
  key: string,
  said: ObjectChange['said'],
  eventTime: Date | undefined,
  sequencer: string | undefined,
  versionId: string | undefined,
): ObjectChange {
  return {
    bucket,
    key,
    said,
    ...(eventTime === undefined ? {} : { eventTime }),
    ...(sequencer === undefined ? {} : { sequencer }),
    ...(versionId === undefined ? {} : { versionId }),
  }
}

function unreadable(reason: string): Interpretation {
  return { kind: 'unreadable', reason }
}

/** Only what is needed is asked for; what else a sender adds or leaves out is its own affair. */
const Message = z.looseObject({ Event: z.unknown().optional() })
const SnsEnvelope = z.object({ Type: z.string().optional(), Message: z.string() })
const Notification = z.object({ Records: z.array(z.unknown()) })

// Old buckets have capitals and underscores; Ceph puts a tenant before a colon.
const BucketName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$/, 'this is no bucket name')

/** For logs only: one that cannot be read is left out rather than holding back the change. */
const EventTime = z
  .unknown()
  .transform((value) => {
    const time = typeof value === 'string' ? new Date(value) : undefined
    return time === undefined || Number.isNaN(time.getTime()) ? undefined : time
  })
  .optional()
const OptionalText = z
  .unknown()
  .transform((value) => (typeof value === 'string' && value !== '' ? value : undefined))
  .optional()

const NotificationRecord = z.object({
  eventName: z.string().min(1),
  eventTime: EventTime,
  s3: z.object({
    bucket: z.object({ name: BucketName }),
    object: z.object({ key: z.string(), sequencer: OptionalText, versionId: OptionalText }),
  }),
})

const EventBridgeEvent = z.object({
  source: z.string(),
  'detail-type': z.string(),
  time: EventTime,
  detail: z.unknown(),
})
const EventBridgeDetail = z.object({
  bucket: z.object({ name: BucketName }),
  object: z.object({ key: z.string(), sequencer: OptionalText, 'version-id': OptionalText }),
})

/** `s3.object.key: expected string, received undefined`, at most three of them. */
function describeIssues(error: z.ZodError, under: readonly PropertyKey[] = []): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => {
      const path = [...under, ...issue.path].map(String).join('.')
      const what = issue.message.replace(/^Invalid input: /, '')
      return path === '' ? what : `${path}: ${what}`
    })
    .join('; ')
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
