import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Interpretation, interpretMessage } from '../src/change.ts'

/** As S3 writes one; the fields that nobody reads are left in. */
function record(rawKey: unknown, eventName = 'ObjectCreated:Put', object: Record<string, unknown> = {}) {
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: 'eu-central-1',
    eventTime: '2026-02-03T04:05:06.789Z',
    eventName,
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: 'packages',
      bucket: { name: 'packages', ownerIdentity: { principalId: 'A3NL1KOZZKExample' }, arn: 'arn:aws:s3:::packages' },
      object: {
        key: rawKey,
        size: 1024,
        eTag: 'd41d8cd98f00b204e9800998ecf8427e',
        sequencer: '0055AED6DCD90281E5',
        ...object,
      },
    },
  }
}

const notification = (...records: unknown[]) => JSON.stringify({ Records: records })

const sns = (message: string, fields: Record<string, unknown> = {}) =>
  JSON.stringify({
    Type: 'Notification',
    MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    TopicArn: 'arn:aws:sns:eu-central-1:123456789012:packages',
    Subject: 'Amazon S3 Notification',
    Message: message,
    ...fields,
  })

const eventBridge = (detailType: string, key: unknown = 'el9/a.rpm', fields: Record<string, unknown> = {}) =>
  JSON.stringify({
    version: '0',
    id: '17793124-05d4-b198-2fde-7ededc63b103',
    'detail-type': detailType,
    source: 'aws.s3',
    account: '123456789012',
    time: '2026-02-03T04:05:06Z',
    region: 'ca-central-1',
    resources: ['arn:aws:s3:::packages'],
    detail: {
      version: '0',
      bucket: { name: 'packages' },
      object: {
        key,
        size: 5,
        etag: 'b1946ac92492d2347c6235b4d2611184',
        'version-id': 'IYV3p45BT0',
        sequencer: '617f08299329d189',
      },
      reason: 'PutObject',
    },
    ...fields,
  })

function changesOf(interpretation: Interpretation) {
  if (interpretation.kind !== 'changes') throw new Error(`expected changes, found ${JSON.stringify(interpretation)}`)
  return interpretation.changes
}
const keysOf = (body: string) => changesOf(interpretMessage(body)).map(({ key }) => key)
const reasonOf = (body: string) => {
  const interpretation = interpretMessage(body)
  return interpretation.kind === 'unreadable' ? interpretation.reason : interpretation.kind
}

describe('an S3 notification', () => {
  it('gives every record of the message, with what the event said', () => {
    const body = notification(record('el9/a.rpm'), record('el9/b.rpm', 'ObjectRemoved:Delete', { versionId: 'v1' }))
    const eventTime = new Date('2026-02-03T04:05:06.789Z')
    expect(interpretMessage(body)).toEqual({
      kind: 'changes',
      changes: [
        { bucket: 'packages', key: 'el9/a.rpm', said: 'created', eventTime, sequencer: '0055AED6DCD90281E5' },
        {
          bucket: 'packages',
          key: 'el9/b.rpm',
          said: 'removed',
          eventTime,
          sequencer: '0055AED6DCD90281E5',
          versionId: 'v1',
        },
      ],
      unreadable: [],
    })
  })

  it.each([
    ['ObjectCreated:Put', 'created'],
    ['s3:ObjectCreated:Put', 'created'],
    ['ObjectCreated:CompleteMultipartUpload', 'created'],
    ['ObjectCreated:Copy', 'created'],
    ['ObjectRestore:Completed', 'created'],
    ['ObjectSynced:Create', 'created'],
    ['ObjectRemoved:Delete', 'removed'],
    ['ObjectRemoved:DeleteMarkerCreated', 'removed'],
    ['s3:ObjectRemoved:Delete', 'removed'],
    ['LifecycleExpiration:Delete', 'removed'],
    ['LifecycleExpiration:DeleteMarkerCreated', 'removed'],
    ['s3:ObjectLifecycle:Expiration:Current', 'removed'],
    ['ReducedRedundancyLostObject', 'removed'],
    ['ASomethingOfTomorrow', 'created'],
  ])('counts %s as a hint that the object was %s', (eventName, said) => {
    expect(changesOf(interpretMessage(notification(record('a.rpm', eventName))))).toMatchObject([
      { key: 'a.rpm', said },
    ])
  })

  it.each([
    'ObjectTagging:Put',
    's3:ObjectAcl:Put',
    'ObjectRestore:Post',
    'ObjectRestore:Delete',
    'Replication:OperationFailedReplication',
    'LifecycleTransition',
    'IntelligentTiering',
    's3:ObjectAccessed:Get',
  ])('passes over %s, which leaves the content of the bucket as it is', (eventName) => {
    expect(interpretMessage(notification(record('a.rpm', eventName)))).toEqual({
      kind: 'changes',
      changes: [],
      unreadable: [],
    })
  })

  it('reads a record whose time, sequencer and version are missing, null or nonsense', () => {
    const bare = {
      eventName: 'ObjectCreated:Put',
      eventTime: 'yesterday',
      s3: { bucket: { name: 'b' }, object: { key: 'a.rpm', versionId: null } },
    }
    expect(changesOf(interpretMessage(notification(bare)))).toEqual([{ bucket: 'b', key: 'a.rpm', said: 'created' }])
  })

  it('gives the readable records of a message and names the others', () => {
    const body = notification(record('a.rpm'), record(undefined), record(''), record('b.rpm'))
    const interpretation = interpretMessage(body)
    expect(keysOf(body)).toEqual(['a.rpm', 'b.rpm'])
    expect(interpretation).toMatchObject({
      unreadable: [
        'Records[1]: s3.object.key: expected string, received undefined',
        'Records[2].s3.object.key: the key is empty',
      ],
    })
  })
})

describe('the key of a notification', () => {
  it.each([
    ['a%2Bb.rpm', ['a+b.rpm']],
    ['el9%2Fa.rpm', ['el9/a.rpm']],
    ['gr%C3%BC%C3%9Fe.rpm', ['grüße.rpm']],
    ['100%25.rpm', ['100%.rpm']],
    ['a~b%5E1.rpm', ['a~b^1.rpm']],
    ['libstdc%2B%2B-4.8.rpm', ['libstdc++-4.8.rpm']],
  ])('%s is decoded to %j', (raw, keys) => {
    expect(keysOf(notification(record(raw)))).toEqual(keys)
  })

  it.each([
    ['red+flower.rpm', ['red flower.rpm', 'red+flower.rpm']],
    ['libstdc++%2Bx.rpm', ['libstdc  +x.rpm', 'libstdc+++x.rpm']],
  ])('%s is read both ways: a sender that does not encode may have meant the plus', (raw, keys) => {
    expect(keysOf(notification(record(raw)))).toEqual(keys)
  })

  it.each(['100%.rpm', 'a%zz+b.rpm', 'a%C3.rpm', 'with space+and%20.rpm', 'grüße+%41.rpm'])(
    '%s is what no encoder writes and is taken as it stands',
    (raw) => {
      expect(keysOf(notification(record(raw)))).toEqual([raw])
    },
  )

  it('survives the encoding of S3 and of MinIO, whatever it is', () => {
    const anyKey = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((key) => key.isWellFormed())
    fc.assert(
      fc.property(anyKey, (key) => {
        const minio = new URLSearchParams([['', key]]).toString().slice(1)
        for (const raw of [minio, minio.replaceAll('%2F', '/')]) {
          expect(keysOf(notification(record(raw)))[0]).toBe(key)
        }
      }),
    )
  })
})

describe('envelopes and other forms', () => {
  it('opens an SNS envelope around a notification, an EventBridge event and a test event', () => {
    expect(keysOf(sns(notification(record('a%2Bb.rpm'))))).toEqual(['a+b.rpm'])
    expect(keysOf(sns(eventBridge('Object Created')))).toEqual(['el9/a.rpm'])
    expect(interpretMessage(sns(testEvent))).toEqual({ kind: 'test-event' })
    expect(keysOf(sns(sns(notification(record('a.rpm')))))).toEqual(['a.rpm'])
  })

  const testEvent = JSON.stringify({
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: '2026-02-03T04:05:06.000Z',
    Bucket: 'packages',
    RequestId: '5582815E1AEA5ADF',
    HostId: '8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE',
  })

  it('knows the test event of S3', () => {
    expect(interpretMessage(testEvent)).toEqual({ kind: 'test-event' })
  })

  it.each([
    ['Object Created', 'created'],
    ['Object Deleted', 'removed'],
    ['Object Restore Completed', 'created'],
  ])('reads EventBridge "%s" as %s', (detailType, said) => {
    expect(changesOf(interpretMessage(eventBridge(detailType)))).toEqual([
      {
        bucket: 'packages',
        key: 'el9/a.rpm',
        said,
        eventTime: new Date('2026-02-03T04:05:06Z'),
        sequencer: '617f08299329d189',
        versionId: 'IYV3p45BT0',
      },
    ])
  })

  it.each(['el9/libstdc++.rpm', '100%25.rpm', 'with space.rpm'])(
    'takes the key %s of EventBridge as it stands',
    (key) => {
      expect(keysOf(eventBridge('Object Created', key))).toEqual([key])
    },
  )

  it.each(['Object Tags Added', 'Object ACL Updated', 'Object Storage Class Changed', 'Object Restore Expired'])(
    'passes over EventBridge "%s"',
    (detailType) => {
      expect(interpretMessage(eventBridge(detailType))).toEqual({ kind: 'changes', changes: [], unreadable: [] })
    },
  )
})

describe('what cannot be read', () => {
  const deep = Array.from({ length: 4 }).reduce<string>((body) => sns(body), notification(record('a.rpm')))
  it.each([
    ['no JSON', 'hello', 'the body is not JSON'],
    ['nothing', '', 'the body is not JSON'],
    ['a JSON text', '"hello"', 'expected object'],
    ['a JSON list', '[]', 'expected object'],
    ['null', 'null', 'expected object'],
    ['another object', '{"hello":1}', 'it has the fields "hello"'],
    ['an empty object', '{}', 'it has no fields'],
    ['Records of another kind', '{"Records":7}', 'Records: expected array, received number'],
    ['no records', '{"Records":[]}', 'Records is empty'],
    [
      'a record of another service',
      notification({ eventSource: 'aws:ses', eventName: 'x' }),
      'Records[0]: s3: expected object',
    ],
    ['a number for a key', notification(record(7)), 'Records[0]: s3.object.key: expected string, received number'],
    ['a key with half a surrogate pair', eventBridge('Object Created', '\ud800.rpm'), 'half a surrogate pair'],
    ['a key that S3 does not allow', notification(record('a'.repeat(1025))), 'the key has 1025 bytes, S3 allows 1024'],
    [
      'a bucket that is none',
      notification({ eventName: 'x', s3: { bucket: { name: '../b' }, object: { key: 'a' } } }),
      'bucket.name: this is no bucket name',
    ],
    [
      'an event of another source',
      eventBridge('EC2 Instance', 'a', { source: 'aws.ec2' }),
      'source "aws.ec2", expected "aws.s3"',
    ],
    [
      'an event without an object',
      eventBridge('Object Created', 'a', { detail: {} }),
      'detail.bucket: expected object',
    ],
    [
      'an API call that CloudTrail saw',
      eventBridge('AWS API Call via CloudTrail', 'a', { detail: { eventName: 'x' } }),
      'detail.bucket',
    ],
    ['a subscription to confirm', sns('You have chosen', { Type: 'SubscriptionConfirmation' }), 'confirm-subscription'],
    ['an envelope of another type', sns('x', { Type: 'Other' }), 'type "Other", expected "Notification"'],
    ['an envelope with an object inside', sns('x', { Message: {} }), 'Message: expected string, received object'],
    ['envelopes without end', deep, 'more than 3 SNS envelopes'],
    ['a body beyond the limit of SQS', `"${'ü'.repeat(600_000)}"`, 'longer than 1048576 bytes'],
  ])('%s: the reason says what was there', (_what, body, reason) => {
    expect(reasonOf(body)).toContain(reason)
  })

  it('never repeats the token that confirms a subscription', () => {
    const body = sns('x', {
      Type: 'SubscriptionConfirmation',
      Token: 'secret',
      SubscribeURL: 'https://sns/?Token=secret',
    })
    expect(reasonOf(body)).not.toContain('secret')
  })

  it('never throws, whatever the body', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.jsonValue().map((value) => notification(value)),
        ),
        (body) => {
          expect(['changes', 'test-event', 'unreadable']).toContain(interpretMessage(body).kind)
        },
      ),
    )
  })
})
