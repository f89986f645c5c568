import type { Request } from '../http.ts'
import type { Circumstances } from '../service.ts'
import type { Bucket } from './bucket.ts'
import { S3Error } from './error.ts'
import type { Cause, Store } from './store.ts'

/** Keys have at most so many bytes of UTF-8. Source: AWS, "Naming Amazon S3 objects". */
const keyBytesMax = 1024

/** One request to S3, as its operation sees it. */
export class S3Call {
  readonly request: Request
  readonly store: Store
  readonly circumstances: Circumstances
  readonly plusIsSpace: boolean
  readonly #address: { readonly bucket?: string; readonly key?: string }

  constructor(
    request: Request,
    address: { readonly bucket?: string; readonly key?: string },
    store: Store,
    circumstances: Circumstances,
    plusIsSpace: boolean,
  ) {
    this.request = request
    this.store = store
    this.circumstances = circumstances
    this.plusIsSpace = plusIsSpace
    this.#address = address
  }

  get bucketName(): string {
    const { bucket } = this.#address
    if (bucket === undefined) throw new S3Error('MethodNotAllowed')
    return bucket
  }

  /** @throws S3Error NoSuchBucket */
  get bucket(): Bucket {
    return this.store.bucket(this.bucketName)
  }

  /** @throws S3Error KeyTooLongError */
  get key(): string {
    const { key } = this.#address
    if (key === undefined) throw new S3Error('MethodNotAllowed')
    const size = Buffer.byteLength(key)
    if (size > keyBytesMax) {
      throw new S3Error('KeyTooLongError', undefined, [
        ['Size', size],
        ['MaxSizeAllowed', keyBytesMax],
      ])
    }
    return key
  }

  get cause(): Cause {
    return { requestId: this.circumstances.requestId, sourceIpAddress: this.request.remoteAddress }
  }

  query(name: string): string | undefined {
    return this.request.query.get(name)
  }

  /** A header by its lower-case name. */
  header(name: string): string | undefined {
    return headerOf(this.request, name)
  }

  /** All headers with that start, without it. */
  headersAfter(prefix: string): Record<string, string> {
    const found: Record<string, string> = {}
    for (const [name, value] of [...presignedParameters(this.request), ...this.request.headers]) {
      const lower = name.toLowerCase()
      if (lower.startsWith(prefix)) found[lower.slice(prefix.length)] = value
    }
    return found
  }

  /**
   * What a GET or HEAD of a key that isn't there says: who may not list must not learn that it isn't.
   * Source: AWS, GetObject, Permissions. Where listing is allowed below a prefix only, the key has to lie there: S3 compares it as
   * `s3:prefix` (observed by ceph/ceph#68577).
   */
  noSuchKey(): S3Error {
    const mayList = this.circumstances.permissions.allows({
      action: 's3:ListBucket',
      resource: `arn:aws:s3:::${this.bucketName}`,
      prefix: this.key,
    })
    return mayList ? new S3Error('NoSuchKey', undefined, [['Key', this.key]]) : new S3Error('AccessDenied')
  }
}

/** Of a presigned URL, S3 takes the x-amz-… parameters for headers. */
export function headerOf(request: Request, name: string): string | undefined {
  const header = request.headers.get(name)
  if (header !== undefined || !name.startsWith('x-amz-')) return header
  return presignedParameters(request).find(([parameter]) => parameter.toLowerCase() === name)?.[1]
}

function presignedParameters(request: Request): [string, string][] {
  return request.query.has('X-Amz-Signature') ? [...request.query] : []
}
