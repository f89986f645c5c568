import { findEndpoint, setEndpoint } from '@repokeeper/object-store'
import * as z from 'zod'

export type QueueErrorCode =
  | 'NO_SUCH_QUEUE'
  | 'ACCESS_DENIED'
  | 'NO_CREDENTIALS'
  | 'NO_REGION'
  | 'UNREACHABLE'
  | 'THROTTLED'
  | 'FAILED'

/** A queue that cannot be used; `message` says which, `whatToDo` what a person can do. */
export class QueueError extends Error {
  override readonly name = 'QueueError'
  readonly code: QueueErrorCode
  readonly whatToDo: string

  constructor(code: QueueErrorCode, message: string, options: ErrorOptions & { readonly whatToDo?: string } = {}) {
    super(message, options)
    this.code = code
    this.whatToDo = options.whatToDo ?? ''
  }

  /**
   * What this process was told can never work. All else comes right by itself or by somebody's hand elsewhere: a queue is made, a role is given,
   * the metadata service of a machine that starts answers at last.
   */
  get isConfiguration(): boolean {
    return this.code === 'NO_REGION'
  }
}

interface Subject {
  readonly queue: string
  readonly endpoint?: string | undefined
  /** What IAM has to allow for what was tried. Default: all that a worker does. */
  readonly needs?: string | undefined
}

const workerNeeds =
  'sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility, sqs:GetQueueUrl and sqs:GetQueueAttributes'

/** Turns what the SDK threw, or SQS and its likes answered, into what a person can act on. */
export function explainQueueError(error: unknown, { queue, endpoint, needs = workerNeeds }: Subject): QueueError {
  if (error instanceof QueueError) return error
  const { name, code, message, $metadata } = ThrownError.parse(error)
  const status = $metadata?.httpStatusCode
  const at = endpoint === undefined ? '' : ` at ${withoutUserinfo(endpoint)}`
  const said = (message === '' ? name : message).replace(/[^.!?]$/, '$&.')
  const explain = (errorCode: QueueErrorCode, what: string, whatToDo: string) =>
    new QueueError(errorCode, what, { cause: error, whatToDo })

  if (/NonExistentQueue|QueueDoesNotExist/i.test(`${name} ${code} ${message}`)) {
    return explain(
      'NO_SUCH_QUEUE',
      `There is no queue "${queue}"${at}.`,
      'Check its name, the region, the account and the endpoint.',
    )
  }
  if (
    /CredentialsProviderError|CredentialsError|TokenProviderError|ExpiredToken|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch/i.test(
      name,
    )
  ) {
    return explain(
      'NO_CREDENTIALS',
      `The credentials for queue "${queue}"${at} are missing, expired or wrong: ${said}`,
      'Set AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role.',
    )
  }
  if (/AccessDenied|NotAuthorized|InvalidSecurity/i.test(name) || status === 401 || status === 403) {
    return explain('ACCESS_DENIED', `The credentials may not use queue "${queue}"${at}: ${said}`, `Allow ${needs}.`)
  }
  if (/Throttl|OverLimit|TooManyRequests|SlowDown/i.test(name) || status === 429) {
    return explain(
      'THROTTLED',
      `SQS holds back requests for queue "${queue}"${at}: ${said}`,
      'This passes: the next try may come through.',
    )
  }
  const isNetwork =
    /^(ECONN|ENOTFOUND|EAI_AGAIN|EHOST|ENET|ETIMEDOUT|EPIPE|CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS)/.test(
      code ?? '',
    ) || /TimeoutError|NetworkingError/.test(name)
  if (isNetwork || (status !== undefined && status >= 500)) {
    return explain(
      'UNREACHABLE',
      `SQS${at} cannot be reached for queue "${queue}": ${said}`,
      endpoint === undefined
        ? `Check the network and the region; ${setEndpoint}.`
        : `Check that it runs; ${findEndpoint('SQS', endpoint, process.env)?.from} says so.`,
    )
  }
  return explain(
    'FAILED',
    `SQS${at} failed for queue "${queue}": ${name}: ${said}`,
    'If it stays so, check the endpoint and the region.',
  )
}

/** An endpoint as it may be printed. */
export function withoutUserinfo(url: string): string {
  if (!URL.canParse(url)) return url
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}

const ThrownError = z
  .object({
    name: z.string().catch('Error'),
    message: z.string().catch(''),
    code: z.string().optional().catch(undefined),
    $metadata: z
      .object({ httpStatusCode: z.number().optional().catch(undefined) })
      .optional()
      .catch(undefined),
  })
  .catch({ name: 'Error', message: 'something that is no error was thrown' })
