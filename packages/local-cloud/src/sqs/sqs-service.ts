import type { Clock } from '../clock.ts'
import { accessKeyOf } from '../credentials.ts'
import { BodyTooLarge, MalformedUrl, parseQuery, type Request, readAll } from '../http.ts'
import type { Permission } from '../permissions.ts'
import type { Circumstances, Invocation, Service } from '../service.ts'
import { SqsError } from './error.ts'
import { jsonProtocol } from './json-protocol.ts'
import { operations, queueNameOf, type Result, type SqsContext } from './operations.ts'
import { isSqsOperation, parameterSchemas, parseParameters, type SqsOperation } from './parameters.ts'
import type { Protocol } from './protocol.ts'
import { parseQueryParameters, queryProtocol } from './query-protocol.ts'
import { accountId, type Queues } from './queues.ts'

/** Ten messages of 1 MiB in all, each character escaped. */
const bodyBytesMax = 8 * 2 ** 20

const target = /^AmazonSQS\.(\w+)$/

export class SqsService implements Service {
  readonly #queues: Queues
  readonly #clock: Clock

  constructor(queues: Queues, clock: Clock) {
    this.#queues = queues
    this.#clock = clock
  }

  /** JSON by its header; the query protocol by its form, or its `Action`, at `/` or at a queue's URL. */
  static recognises(request: Request): boolean {
    if (target.test(request.headers.get('x-amz-target') ?? '')) return true
    if (request.rawPath !== '/' && !request.rawPath.startsWith(`/${accountId}/`)) return false
    const isForm = (request.headers.get('content-type') ?? '').startsWith('application/x-www-form-urlencoded')
    return request.query.has('Action') || (request.method === 'POST' && isForm)
  }

  async understand(request: Request): Promise<Invocation> {
    const isJson = request.headers.has('x-amz-target')
    const protocol = isJson ? jsonProtocol : queryProtocol
    const accessKey = accessKeyOf(request)
    try {
      const { operation, input } = isJson ? await readJson(request) : await readForm(request)
      const queue = queueIn(input)
      const caller = { ...(queue !== undefined && { queue }), ...(accessKey !== undefined && { accessKey }) }
      const subject = { service: 'sqs' as const, operation, ...caller }
      if (accessKey === undefined) {
        throw new SqsError(
          'MissingAuthenticationToken',
          'Request is missing Authentication Token; any credentials will do.',
        )
      }
      if (!isSqsOperation(operation)) {
        const error = new SqsError('UnsupportedOperation', `local-cloud does not know ${operation}.`)
        return invocation(protocol, subject, [], () => Promise.reject(error))
      }
      return invocation(protocol, subject, this.#permissions(operation, queue), async (circumstances) => {
        const context: SqsContext = {
          queues: this.#queues,
          clock: this.#clock,
          endpoint: `http://${request.headers.get('host') ?? 'localhost'}`,
          senderId: accessKey,
          signal: request.signal,
          forgetVisibility: circumstances.forgetVisibility,
        }
        return await perform(operation, input, context)
      })
    } catch (error) {
      return invocation(protocol, { service: 'sqs', operation: 'Unknown' }, [], () => Promise.reject(error))
    }
  }

  #permissions(operation: SqsOperation, queue: string | undefined): Permission[] {
    // IAM knows a batch by the name of its single operation.
    const action = `sqs:${operation.replace(/Batch$/, '')}`
    return [{ action, resource: queue === undefined ? '*' : this.#queues.arnOf(queue) }]
  }
}

/** Parses and runs: one type parameter ties the parameters to their operation. */
async function perform<O extends SqsOperation>(operation: O, input: unknown, context: SqsContext): Promise<Result> {
  return await operations[operation](parseParameters(parameterSchemas[operation], input), context)
}

function invocation(
  protocol: Protocol,
  subject: Invocation['subject'],
  permissions: readonly Permission[],
  run: (circumstances: Circumstances) => Promise<Result>,
): Invocation {
  return {
    subject,
    permissions,
    async run(circumstances) {
      const { requestId } = circumstances
      try {
        return protocol.formatResult(subject.operation, await run(circumstances), requestId)
      } catch (cause) {
        const { status, code, message } = asSqsError(cause)
        return protocol.formatError({ status, code, message }, requestId)
      }
    },
    formatError: protocol.formatError,
  }
}

/** @throws the cause, where it is a fault of local-cloud's own. */
function asSqsError(cause: unknown): SqsError {
  if (cause instanceof SqsError) return cause
  if (cause instanceof BodyTooLarge || cause instanceof MalformedUrl || cause instanceof SyntaxError) {
    return new SqsError('SerializationException', cause.message)
  }
  throw cause
}

async function readJson(request: Request): Promise<{ operation: string; input: unknown }> {
  const operation = target.exec(request.headers.get('x-amz-target') ?? '')?.[1] ?? ''
  const text = (await readAll(request.body, bodyBytesMax)).toString('utf8')
  return { operation, input: JSON.parse(text === '' ? '{}' : text) }
}

async function readForm(request: Request): Promise<{ operation: string; input: unknown }> {
  const form = parseQuery((await readAll(request.body, bodyBytesMax)).toString('latin1'))
  const parameters = new Map([...request.query, ...form])
  // The URL of a queue may say which queue is meant.
  if (request.rawPath !== '/' && !parameters.has('QueueUrl')) parameters.set('QueueUrl', request.rawPath)
  return { operation: parameters.get('Action') ?? '', input: parseQueryParameters(parameters) }
}

function queueIn(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined
  const url: unknown = Reflect.get(input, 'QueueUrl')
  const name: unknown = Reflect.get(input, 'QueueName')
  const arn: unknown = Reflect.get(input, 'SourceArn')
  if (typeof url === 'string') return queueNameOf(url)
  if (typeof name === 'string') return name
  return typeof arn === 'string' ? arn.split(':').at(5) : undefined
}
