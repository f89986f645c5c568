import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  type QueueAttributeName,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs'
import { describe, expect, it } from 'vitest'
import { createClock } from '../src/index.ts'
import { cloudForTests, failure } from './cloud.ts'

/** It stands still: what a queue does in time, it does when the test says so. */
const clock = createClock({ frozen: true, startAt: Date.UTC(2026, 0, 1) })
const under = cloudForTests({ clock })
let made = 0

async function makeQueue(Attributes: Partial<Record<QueueAttributeName, string>> = {}): Promise<string> {
  made += 1
  const { QueueUrl = '' } = await under().sqs.send(new CreateQueueCommand({ QueueName: `queue-${made}`, Attributes }))
  return QueueUrl
}

async function send(QueueUrl: string, ...bodies: string[]) {
  for (const MessageBody of bodies) await under().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }))
}

async function receive(QueueUrl: string, options: Partial<ReceiveMessageCommandInput> = {}) {
  const input = { QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ['All' as const], ...options }
  return (await under().sqs.send(new ReceiveMessageCommand(input))).Messages ?? []
}

async function receiveOne(QueueUrl: string, options: Partial<ReceiveMessageCommandInput> = {}) {
  const [message, ...others] = await receive(QueueUrl, options)
  if (message === undefined || others.length > 0) throw new Error('expected exactly one message')
  return message
}

async function bodies(QueueUrl: string) {
  return (await receive(QueueUrl)).map(({ Body }) => Body)
}

async function attributes(QueueUrl: string) {
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })
  return (await under().sqs.send(command)).Attributes ?? {}
}

async function remove(QueueUrl: string, ReceiptHandle: string | undefined) {
  await under().sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
}

async function counts(QueueUrl: string) {
  const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible, ApproximateNumberOfMessagesDelayed } =
    await attributes(QueueUrl)
  return [ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible, ApproximateNumberOfMessagesDelayed].map(
    Number,
  )
}

describe('a queue', () => {
  it('is created once, found by its name, listed, changed and deleted', async () => {
    const { sqs, cloud } = under()
    const url = await makeQueue({ VisibilityTimeout: '60' })
    const name = `queue-${made}`
    expect(url).toBe(`${cloud.endpoint}/000000000000/${name}`)
    const same = { QueueName: name, Attributes: { VisibilityTimeout: '60' } }
    expect((await sqs.send(new CreateQueueCommand(same))).QueueUrl).toBe(url)
    const other = new CreateQueueCommand({ QueueName: name, Attributes: { VisibilityTimeout: '61' } })
    expect((await failure(sqs.send(other))).name).toBe('QueueNameExists')
    expect((await sqs.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl).toBe(url)
    expect((await sqs.send(new ListQueuesCommand({ QueueNamePrefix: name }))).QueueUrls).toEqual([url])
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { DelaySeconds: '3' } }))
    expect(await attributes(url)).toMatchObject({
      QueueArn: `arn:aws:sqs:us-east-1:000000000000:${name}`,
      VisibilityTimeout: '60',
      DelaySeconds: '3',
      MessageRetentionPeriod: '345600',
      MaximumMessageSize: '1048576',
      CreatedTimestamp: String(clock.now() / 1000),
    })
    await sqs.send(new DeleteQueueCommand({ QueueUrl: url }))
    const gone = await failure(sqs.send(new GetQueueUrlCommand({ QueueName: name })))
    expect(gone).toEqual({ name: 'QueueDoesNotExist', status: 400 })
  })

  it.each([
    [{ VisibilityTimeout: '43201' }, 'InvalidAttributeValue'],
    [{ DelaySeconds: 'soon' }, 'InvalidAttributeValue'],
    [{ RedrivePolicy: '{' }, 'InvalidAttributeValue'],
    [
      { RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:nowhere","maxReceiveCount":1}' },
      'InvalidAttributeValue',
    ],
    [{ FifoQueue: 'true' }, 'UnsupportedOperation'],
    [{ Invented: '1' }, 'InvalidAttributeName'],
  ])('is not made with %o', async (wrong, name) => {
    expect((await failure(makeQueue(wrong as Partial<Record<QueueAttributeName, string>>))).name).toBe(name)
  })

  it('is purged, once a minute', async () => {
    const { sqs } = under()
    const url = await makeQueue()
    await send(url, 'a', 'b')
    await receiveOne(url, { MaxNumberOfMessages: 1 })
    await sqs.send(new PurgeQueueCommand({ QueueUrl: url }))
    expect(await counts(url)).toEqual([0, 0, 0])
    expect((await failure(sqs.send(new PurgeQueueCommand({ QueueUrl: url })))).name).toBe('PurgeQueueInProgress')
    clock.advance(60_000)
    await sqs.send(new PurgeQueueCommand({ QueueUrl: url }))
  })

  it('forgets messages after its retention period, in flight or not', async () => {
    const url = await makeQueue({ MessageRetentionPeriod: '60' })
    await send(url, 'first')
    await receive(url, { VisibilityTimeout: 1000 })
    clock.advance(30_000)
    await send(url, 'second')
    expect(await counts(url)).toEqual([1, 1, 0])
    clock.advance(30_000)
    expect(await counts(url)).toEqual([1, 0, 0])
    clock.advance(30_000)
    expect(await counts(url)).toEqual([0, 0, 0])
  })
})

describe('a message', () => {
  it('is received with what AWS tells of it', async () => {
    const { sqs } = under()
    const url = await makeQueue()
    const sentAt = clock.now()
    const sent = await sqs.send(
      new SendMessageCommand({
        QueueUrl: url,
        MessageBody: 'héllo <&>',
        MessageAttributes: {
          kind: { DataType: 'String', StringValue: 'test' },
          raw: { DataType: 'Binary', BinaryValue: Buffer.from('ab') },
        },
      }),
    )
    clock.advance(5000)
    const message = await receiveOne(url, { MessageAttributeNames: ['All'] })
    expect(message).toMatchObject({
      MessageId: sent.MessageId,
      Body: 'héllo <&>',
      MD5OfBody: sent.MD5OfMessageBody,
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
      Attributes: {
        SenderId: 'tester',
        SentTimestamp: String(sentAt),
        ApproximateReceiveCount: '1',
        ApproximateFirstReceiveTimestamp: String(sentAt + 5000),
      },
    })
    expect(message.MessageAttributes?.kind?.StringValue).toBe('test')
    expect(Buffer.from(message.MessageAttributes?.raw?.BinaryValue ?? []).toString()).toBe('ab')
  })

  it('is hidden while it is worked on, and comes again unless it is deleted', async () => {
    const url = await makeQueue({ VisibilityTimeout: '30' })
    await send(url, 'work')
    const first = await receiveOne(url)
    clock.advance(29_999)
    expect(await receive(url)).toEqual([])
    expect(await counts(url)).toEqual([0, 1, 0])
    clock.advance(1)
    const second = await receiveOne(url)
    expect([second.MessageId, second.Attributes?.ApproximateReceiveCount]).toEqual([first.MessageId, '2'])
    await remove(url, second.ReceiptHandle)
    clock.advance(60_000)
    expect(await receive(url)).toEqual([])
  })

  it('is not deleted by the receipt of an earlier delivery, which is no error', async () => {
    const url = await makeQueue({ VisibilityTimeout: '10' })
    await send(url, 'twice')
    const first = await receiveOne(url)
    clock.advance(10_000)
    await receiveOne(url)
    await remove(url, first.ReceiptHandle)
    clock.advance(10_000)
    expect(await bodies(url)).toEqual(['twice'])
  })

  it('is deleted by the latest receipt even when its time is over', async () => {
    const url = await makeQueue({ VisibilityTimeout: '10' })
    await send(url, 'late')
    const late = await receiveOne(url)
    clock.advance(10_000)
    await remove(url, late.ReceiptHandle)
    await remove(url, late.ReceiptHandle)
    expect(await receive(url)).toEqual([])
    expect((await failure(remove(url, 'no receipt'))).name).toBe('ReceiptHandleIsInvalid')
  })

  it('stays hidden longer, or comes back at once, as its visibility is changed', async () => {
    const { sqs } = under()
    const url = await makeQueue({ VisibilityTimeout: '10' })
    const change = (ReceiptHandle: string | undefined, VisibilityTimeout: number) =>
      sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout }))
    await send(url, 'long work')
    const first = await receiveOne(url)
    clock.advance(9000)
    await change(first.ReceiptHandle, 10)
    clock.advance(9000)
    expect(await receive(url)).toEqual([])
    await change(first.ReceiptHandle, 0)
    const second = await receiveOne(url)
    // 43,200 s count from the receive.
    clock.advance(1000)
    expect((await failure(change(second.ReceiptHandle, 43_200))).name).toBe('InvalidParameterValue')
    expect((await failure(change(first.ReceiptHandle, 5))).name).toBe('InvalidParameterValue')
    clock.advance(9000)
    expect((await failure(change(second.ReceiptHandle, 5))).name).toBe('MessageNotInflight')
  })

  it('comes later where it is sent with a delay', async () => {
    const { sqs } = under()
    const url = await makeQueue({ DelaySeconds: '5' })
    await send(url, 'five')
    await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'none', DelaySeconds: 0 }))
    expect(await counts(url)).toEqual([1, 0, 1])
    expect(await bodies(url)).toEqual(['none'])
    clock.advance(5000)
    expect(await bodies(url)).toEqual(['five'])
  })

  it.each([
    ['of more than 1 MiB', 'x'.repeat(1_048_577), 'InvalidParameterValue'],
    ['without a body', '', 'MissingParameter'],
    ['with a character that XML has not', 'a\u0000b', 'InvalidMessageContents'],
  ])('%s is refused', async (_, body, name) => {
    const url = await makeQueue()
    expect((await failure(send(url, body))).name).toBe(name)
  })
})

describe('long polling', () => {
  it('ends as soon as a message comes', async () => {
    const url = await makeQueue()
    const waiting = receive(url, { WaitTimeSeconds: 20 })
    await send(url, 'wake up')
    expect((await waiting).map(({ Body }) => Body)).toEqual(['wake up'])
  })

  it('ends as soon as a message becomes visible again', async () => {
    const url = await makeQueue({ VisibilityTimeout: '5' })
    await send(url, 'again')
    await receiveOne(url)
    const waiting = receive(url, { WaitTimeSeconds: 20 })
    await send(await makeQueue(), 'elsewhere')
    // The alarm rings whether the poll began before or after this.
    clock.advance(5000)
    expect((await waiting).map(({ Body }) => Body)).toEqual(['again'])
  })

  it('ends without a message when its time is over', async () => {
    const url = await makeQueue({ ReceiveMessageWaitTimeSeconds: '20' })
    let isOver = false
    const waiting = receive(url).finally(() => {
      isOver = true
    })
    while (!isOver) {
      await send(await makeQueue(), 'elsewhere')
      clock.advance(10_000)
    }
    expect(await waiting).toEqual([])
  })

  it('of a caller that went away takes nothing', async () => {
    const { sqs, cloud } = under()
    const url = await makeQueue()
    // A rule that changes nothing, but counts: so it shows that the poll has come in.
    const action = { kind: 'delay', milliseconds: 0 } as const
    cloud.faults.add({ operation: 'ReceiveMessage', queue: `queue-${made}`, action })
    const away = new AbortController()
    const command = new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 })
    const poll = failure(sqs.send(command, { abortSignal: away.signal }))
    while (cloud.faults.list()[0]?.matched === 0) await attributes(url)
    cloud.calls.clear()
    away.abort()
    expect((await poll).name).toBe('AbortError')
    expect((await cloud.calls.waitFor(({ operation }) => operation === 'ReceiveMessage')).status).toBe(0)
    await send(url, 'for another')
    expect(await bodies(url)).toEqual(['for another'])
    cloud.faults.clear()
  })
})

describe('a dead-letter queue', () => {
  it('gets what was received too often, and gives it back', async () => {
    const { sqs } = under()
    const dead = await makeQueue()
    const deadArn = (await attributes(dead)).QueueArn ?? ''
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: deadArn, maxReceiveCount: '2' })
    const url = await makeQueue({ VisibilityTimeout: '1', RedrivePolicy })
    await send(url, 'poison')
    for (const count of ['1', '2']) {
      expect((await receiveOne(url)).Attributes?.ApproximateReceiveCount).toBe(count)
      clock.advance(1000)
      expect(await counts(dead)).toEqual([0, 0, 0])
    }
    expect(await receive(url)).toEqual([])
    const message = await receiveOne(dead)
    expect(message.Body).toBe('poison')
    expect(message.Attributes?.DeadLetterQueueSourceArn).toBe((await attributes(url)).QueueArn)
    const sources = await sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }))
    expect(sources.queueUrls).toEqual([url])

    clock.advance(30_000)
    await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: deadArn }))
    const again = await receiveOne(url)
    expect([again.Body, again.Attributes?.ApproximateReceiveCount]).toEqual(['poison', '1'])
    expect(again.MessageId).not.toBe(message.MessageId)
  })
})

describe('a batch', () => {
  it('has a result for each entry', async () => {
    const { sqs } = under()
    const url = await makeQueue()
    const Entries = [
      { Id: 'good', MessageBody: 'good' },
      { Id: 'bad', MessageBody: 'a\u0001' },
    ]
    const sent = await sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }))
    expect(sent.Successful?.map(({ Id }) => Id)).toEqual(['good'])
    expect(sent.Failed).toEqual([
      { Id: 'bad', Code: 'InvalidMessageContents', SenderFault: true, Message: expect.any(String) },
    ])
    const { ReceiptHandle } = await receiveOne(url)
    const changed = await sqs.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: 'a', ReceiptHandle, VisibilityTimeout: 5 },
          { Id: 'b', ReceiptHandle: 'none', VisibilityTimeout: 5 },
        ],
      }),
    )
    expect([changed.Successful?.length, changed.Failed?.map(({ Code }) => Code)]).toEqual([
      1,
      ['ReceiptHandleIsInvalid'],
    ])
    const deleted = await sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: 'a', ReceiptHandle: 'none' },
          { Id: 'b', ReceiptHandle },
        ],
      }),
    )
    expect([deleted.Successful?.length, deleted.Failed?.map(({ Code }) => Code)]).toEqual([
      1,
      ['ReceiptHandleIsInvalid'],
    ])
    expect(await counts(url)).toEqual([0, 0, 0])
  })

  const entry = (Id: string, MessageBody = 'x') => ({ Id, MessageBody })
  it.each([
    ['EmptyBatchRequest', []],
    ['TooManyEntriesInBatchRequest', Array.from({ length: 11 }, (_, index) => entry(`id-${index}`))],
    ['BatchEntryIdsNotDistinct', [entry('a'), entry('a')]],
    ['InvalidBatchEntryId', [entry('a b')]],
    ['BatchRequestTooLong', [entry('a', 'x'.repeat(600_000)), entry('b', 'x'.repeat(600_000))]],
  ])('is refused as a whole: %s', async (name, Entries) => {
    const url = await makeQueue()
    expect((await failure(under().sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries })))).name).toBe(name)
    expect(await counts(url)).toEqual([0, 0, 0])
  })
})

describe('the query protocol', () => {
  async function query(path: string, parameters: Record<string, string>): Promise<[number, string]> {
    const response = await fetch(`${under().cloud.endpoint}${path}`, {
      method: 'POST',
      headers: { authorization: 'AWS4-HMAC-SHA256 Credential=old/20260101/us-east-1/sqs/aws4_request' },
      body: new URLSearchParams({ Version: '2012-11-05', ...parameters }),
    })
    return [response.status, await response.text()]
  }

  it('creates, sends, receives and deletes, in XML', async () => {
    const [, created] = await query('/', {
      Action: 'CreateQueue',
      QueueName: 'old',
      'Attribute.1.Name': 'DelaySeconds',
      'Attribute.1.Value': '0',
    })
    expect(created).toContain(
      `<CreateQueueResult><QueueUrl>${under().cloud.endpoint}/000000000000/old</QueueUrl></CreateQueueResult>`,
    )
    const path = '/000000000000/old'
    const [, sent] = await query(path, {
      Action: 'SendMessageBatch',
      'SendMessageBatchRequestEntry.1.Id': 'a',
      'SendMessageBatchRequestEntry.1.MessageBody': 'hé & <llo>',
      'SendMessageBatchRequestEntry.1.MessageAttribute.1.Name': 'kind',
      'SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType': 'String',
      'SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue': 'test',
    })
    expect(sent).toContain('<SendMessageBatchResultEntry><Id>a</Id>')
    const [, received] = await query(path, {
      Action: 'ReceiveMessage',
      'AttributeName.1': 'All',
      'MessageAttributeName.1': 'All',
    })
    expect(received).toContain('<Body>hé &amp; &lt;llo&gt;</Body>')
    expect(received).toContain('<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>')
    expect(received).toContain(
      '<MessageAttribute><Name>kind</Name><Value><DataType>String</DataType><StringValue>test</StringValue></Value></MessageAttribute>',
    )
    const ReceiptHandle = /<ReceiptHandle>(.*)<\/ReceiptHandle>/.exec(received)?.[1] ?? ''
    expect((await query(path, { Action: 'DeleteMessage', ReceiptHandle }))[0]).toBe(200)
    const [, described] = await query(path, {
      Action: 'GetQueueAttributes',
      'AttributeName.1': 'ApproximateNumberOfMessagesNotVisible',
    })
    expect(described).toContain('<Name>ApproximateNumberOfMessagesNotVisible</Name><Value>0</Value>')
  })

  it('has the older error codes', async () => {
    const [status, body] = await query('/000000000000/none', { Action: 'ReceiveMessage' })
    expect(status).toBe(400)
    expect(body).toContain('<Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>')
  })
})
