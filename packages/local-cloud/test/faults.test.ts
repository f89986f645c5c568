import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createClock, type FaultRule } from '../src/index.ts'
import { cloudForTests, failure, s3Client, sqsClient } from './cloud.ts'

const clock = createClock({ frozen: true, startAt: Date.UTC(2026, 0, 1) })
const under = cloudForTests({ clock })
const Bucket = 'faults'
const Key = 'repodata/repomd.xml'

beforeAll(async () => {
  await under().s3.send(new CreateBucketCommand({ Bucket }))
})
afterEach(() => under().cloud.faults.clear())

const put = (Body: string, options: object = {}) =>
  under().s3.send(new PutObjectCommand({ Bucket, Key, Body, ...options }))
const head = () => under().s3.send(new HeadObjectCommand({ Bucket, Key }))
async function text(): Promise<string | undefined> {
  const { Body } = await under().s3.send(new GetObjectCommand({ Bucket, Key }))
  return await Body?.transformToString()
}
const fault = (rule: FaultRule) => under().cloud.faults.add(rule)

describe('an error on demand', () => {
  it.each([
    [403, 'AccessDenied'],
    [409, 'ConditionalRequestConflict'],
    [412, 'PreconditionFailed'],
    [500, 'InternalError'],
    [503, 'SlowDown'],
  ])('of status %i before the operation has no effect', async (status, name) => {
    await put('before')
    fault({ operation: 'PutObject', action: { kind: 'error', status } })
    expect(await failure(put('after'))).toEqual({ name, status })
    expect(await text()).toBe('before')
  })

  it('after the operation hides that it took effect', async () => {
    await put('before')
    fault({ operation: 'PutObject', action: { kind: 'error', status: 500, code: 'Oops', effect: 'after' } })
    expect(await failure(put('after'))).toEqual({ name: 'Oops', status: 500 })
    expect(await text()).toBe('after')
  })

  it('after an operation that failed leaves its own error', async () => {
    await put('there')
    fault({ operation: 'PutObject', action: { kind: 'error', status: 500, effect: 'after' } })
    expect(await failure(put('again', { IfNoneMatch: '*' }))).toEqual({ name: 'PreconditionFailed', status: 412 })
  })

  it('is in the form of SQS for SQS', async () => {
    const { sqs } = under()
    fault({ service: 'sqs', action: { kind: 'error', status: 403, code: 'OverLimit' } })
    expect(await failure(sqs.send(new CreateQueueCommand({ QueueName: 'q' })))).toEqual({
      name: 'OverLimit',
      status: 403,
    })
  })

  it('goes away when a client tries again', async () => {
    const patient = s3Client(under().cloud.endpoint, { attempts: 3 })
    fault({ operation: 'PutObject', count: 1, action: { kind: 'error', status: 503 } })
    await patient.send(new PutObjectCommand({ Bucket, Key, Body: 'retried' }))
    expect(await text()).toBe('retried')
    patient.destroy()
  })
})

describe('a broken connection', () => {
  it('before the operation has no effect, after it the effect stays', async () => {
    await put('before')
    fault({ operation: 'PutObject', count: 1, action: { kind: 'drop', at: 'before' } })
    expect(await failure(put('dropped'))).toMatchObject({ status: undefined })
    expect(await text()).toBe('before')
    fault({ operation: 'PutObject', action: { kind: 'drop', at: 'after' } })
    expect(await failure(put('stored'))).toMatchObject({ status: undefined })
    expect(await text()).toBe('stored')
  })

  it.each([
    [undefined, 500_000],
    [0, 0],
    [10, 10],
    [2_000_000, 999_999],
  ])('in the middle of a body, asked for after %s bytes, comes after %i', async (afterBytes, expected) => {
    await put('x'.repeat(1_000_000))
    fault({
      operation: 'GetObject',
      action: { kind: 'drop', at: 'body', ...(afterBytes !== undefined && { afterBytes }) },
    })
    const response = await fetch(`${under().cloud.endpoint}/${Bucket}/${Key}`)
    expect(response.headers.get('content-length')).toBe('1000000')
    let received = 0
    const read = async () => {
      for await (const chunk of response.body ?? []) received += chunk.length
    }
    await expect(read()).rejects.toThrow()
    expect(received).toBe(expected)
    const call = await under().cloud.calls.waitFor(({ faults }) => faults.length > 0 && faults[0] === lastRule())
    expect(call).toMatchObject({ operation: 'GetObject', status: 200, bytesOut: expected })
  })
})

function lastRule(): string | undefined {
  return under().cloud.faults.list().at(-1)?.rule.id
}

describe('a delay', () => {
  it('ends when the clock says so', async () => {
    const { cloud } = under()
    await put('there')
    cloud.calls.clear()
    fault({ operation: 'HeadObject', action: { kind: 'delay', milliseconds: 1000 } })
    const waiting = head()
    while (cloud.faults.list()[0]?.matched === 0) await text()
    await text()
    expect(cloud.calls.list().map(({ operation }) => operation)).not.toContain('HeadObject')
    clock.advance(1000)
    expect((await waiting).ContentLength).toBe(5)
  })
})

describe('a store that ignores conditions', () => {
  it('replaces and deletes what it should not', async () => {
    await put('one')
    fault({ service: 's3', action: { kind: 'ignoreConditions' } })
    await put('two', { IfNoneMatch: '*' })
    await put('three', { IfMatch: '"other"' })
    expect(await text()).toBe('three')
    await under().s3.send(new DeleteObjectCommand({ Bucket, Key, IfMatch: '"other"' }))
    expect(await failure(head())).toMatchObject({ status: 404 })
  })
})

describe('a rule', () => {
  it('strikes from the n-th matching call on, so often as it says', async () => {
    await put('there')
    fault({ operation: 'HeadObject', from: 2, count: 2, action: { kind: 'error', status: 503 } })
    const statuses: (number | undefined)[] = []
    for (let call = 0; call < 5; call++) {
      statuses.push(
        await head().then(
          (result) => result.$metadata.httpStatusCode,
          (error) => error.$metadata.httpStatusCode,
        ),
      )
    }
    expect(statuses).toEqual([200, 503, 503, 200, 200])
  })

  it.each([
    [{ bucket: 'faults' }, true],
    [{ bucket: 'other' }, false],
    [{ key: 'repodata/*' }, true],
    [{ key: '*.rpm' }, false],
    [{ operation: ['GetObject', 'Head*'] }, true],
    [{ operation: 'Put*' }, false],
    [{ service: 'sqs' as const }, false],
    [{ accessKey: 'test?r' }, true],
    [{ accessKey: 'worker' }, false],
  ])('that matches %o strikes a HEAD: %s', async (match, strikes) => {
    await put('there')
    fault({ ...match, action: { kind: 'error', status: 500 } })
    expect(
      await head().then(
        () => false,
        () => true,
      ),
    ).toBe(strikes)
  })

  it('with a probability strikes the same calls with the same seed', async () => {
    const pattern = async () => {
      under().cloud.faults.clear()
      const { Faults } = await import('../src/faults.ts')
      const faults = new Faults(7, [{ probability: 0.3, action: { kind: 'error', status: 500 } }])
      return Array.from({ length: 200 }, () => faults.strike({ service: 's3', operation: 'GetObject' }).ids.length)
    }
    const first = await pattern()
    expect(await pattern()).toEqual(first)
    const struck = first.filter((count) => count > 0).length
    expect(struck).toBeGreaterThan(30)
    expect(struck).toBeLessThan(90)
  })

  it('that is none is refused', () => {
    const wrong = { operation: 'PutObject', action: { kind: 'error', status: 99 } } as const
    expect(() => fault(wrong)).toThrow()
  })
})

describe('least power', () => {
  const allow = [
    { action: 's3:GetObject', resource: `arn:aws:s3:::${Bucket}/public/*` },
    { action: 's3:PutObject', resource: `arn:aws:s3:::${Bucket}/public/*` },
    { action: 'SQS:SendMessage', resource: 'arn:aws:sqs:us-east-1:000000000000:allowed' },
  ]

  it('denies all but what is allowed, to the caller that it is for', async () => {
    const { s3, sqs, cloud } = under()
    fault({ accessKey: 'worker', action: { kind: 'deny', allow } })
    const worker = s3Client(cloud.endpoint, { accessKeyId: 'worker' })
    const object = { Bucket, Key: 'public/a' }
    await worker.send(new PutObjectCommand({ ...object, Body: 'x' }))
    await worker.send(new GetObjectCommand(object))
    const denied = { name: 'AccessDenied', status: 403 }
    expect(await failure(worker.send(new PutObjectCommand({ Bucket, Key, Body: '' })))).toEqual(denied)
    expect(await failure(worker.send(new DeleteObjectCommand(object)))).toEqual(denied)
    expect(await failure(worker.send(new ListObjectsV2Command({ Bucket })))).toEqual(denied)
    const copy = new CopyObjectCommand({ Bucket, Key: 'public/b', CopySource: `${Bucket}/private` })
    expect(await failure(worker.send(copy))).toEqual(denied)
    const several = await worker.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'public/a' }] } }))
    expect(several.Errors?.map(({ Code }) => Code)).toEqual(['AccessDenied'])
    // Without s3:ListBucket nobody learns that a key isn't there.
    expect(await failure(worker.send(new GetObjectCommand({ Bucket, Key: 'public/none' })))).toEqual(denied)
    await s3.send(new DeleteObjectCommand(object))

    const queueWorker = sqsClient(cloud.endpoint, { accessKeyId: 'worker' })
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'allowed' }))
    await queueWorker.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }))
    expect(await failure(queueWorker.send(new ReceiveMessageCommand({ QueueUrl })))).toMatchObject({ status: 403 })
    worker.destroy()
    queueWorker.destroy()
  })

  it('takes listing below a prefix to be no permission to list elsewhere, nor to learn what is not there', async () => {
    const { cloud } = under()
    const bucket = `arn:aws:s3:::${Bucket}`
    fault({
      accessKey: 'lister',
      action: {
        kind: 'deny',
        allow: [
          { action: 's3:GetObject', resource: `${bucket}/*` },
          { action: 's3:PutObject', resource: `${bucket}/*` },
          { action: 's3:ListBucket', resource: bucket, prefix: 'public/*' },
        ],
      },
    })
    const lister = s3Client(cloud.endpoint, { accessKeyId: 'lister' })
    const missing = (Key: string) => failure(lister.send(new GetObjectCommand({ Bucket, Key })))
    expect(await missing('public/none')).toEqual({ name: 'NoSuchKey', status: 404 })
    expect(await missing('private/none')).toEqual({ name: 'AccessDenied', status: 403 })
    await lister.send(new ListObjectsV2Command({ Bucket, Prefix: 'public/el9' }))
    const denied = { name: 'AccessDenied', status: 403 }
    expect(await failure(lister.send(new ListObjectsV2Command({ Bucket, Prefix: 'private/' })))).toEqual(denied)
    expect(await failure(lister.send(new ListObjectsV2Command({ Bucket })))).toEqual(denied)
    expect((await failure(lister.send(new HeadBucketCommand({ Bucket })))).status).toBe(403)
    lister.destroy()
  })

  it('asks who compares an ETag for s3:GetObject too, and writes down what was asked', async () => {
    const { s3, cloud } = under()
    const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key: 'compared', Body: 'x' }))
    const resource = `arn:aws:s3:::${Bucket}/compared`
    fault({ accessKey: 'writer', action: { kind: 'deny', allow: [{ action: 's3:PutObject', resource }] } })
    const writer = s3Client(cloud.endpoint, { accessKeyId: 'writer' })
    await writer.send(new PutObjectCommand({ Bucket, Key: 'compared', Body: 'x' }))
    const swap = new PutObjectCommand({ Bucket, Key: 'compared', Body: 'y', IfMatch: ETag })
    expect(await failure(writer.send(swap))).toEqual({ name: 'AccessDenied', status: 403 })
    const refused = await cloud.calls.waitFor(({ accessKey, status }) => accessKey === 'writer' && status === 403)
    expect(refused.permissions).toEqual([
      { action: 's3:PutObject', resource, allowed: true },
      { action: 's3:GetObject', resource, allowed: false },
    ])
    writer.destroy()
  })

  it('asks who copies over what it compares for both objects', async () => {
    const { s3, cloud } = under()
    const put = (key: string) => s3.send(new PutObjectCommand({ Bucket, Key: key, Body: key }))
    const [{ ETag }] = await Promise.all([put('target'), put('source')])
    const allow = [
      { action: 's3:PutObject', resource: `arn:aws:s3:::${Bucket}/target` },
      { action: 's3:GetObject', resource: `arn:aws:s3:::${Bucket}/source` },
    ]
    fault({ accessKey: 'copier', action: { kind: 'deny', allow } })
    const copier = s3Client(cloud.endpoint, { accessKeyId: 'copier' })
    const copy = { Bucket, Key: 'target', CopySource: `${Bucket}/source` }
    await copier.send(new CopyObjectCommand(copy))
    const swap = new CopyObjectCommand({ ...copy, IfMatch: ETag })
    expect(await failure(copier.send(swap))).toEqual({ name: 'AccessDenied', status: 403 })
    copier.destroy()
  })
})

describe('deliveries', () => {
  async function deliver(name: string, rule: FaultRule | undefined, count = 3) {
    const { sqs } = under()
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name }))
    if (rule) fault({ queue: name, ...rule })
    for (let index = 1; index <= count; index++) {
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: `message ${index}` }))
    }
    return QueueUrl
  }
  async function received(QueueUrl: string, options: object = {}) {
    const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...options })
    return (await under().sqs.send(command)).Messages ?? []
  }
  const bodies = async (url: string) => (await received(url)).map(({ Body }) => Body?.at(-1)).join('')

  it('are in order when nothing strikes', async () => {
    expect(await bodies(await deliver('in-order', undefined))).toBe('123')
  })

  it('come twice, under one message id, and each has to be deleted', async () => {
    const { sqs } = under()
    const url = await deliver('twice', { body: '*2', action: { kind: 'duplicate' } })
    const messages = await received(url)
    expect(messages.map(({ Body }) => Body?.at(-1)).join('')).toBe('1223')
    expect(new Set(messages.map(({ MessageId }) => MessageId)).size).toBe(3)
    const [, one] = messages
    await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: one?.ReceiptHandle }))
    clock.advance(30_000)
    expect(await bodies(url)).toBe('123')
  })

  it('come in reverse', async () => {
    expect(await bodies(await deliver('reverse', { action: { kind: 'reorder', order: 'reverse' } }))).toBe('321')
  })

  it('come shuffled', async () => {
    const order = await bodies(await deliver('shuffled', { action: { kind: 'reorder' } }, 9))
    expect([...order].sort().join('')).toBe('123456789')
    expect(order).not.toBe('123456789')
  })

  it('come late, or never', async () => {
    fault({ queue: 'late', body: '*3', action: { kind: 'lose' } })
    const url = await deliver('late', { body: '*1', action: { kind: 'hold', milliseconds: 500 } })
    expect(await bodies(url)).toBe('2')
    clock.advance(500)
    expect(await bodies(url)).toBe('1')
  })

  it('stay visible to others', async () => {
    const url = await deliver('visible', undefined, 1)
    fault({ queue: 'visible', operation: 'ReceiveMessage', count: 1, action: { kind: 'forgetVisibility' } })
    expect(await bodies(url)).toBe('1')
    expect(await bodies(url)).toBe('1')
    expect(await bodies(url)).toBe('')
  })
})

describe('the log of calls', () => {
  it('says what was called, with bytes, range, status and error', async () => {
    const { cloud, s3 } = under()
    cloud.calls.clear()
    await put('0123456789')
    const get = await s3.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=2-4' }))
    await get.Body?.transformToString()
    await failure(put('x', { IfNoneMatch: '*' }))
    await cloud.calls.waitFor(({ status }) => status === 412)
    const common = { service: 's3', bucket: Bucket, key: Key, accessKey: 'tester', faults: [] }
    expect(cloud.calls.list()).toEqual([
      expect.objectContaining({ ...common, operation: 'PutObject', status: 200, bytesIn: 10, bytesOut: 0 }),
      expect.objectContaining({ ...common, operation: 'GetObject', status: 206, bytesOut: 3, range: 'bytes=2-4' }),
      expect.objectContaining({ ...common, operation: 'PutObject', status: 412, code: 'PreconditionFailed' }),
    ])
  })
})
