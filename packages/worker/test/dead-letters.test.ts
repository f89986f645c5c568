/** What SQS may do and local-cloud does not: miss messages, hand one out twice, fail half-way, tell more than Amazon does. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openDeadLetters } from '../src/dead-letters.ts'
import { openQueueDesk } from '../src/queue-desk.ts'
import { type SqsAnswer, sqsFault, startForeignSqs } from './foreign-sqs.ts'

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'tester')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'anything')
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const url = 'https://elsewhere/123456789012/dead'
const attributes = (waiting: number) => ({
  body: { Attributes: { QueueArn: 'arn:aws:sqs:x:123456789012:dead', ApproximateNumberOfMessages: String(waiting) } },
})
const message = (id: string, receipt = id) => ({ MessageId: id, ReceiptHandle: receipt, Body: id })
const signal = new AbortController().signal

describe('taking dead letters', () => {
  it('goes on while the queue counts messages that a receive has missed, and ends all the same', async () => {
    const receives = [[], [], [message('a')], [], [], [], [message('too late')]]
    const { taken, receiveCount } = await take({ receives, waiting: 1 })
    expect(taken.letters.map(({ id }) => id)).toEqual(['a'])
    expect(taken.left, 'what it counts and did not give').toBe(1)
    expect(receiveCount).toBe(6)
  })

  it('ends with the first empty receive where the queue counts nothing more', async () => {
    const { receiveCount } = await take({ receives: [[message('a')], []], waiting: 0 })
    expect(receiveCount).toBe(2)
  })

  it('has a message once, by its newest receipt, however often it comes', async () => {
    const again = Array(50).fill([message('a', 'newest')])
    const { taken, receiveCount } = await take({ receives: [[message('a')], ...again], waiting: 9 })
    expect(taken.letters).toMatchObject([{ id: 'a', receiptHandle: 'newest' }])
    expect(receiveCount, 'a queue that forgets to hide is no endless one').toBe(4)
  })

  it.each([
    ['look', 1, 1_000, 23],
    ['look', 900, 1_000, 201],
    ['look', 900, 10, 23],
    ['look', 9_000, 10_000, 600],
    ['work', 1, 1_000, 600],
  ] as const)('hides them, to %s at %d of at most %d, for %d s', async (purpose, waiting, most, holdSeconds) => {
    const { taken, inputs } = await take({ receives: [[message('a')], [], [], []], waiting, most, purpose })
    expect(taken.holdSeconds).toBe(holdSeconds)
    expect(inputs[0]).toMatchObject({ VisibilityTimeout: holdSeconds })
  })

  it('gives back what it has where a receive fails, and says what is missing', async () => {
    const server = await startForeignSqs({
      GetQueueUrl: () => ({ body: { QueueUrl: url } }),
      GetQueueAttributes: () => attributes(2),
      ReceiveMessage: inTurn([{ body: { Messages: [message('a')] } }, sqsFault('AccessDeniedException', 403)]),
      ChangeMessageVisibilityBatch: () => ({ body: { Successful: [], Failed: [] } }),
    })
    const deadLetters = await openDeadLetters({ endpointUrl: server.endpoint }, 'dead')
    await expect(deadLetters.take(10, 'work', signal)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      whatToDo: 'Allow sqs:ReceiveMessage and sqs:ChangeMessageVisibility on dead.',
    })
    expect(server.inputsOf('ChangeMessageVisibilityBatch')).toMatchObject([
      { Entries: [{ ReceiptHandle: 'a', VisibilityTimeout: 0 }] },
    ])
    deadLetters.close()
    await server.close()
  })
})

describe('a desk for queues', () => {
  it('finds a queue of another account by its ARN', async () => {
    const server = await startForeignSqs({
      GetQueueUrl: () => ({ body: { QueueUrl: url } }),
      GetQueueAttributes: () => attributes(0),
    })
    const desk = await openQueueDesk({ endpointUrl: server.endpoint })
    expect(await desk.read('arn:aws:sqs:eu-central-1:210987654321:dead')).toMatchObject({ name: 'dead', url })
    expect(server.inputsOf('GetQueueUrl')).toEqual([{ QueueName: 'dead', QueueOwnerAWSAccountId: '210987654321' }])
    desk.close()
    await server.close()
  })

  it('passes on how old the oldest message is where a server tells it', async () => {
    const server = await startForeignSqs({
      GetQueueUrl: () => ({ body: { QueueUrl: url } }),
      GetQueueAttributes: () => ({ body: { Attributes: { ApproximateAgeOfOldestMessage: '75', Policy: '' } } }),
    })
    const desk = await openQueueDesk({ endpointUrl: server.endpoint })
    expect(await desk.read('dead')).toMatchObject({ oldestSeconds: 75, policy: undefined, arn: '', waiting: 0 })
    desk.close()
    await server.close()
  })

  it('reads every page of source queues, and no endless number of them', async () => {
    const page = (number: number, more: boolean): SqsAnswer => ({
      body: { queueUrls: [`https://x/1/q${number}`], ...(more && { NextToken: String(number) }) },
    })
    let pages = 0
    const server = await startForeignSqs({
      GetQueueUrl: () => ({ body: { QueueUrl: url } }),
      GetQueueAttributes: () => attributes(0),
      ListDeadLetterSourceQueues: () => page(++pages, true),
    })
    const desk = await openQueueDesk({ endpointUrl: server.endpoint })
    expect(await desk.sourcesOf(await desk.read('dead'))).toHaveLength(100)
    desk.close()
    await server.close()
  })
})

interface Scene {
  readonly receives: readonly (readonly object[])[]
  readonly waiting: number
  readonly most?: number
  readonly purpose?: 'look' | 'work'
}

/** Takes from a queue whose receives give this, and which counts so many as waiting. */
async function take({ receives, waiting, most = 10, purpose = 'work' }: Scene) {
  const server = await startForeignSqs({
    GetQueueUrl: () => ({ body: { QueueUrl: url } }),
    GetQueueAttributes: () => attributes(waiting),
    ReceiveMessage: inTurn(receives.map((Messages) => ({ body: { Messages } }))),
  })
  const deadLetters = await openDeadLetters({ endpointUrl: server.endpoint }, 'dead')
  const taken = await deadLetters.take(most, purpose, signal)
  const inputs = server.inputsOf('ReceiveMessage')
  deadLetters.close()
  await server.close()
  return { taken, receiveCount: inputs.length, inputs }
}

function inTurn(answers: readonly SqsAnswer[]): () => SqsAnswer {
  let turn = 0
  return () => answers[turn++] ?? { body: {} }
}
