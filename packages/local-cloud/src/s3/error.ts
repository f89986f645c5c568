import type { Response } from '../http.ts'
import { formatXml, type XmlNode } from '../xml.ts'

/** HTTP status and S3's usual sentence. Source: AWS, "Error responses", list of error codes. */
const errors = {
  AccessDenied: [403, 'Access Denied'],
  AccessControlListNotSupported: [400, 'The bucket does not allow ACLs'],
  BadDigest: [400, 'The digest that you specified did not match what we received.'],
  BucketAlreadyExists: [409, 'The requested bucket name is not available.'],
  BucketAlreadyOwnedByYou: [409, 'Your previous request to create the named bucket succeeded and you already own it.'],
  BucketNotEmpty: [409, 'The bucket you tried to delete is not empty'],
  ConditionalRequestConflict: [
    409,
    'A conflicting conditional operation is currently in progress against this resource.',
  ],
  EntityTooLarge: [400, 'Your proposed upload exceeds the maximum allowed size'],
  EntityTooSmall: [400, 'Your proposed upload is smaller than the minimum allowed size'],
  IncompleteBody: [400, 'The request body terminated unexpectedly'],
  InternalError: [500, 'We encountered an internal error. Please try again.'],
  InvalidArgument: [400, 'Invalid Argument'],
  InvalidBucketName: [400, 'The specified bucket is not valid.'],
  InvalidDigest: [400, 'The Content-MD5 you specified was invalid.'],
  InvalidPart: [
    400,
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  ],
  InvalidPartNumber: [416, 'The requested partnumber is not satisfiable'],
  InvalidPartOrder: [400, 'The list of parts was not in ascending order. Parts must be ordered by part number.'],
  InvalidRange: [416, 'The requested range is not satisfiable'],
  InvalidRequest: [400, 'Invalid Request'],
  InvalidURI: [400, "Couldn't parse the specified URI."],
  KeyTooLongError: [400, 'Your key is too long'],
  MalformedPolicy: [400, 'Policies must be valid JSON and the first byte must be {'],
  MalformedXML: [400, 'The XML you provided was not well-formed or did not validate against our published schema'],
  MetadataTooLarge: [400, 'Your metadata headers exceed the maximum allowed metadata size'],
  MethodNotAllowed: [405, 'The specified method is not allowed against this resource.'],
  MissingContentLength: [411, 'You must provide the Content-Length HTTP header.'],
  NoSuchBucket: [404, 'The specified bucket does not exist'],
  NoSuchBucketPolicy: [404, 'The bucket policy does not exist'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NoSuchPublicAccessBlockConfiguration: [404, 'The public access block configuration was not found'],
  NoSuchUpload: [
    404,
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  ],
  NotImplemented: [501, 'A header or a parameter you provided implies functionality that is not implemented'],
  PreconditionFailed: [412, 'At least one of the pre-conditions you specified did not hold'],
  ServiceUnavailable: [503, 'Service is unable to handle request.'],
  SlowDown: [503, 'Please reduce your request rate.'],
  XAmzContentSHA256Mismatch: [400, "The provided 'x-amz-content-sha256' header does not match what was computed."],
} as const satisfies Record<string, readonly [status: number, message: string]>

export type S3ErrorCode = keyof typeof errors

/** An answer that is an error; what a client did wrong, and no fault of ours. */
export class S3Error extends Error {
  override readonly name = 'S3Error'
  readonly code: S3ErrorCode
  readonly status: number
  /** Further elements of the answer: `Key`, `BucketName`, `Condition`, … */
  readonly details: readonly XmlNode[]

  constructor(code: S3ErrorCode, message?: string, details: readonly XmlNode[] = []) {
    super(message ?? errors[code][1])
    this.code = code
    this.status = errors[code][0]
    this.details = details
  }
}

/** The code that a status has when a fault rule names none. */
export function codeOfStatus(status: number): string {
  const codes: Readonly<Record<number, S3ErrorCode>> = {
    403: 'AccessDenied',
    404: 'NoSuchKey',
    409: 'ConditionalRequestConflict',
    412: 'PreconditionFailed',
    500: 'InternalError',
    501: 'NotImplemented',
    503: 'SlowDown',
  }
  return codes[status] ?? 'InternalError'
}

/** The XML that S3 answers with. Source: AWS, "REST error responses". */
export function formatS3Error(
  error: { status: number; code: string; message: string; details?: readonly XmlNode[] },
  requestId: string,
): Response {
  const known = Object.entries(errors).find(([code]) => code === error.code)
  // <Error><Code>NoSuchKey</Code><Message>…</Message><Key>a/b</Key><RequestId>…</RequestId><HostId>…</HostId></Error>
  const body = formatXml([
    'Error',
    [
      ['Code', error.code],
      ['Message', error.message || (known?.[1][1] ?? error.code)],
      ...(error.details ?? []),
      ['RequestId', requestId],
      ['HostId', 'local-cloud'],
    ],
  ])
  return { status: error.status, headers: { 'content-type': 'application/xml' }, body, errorCode: error.code }
}
