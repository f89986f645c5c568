import { S3Error } from './error.ts'

/** What conditions are checked against. */
export interface ConditionSubject {
  /** In quotes. */
  readonly etag: string
  /** Milliseconds since the epoch. */
  readonly lastModified: number
}

/** The four conditions of a read, as header values. */
export interface ReadConditions {
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  readonly ifModifiedSince: string | undefined
  readonly ifUnmodifiedSince: string | undefined
}

/** A write's condition. */
export interface WriteConditions {
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
}

export type ReadVerdict = 'proceed' | 'not modified' | { readonly failed: string }

/**
 * Source: RFC 9110, 13.2.2, which is what AWS, GetObject, says of the pairs: If-Match that holds makes
 * If-Unmodified-Since mean nothing, and so does If-None-Match of If-Modified-Since.
 */
export function checkRead(conditions: ReadConditions, subject: ConditionSubject): ReadVerdict {
  const { ifMatch, ifNoneMatch } = conditions
  const unmodifiedSince = parseHttpDate(conditions.ifUnmodifiedSince)
  const modifiedSince = parseHttpDate(conditions.ifModifiedSince)
  const lastModified = wholeSeconds(subject.lastModified)
  if (ifMatch !== undefined) {
    if (!etagListHolds(ifMatch, subject.etag)) return { failed: 'If-Match' }
  } else if (unmodifiedSince !== undefined && lastModified > unmodifiedSince) {
    return { failed: 'If-Unmodified-Since' }
  }
  if (ifNoneMatch !== undefined) return etagListHolds(ifNoneMatch, subject.etag) ? 'not modified' : 'proceed'
  return modifiedSince !== undefined && lastModified <= modifiedSince ? 'not modified' : 'proceed'
}

/**
 * The source of a copy: there is no 304, all that fails is 412.
 * Source: AWS, CopyObject, x-amz-copy-source-if-….
 * @throws S3Error PreconditionFailed
 */
export function assertCopySource(conditions: ReadConditions, subject: ConditionSubject): void {
  const verdict = checkRead(conditions, subject)
  if (verdict === 'proceed') return
  const failed = verdict === 'not modified' ? 'x-amz-copy-source-If-None-Match' : `x-amz-copy-source-${verdict.failed}`
  throw preconditionFailed(failed)
}

/**
 * Source: AWS, "How to prevent object overwrites with conditional writes": If-None-Match takes `*` only; If-Match on a key
 * that isn't there is 404.
 * @throws S3Error PreconditionFailed, NoSuchKey, NotImplemented
 */
export function assertWrite(conditions: WriteConditions, current: ConditionSubject | undefined, key: string): void {
  const { ifMatch, ifNoneMatch } = conditions
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() !== '*') {
      throw new S3Error('NotImplemented', undefined, [['Header', 'If-None-Match']])
    }
    if (current !== undefined) throw preconditionFailed('If-None-Match')
  }
  if (ifMatch === undefined) return
  if (current === undefined) throw new S3Error('NoSuchKey', undefined, [['Key', key]])
  if (!etagListHolds(ifMatch, current.etag)) throw preconditionFailed('If-Match')
}

/** Whole seconds are all that HTTP's dates, and S3's, can say. */
export function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000
}

export function preconditionFailed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', undefined, [['Condition', condition]])
}

/** S3 takes ETags with and without their quotes. */
function etagListHolds(header: string, etag: string): boolean {
  return header
    .split(',')
    .map((part) => part.trim().replace(/^W\//, ''))
    .some((part) => part === '*' || part.replaceAll('"', '') === etag.replaceAll('"', ''))
}

/** A date that is none is no condition (RFC 9110, 13.1.3). */
function parseHttpDate(value: string | undefined): number | undefined {
  const time = value === undefined ? Number.NaN : Date.parse(value)
  return Number.isNaN(time) ? undefined : time
}
