import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Delivery, ReceiveFailure } from '../src/queue.ts'
import { openSqsQueue, type SqsQueueOptions } from '../src/sqs-queue.ts'
import { sqsFault, startForeignSqs } from './foreign-sqs.ts'

const closers: (() => Promise<void> | void)[] = []
beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  vi.stubEnv('AWS_REGION', undefined)
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent')
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1')
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  vi.unstubAllEnvs()
})

const foreignUrl = 'http://sqs.internal.invalid:9324/000000000000/additions'
const found = () => ({ body: { QueueUrl: foreignUrl } })

async function foreign(answers: Parameters<typeof startForeignSqs>[0]) {
  const server = await startForeignSqs({ GetQueueUrl: found, ...answers })
  closers.push(server.close)
  const open = async (options: Partial<SqsQueueOptions> = {}) => {
    const queue = await openSqsQueue({
      queue: 'additions',
      endpointUrl: server.endpoint,
      visibilityTimeoutSeconds: 30,
      waitSeconds: 1,
      ...options,
    })
    closers.push(queue.close)
    return queue
  }
  return { server, open }
}

/** Receives until so many messages, empty answers and failures have come. */
async function receive(queue: Awaited<ReturnType<typeof openSqsQueue>>, count: number) {
  const deliveries: Delivery[] = []
  const failures: ReceiveFailure[] = []
  let empty = 0
  await new Promise<void>((resolve) => {
    const count1 = () => {
      if (deliveries.length + failures.length + empty >= count) resolve()
    }
    const subscription = queue.subscribe({
      ready: async () => {},
      deliver: async (some) => {
        deliveries.push(...some)
        count1()
      },
      empty: () => {
        empty += 1
        count1()
      },
      failed: (failure) => {
        failures.push(failure)
        count1()
      },
    })
    closers.push(subscription.stop)
  })
  return { deliveries, failures, empty }
}

describe('a queue', () => {
  it('is found by its name, and asked at the endpoint although its URL names another host', async () => {
    const { server, open } = await foreign({})
    const queue = await open()
    expect(queue.name).toBe('additions')
    expect(await queue.delete([{ id: 'm1', receiptHandle: 'r1' }])).toEqual([])
    expect(server.inputsOf('DeleteMessageBatch')).toMatchObject([{ QueueUrl: foreignUrl }])
  })

  it('is found by its URL alone, without endpoint and region', async () => {
    const { server, open } = await foreign({})
    const queue = await open({ queue: `${server.endpoint}/000000000000/additions`, endpointUrl: undefined })
    expect(queue.name).toBe('additions')
    expect(server.requests.map(({ action }) => action)).toEqual(['GetQueueAttributes'])
  })

  it.each([
    ['eu-west-3', 'eu-west-3'],
    [undefined, 'us-east-1'],
  ])('is asked with a signature for region %s where that is given, else for any', async (region, signed) => {
    const { server, open } = await foreign({})
    await open({ region })
    expect(server.requests[0]?.region).toBe(signed)
  })

  it('at AWS is signed for the region that its URL names', async () => {
    const { server, open } = await foreign({})
    await open({ queue: 'https://sqs.eu-central-1.amazonaws.com/123456789012/additions' })
    expect(server.requests[0]?.region).toBe('eu-central-1')
  })

  it.each([
    ['QueueDoesNotExist', 400, 'NO_SUCH_QUEUE', 'There is no queue "additions"'],
    ['AWS.SimpleQueueService.NonExistentQueue', 400, 'NO_SUCH_QUEUE', 'There is no queue "additions"'],
    ['AccessDeniedException', 403, 'ACCESS_DENIED', 'may not use queue "additions"'],
    ['InvalidClientTokenId', 403, 'NO_CREDENTIALS', 'missing, expired or wrong'],
    ['InternalError', 500, 'UNREACHABLE', 'cannot be reached'],
  ])('answers %s (%i): %s', async (code, status, expected, message) => {
    const { open } = await foreign({ GetQueueUrl: () => sqsFault(code, status) })
    await expect(open()).rejects.toMatchObject({ code: expected, message: expect.stringContaining(message) })
  })

  it('that was given by URL and is not there is an error at the start, too', async () => {
    const { server, open } = await foreign({ GetQueueAttributes: () => sqsFault('QueueDoesNotExist') })
    await expect(open({ queue: `${server.endpoint}/000000000000/typo` })).rejects.toMatchObject({
      code: 'NO_SUCH_QUEUE',
    })
  })

  it('behind an endpoint where nothing listens is unreachable, and the message names the endpoint without its password', async () => {
    const { server, open } = await foreign({})
    await server.close()
    const endpointUrl = server.endpoint.replace('http://', 'http://user:password@')
    const error = await open({ endpointUrl }).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining(`at ${server.endpoint}`) })
    expect(String(error)).not.toContain('password')
  })

  it('at AWS without a region says which options to set', async () => {
    await expect(
      openSqsQueue({ queue: 'additions', visibilityTimeoutSeconds: 30, waitSeconds: 1 }),
    ).rejects.toMatchObject({
      code: 'NO_REGION',
      message: expect.stringMatching(/--region.*AWS_REGION, AWS_DEFAULT_REGION.*URL of the queue/),
    })
  })
})

describe('the advice on a queue', () => {
  const redrive = (RedrivePolicy?: string) => () => ({
    body: { Attributes: RedrivePolicy === undefined ? {} : { RedrivePolicy } },
  })
  it.each([
    ['no redrive policy', redrive(), ['no RedrivePolicy']],
    ['no attributes at all', () => ({ body: {} }), ['no RedrivePolicy']],
    [
      'a maxReceiveCount of 1',
      redrive('{"deadLetterTargetArn":"arn:x","maxReceiveCount":"1"}'),
      ['maxReceiveCount is 1'],
    ],
    ['a good policy', redrive('{"deadLetterTargetArn":"arn:x","maxReceiveCount":5}'), []],
    ['a policy that is no JSON', redrive('?'), []],
    ['attributes that may not be read', () => sqsFault('AccessDenied', 403), ['could not be read']],
    ['attributes that the server does not know', () => sqsFault('UnsupportedOperation'), ['could not be read']],
  ])('with %s', async (_what, GetQueueAttributes, advice) => {
    const { open } = await foreign({ GetQueueAttributes })
    expect((await open()).advice).toEqual(advice.map((text) => expect.stringContaining(text)))
  })
})

describe('receiving', () => {
  it('takes messages as they are: without count, without checksum, with a wrong one', async () => {
    const answers = [
      {
        Messages: [{ MessageId: 'm1', ReceiptHandle: 'r1', Body: 'one', Attributes: { ApproximateReceiveCount: '3' } }],
      },
      {
        Messages: [
          { MessageId: 'm2', ReceiptHandle: 'r2', Body: 'two' },
          { MessageId: 'm3', ReceiptHandle: 'r3', Body: 'three', MD5OfBody: 'x' },
        ],
      },
      { Messages: [{ Body: 'of no one' }, { MessageId: 'm4', ReceiptHandle: 'r4' }] },
    ]
    const { server, open } = await foreign({ ReceiveMessage: () => ({ body: answers.shift() ?? {} }) })
    const { deliveries } = await receive(await open(), 4)
    expect(deliveries).toEqual([
      { id: 'm1', receiptHandle: 'r1', body: 'one', receiveCount: 3 },
      { id: 'm2', receiptHandle: 'r2', body: 'two' },
      { id: 'm3', receiptHandle: 'r3', body: 'three' },
      { id: 'm4', receiptHandle: 'r4', body: '' },
    ])
    expect(server.inputsOf('ReceiveMessage')[0]).toMatchObject({
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 1,
      VisibilityTimeout: 30,
    })
  })

  it.each([{}, { Messages: [] }, { Messages: null }])('takes %j for an empty answer', async (body) => {
    const { open } = await foreign({ ReceiveMessage: () => ({ body }) })
    expect(await receive(await open(), 1)).toMatchObject({ empty: 1, deliveries: [], failures: [] })
  })

  it.each([
    ['QueueDoesNotExist', 400, 'NO_SUCH_QUEUE'],
    ['ExpiredTokenException', 403, 'NO_CREDENTIALS'],
    ['OverLimit', 400, 'THROTTLED'],
    ['ServiceUnavailable', 503, 'UNREACHABLE'],
    ['InvalidParameterValue', 400, 'FAILED'],
  ])('reports %s (%i) as %s with what to do', async (code, status, expected) => {
    const { open } = await foreign({ ReceiveMessage: () => sqsFault(code, status) })
    const { failures } = await receive(await open(), 1)
    expect(failures[0]).toMatchObject({ code: expected, whatToDo: expect.stringMatching(/\w/) })
  })

  it('asks no more than once before the subscriber is ready again, whatever fails', async () => {
    const { server, open } = await foreign({ ReceiveMessage: () => sqsFault('QueueDoesNotExist') })
    const queue = await open()
    let ready = 0
    const failed = new Promise<void>((resolve) => {
      const subscription = queue.subscribe({
        ready: () => (ready++ === 0 ? Promise.resolve() : new Promise(() => {})),
        deliver: async () => {},
        empty: () => {},
        failed: () => resolve(),
      })
      closers.push(() => void subscription.stop())
    })
    await failed
    await new Promise((resolve) => setImmediate(resolve))
    expect(server.inputsOf('ReceiveMessage').length).toBe(1)
  })

  it('stops in the middle of a long poll without a failure, and nothing is delivered after', async () => {
    let polling = () => {}
    const began = new Promise<void>((resolve) => {
      polling = resolve
    })
    const { open } = await foreign({
      ReceiveMessage: () => {
        polling()
        return new Promise(() => {})
      },
    })
    const queue = await open()
    const told: string[] = []
    const subscription = queue.subscribe({
      ready: async () => {},
      deliver: async () => void told.push('delivered'),
      empty: () => told.push('empty'),
      failed: () => told.push('failed'),
    })
    await began
    await subscription.stop()
    expect(told).toEqual([])
  })
})

describe('batches', () => {
  const entries = Array.from({ length: 23 }, (_, index) => ({
    id: `message/${index}`,
    receiptHandle: `r${index}`,
    seconds: 30,
  }))
  const EntryIds = (input: Readonly<Record<string, unknown>>) =>
    Array.isArray(input.Entries) ? input.Entries.length : 0

  it('go out in tens, whatever a message id looks like', async () => {
    const { server, open } = await foreign({})
    const queue = await open()
    expect(await queue.changeVisibility(entries)).toEqual([])
    expect(await queue.delete(entries)).toEqual([])
    expect(server.inputsOf('ChangeMessageVisibilityBatch').map(EntryIds).toSorted()).toEqual([10, 10, 3])
    expect(server.inputsOf('DeleteMessageBatch').map(EntryIds).toSorted()).toEqual([10, 10, 3])
    expect(server.inputsOf('DeleteMessageBatch').flatMap(({ Entries }) => Entries)).toContainEqual({
      Id: '0',
      ReceiptHandle: 'r0',
    })
  })

  it('name the entries that failed, and whether trying again may help', async () => {
    const Failed = [
      { Id: '1', Code: 'ReceiptHandleIsInvalid', Message: 'expired', SenderFault: true },
      { Id: '2', Code: 'InternalError', SenderFault: false },
      { Id: '99', Code: 'Unheard' },
    ]
    const { open } = await foreign({ DeleteMessageBatch: () => ({ body: { Successful: [], Failed } }) })
    expect(await (await open()).delete(entries.slice(0, 3))).toEqual([
      { id: 'message/1', code: 'ReceiptHandleIsInvalid', message: 'expired', final: true },
      { id: 'message/2', code: 'InternalError', message: 'no reason given', final: false },
    ])
  })

  it('fail for each of their entries where the request fails, and the other requests go on', async () => {
    let requests = 0
    const { open } = await foreign({
      DeleteMessageBatch: () => (requests++ === 0 ? sqsFault('Whatever') : { body: {} }),
    })
    const failures = await (await open()).delete(entries)
    expect(failures.length === 10 || failures.length === 3).toBe(true)
    expect(failures[0]).toMatchObject({ code: 'FAILED', final: false })
  })
})
