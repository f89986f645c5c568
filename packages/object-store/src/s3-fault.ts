import { setEndpoint } from './endpoint.ts'
import { StoreError, type StoreErrorCode } from './port.ts'
import { abortable, headBucket, type S3Connection } from './s3-connection.ts'

/** What went wrong with a request, whatever the SDK threw: its own errors, those of the XML parser, those of the network. */
export interface S3Fault {
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined
  /** S3's error code, such as `NoSuchKey`; empty where the answer had none (HEAD never has). */
  readonly code: string
  readonly message: string
  /** Where the bucket really is, if the answer says so. */
  readonly region: string | undefined
  /** Trying again may help. */
  readonly transient: boolean
  readonly cause: unknown
}

/**
 * Reads a thrown value.
 *
 * @throws the signal's reason where it was aborted: nothing else is to be said then.
 */
export function readFault(thrown: unknown, signal?: AbortSignal): S3Fault {
  signal?.throwIfAborted()
  const status = asNumber(property(property(thrown, '$metadata'), 'httpStatusCode'))
  const name = asString(property(thrown, 'name')) ?? ''
  const code = asString(property(thrown, 'Code')) ?? (nameless.has(name) ? '' : name)
  const header = property(property(property(thrown, '$response'), 'headers'), 'x-amz-bucket-region')
  return {
    status,
    code,
    message: readMessage(thrown),
    region: asString(header) ?? asString(property(thrown, 'Region')),
    transient: isTransient(thrown, status, code),
    cause: thrown,
  }
}

/** A 404 that may be of the object or of the bucket. @throws StoreError `NO_SUCH_STORE` where the bucket is missing. */
export async function requireBucket(connection: S3Connection, fault: S3Fault, signal?: AbortSignal): Promise<void> {
  if (fault.code === 'NoSuchBucket') throw s3Error(connection, fault, 'cannot find the bucket')
  if (fault.code === 'NoSuchKey' || connection.learned.bucketExists) return
  try {
    await connection.client.send(headBucket(connection), abortable(signal))
  } catch (thrown) {
    const answer = readFault(thrown, signal)
    if (answer.status === 404) throw s3Error(connection, { ...answer, code: 'NoSuchBucket' }, 'cannot find the bucket')
    // Who may not look at the bucket may still look at objects.
    if (answer.status !== 403) throw s3Error(connection, answer, 'cannot find the bucket')
  }
  connection.learned.bucketExists = true
}

/** What was tried and did not work. */
type Failing =
  | 'cannot find the bucket'
  | 'cannot read'
  | 'cannot read the head of'
  | 'cannot store'
  | 'cannot delete'
  | 'cannot list'
  | 'cannot create the bucket'
  | 'cannot read the notifications of the bucket'
  | 'cannot write the notifications of the bucket'

/** The fault as users get it. */
export function s3Error(connection: S3Connection, fault: S3Fault, doing: Failing, key?: string): StoreError {
  const { code, words } = explain(connection, fault, missingPermission(connection, doing, key))
  const said = [fault.status === undefined ? '' : `HTTP ${fault.status}`, fault.code].filter(Boolean).join(' ')
  // The top of a bucket is listed by the empty prefix.
  const subject = key === undefined || key === '' ? doing : `${doing} ${key}`
  const message = `${connection.store}: ${subject}: ${words}${said === '' ? '' : ` (${said})`}`
  return new StoreError(code, message, { store: connection.store, key }, { cause: fault.cause })
}

/**
 * What IAM has to allow, and on what. S3 says it only to callers of the bucket's own account, and never to HEAD, which has no body.
 * Source: AWS, "Required permissions for Amazon S3 API operations"; of conditions: "How to prevent object overwrites with conditional writes",
 * "How to perform conditional deletes".
 */
function missingPermission({ bucket }: S3Connection, doing: Failing, key = ''): string {
  const onBucket = `arn:aws:s3:::${bucket}`
  const onObject = `${onBucket}/${key}`
  switch (doing) {
    case 'cannot read':
    case 'cannot read the head of':
      return `s3:GetObject on ${onObject}, or, where there is no such object, s3:ListBucket on ${onBucket}`
    case 'cannot store':
      return `s3:PutObject on ${onObject}, to compare its ETag also s3:GetObject`
    case 'cannot delete':
      return `s3:DeleteObject on ${onObject}, to compare its ETag also s3:GetObject`
    case 'cannot list':
      return `s3:ListBucket on ${onBucket} with the prefix "${key}"`
    case 'cannot find the bucket':
      return `s3:ListBucket on ${onBucket}`
    case 'cannot create the bucket':
      return `s3:CreateBucket on ${onBucket}`
    case 'cannot read the notifications of the bucket':
      return `s3:GetBucketNotification on ${onBucket}`
    case 'cannot write the notifications of the bucket':
      return `s3:PutBucketNotification on ${onBucket}`
  }
}

function explain(
  connection: S3Connection,
  fault: S3Fault,
  permission: string,
): { code: StoreErrorCode; words: string } {
  const { status, code, message, region } = fault
  if (code === 'NoSuchBucket') {
    return { code: 'NO_SUCH_STORE', words: 'there is no such bucket; check its name and the endpoint' }
  }
  if (region !== undefined && region !== connection.region && (status === 301 || status === 307 || status === 400)) {
    return {
      code: 'FAILED',
      words: `the bucket is in the region ${region}, not in ${connection.region}; set AWS_REGION=${region}`,
    }
  }
  if (status === 301 || status === 307) {
    return { code: 'FAILED', words: 'the bucket is at another endpoint or in another region; set AWS_REGION to it' }
  }
  if (digestCodes.has(code))
    return { code: 'BAD_DIGEST', words: `the bytes that arrived are not those that were announced: ${message}` }
  if (code === 'KeyTooLongError') return { code: 'BAD_KEY', words: 'the key is too long' }
  if (code === 'CredentialsProviderError') {
    const profile = process.env.AWS_PROFILE
    const words =
      profile === undefined
        ? 'no credentials were found; set AWS_PROFILE, or both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
        : `no credentials were found in the profile ${profile}; "aws configure list-profiles" lists those that there are`
    return { code: 'ACCESS_DENIED', words: `${words} (${message})` }
  }
  if (code === 'RequestTimeTooSkewed') {
    return { code: 'ACCESS_DENIED', words: "this machine's clock differs too much from the server's; set it right" }
  }
  if (badCredentialCodes.has(code)) {
    return { code: 'ACCESS_DENIED', words: `the credentials are wrong or have expired: ${message}` }
  }
  if (status === 401 || status === 403) {
    const words = `access denied: these credentials need ${permission}`
    return { code: 'ACCESS_DENIED', words: `${words}${message === 'UnknownError' ? '' : `: ${message}`}` }
  }
  if (status === 501) return { code: 'UNSUPPORTED', words: `the server cannot do this: ${message}` }
  if (/wrong version number|packet length too long/.test(message)) {
    return { code: 'FAILED', words: 'the endpoint does not speak TLS; should its URL begin with http://?' }
  }
  if (fault.transient) {
    const where = status === undefined ? whereTo(connection) : ''
    return { code: 'UNAVAILABLE', words: `the server cannot be reached or is not able to answer: ${message}${where}` }
  }
  if (message === 'Invalid URL') {
    return {
      code: 'BAD_ENDPOINT',
      words: 'the endpoint_url of the profile is no URL: write it with http:// or https://',
    }
  }
  return { code: 'FAILED', words: message }
}

/** Where requests go that do not arrive, and who said so. */
function whereTo({ endpoint, learned }: S3Connection): string {
  if (endpoint !== undefined) return `; ${endpoint.from} says ${endpoint.url.replace(/\/\/[^/@]*@/, '//')}`
  return `; ${learned.isForeign ? 'the endpoint_url of the profile says where it is' : setEndpoint}`
}

/** Names that errors have when nobody gave them one. */
const nameless = new Set(['Unknown', 'UnknownError', 'Error', 'NotFound', 'TypeError', 'SyntaxError', 'TimeoutError'])

/** Source: AWS, "Error responses", list of error codes. */
const badCredentialCodes = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken'])

// XAmzContentSHA256Mismatch: AWS, MinIO; XAmzContentChecksumMismatch: MinIO.
const digestCodes = new Set(['BadDigest', 'InvalidDigest', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch'])

/** Every 5xx may pass, those of proxies in front too (520 and its like), but that the server can't do it (501). */
function isTransientStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501)
}

const transientCodes = new Set([
  'RequestTimeout',
  'RequestTimeoutException',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'InternalError',
  'ServiceUnavailable',
])
const networkCodes = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
])

function isTransient(thrown: unknown, status: number | undefined, code: string): boolean {
  if (status !== undefined && status >= 300) return isTransientStatus(status) || transientCodes.has(code)
  return property(thrown, 'name') === 'TimeoutError' || networkCodes.has(asString(property(thrown, 'code')) ?? '')
}

/** What is no XML the SDK only complains about; what it says is of more use. */
function readMessage(thrown: unknown): string {
  const raw = asString(property(thrown, '$responseBodyText'))
  if (raw !== undefined) return raw.slice(0, 200)
  return (asString(property(thrown, 'message')) ?? String(thrown)).split('\n', 1)[0] ?? ''
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function asString(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}
