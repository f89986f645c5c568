import type { Response } from '../http.ts'
import { streamRange } from './blobs.ts'
import { checksumHeader } from './checksums.ts'
import { checkRead, preconditionFailed, wholeSeconds } from './conditions.ts'
import { S3Error } from './error.ts'
import { keptHeaders, type ObjectRecord } from './object-record.ts'
import { type ByteRange, parseRange } from './range.ts'
import type { S3Call } from './s3-call.ts'

/** GetObject */
export async function getObject(call: S3Call): Promise<Response> {
  const opened = await call.bucket.open(call.key)
  if (opened === undefined) throw call.noSuchKey()
  const { record, file } = opened
  try {
    const { response, range } = answerRead(call, record)
    if (range === undefined) {
      await file.close()
      return response
    }
    return { ...response, body: { size: range.end - range.start + 1, stream: streamRange(file, range) } }
  } catch (cause) {
    await file.close()
    throw cause
  }
}

/** HeadObject */
export async function headObject(call: S3Call): Promise<Response> {
  const record = call.bucket.find(call.key)
  if (record === undefined) throw call.noSuchKey()
  return answerRead(call, record).response
}

/** @returns the answer without its body, and which bytes the body is; none: there is no body. */
function answerRead(call: S3Call, record: ObjectRecord): { response: Response; range?: ByteRange } {
  const verdict = checkRead(
    {
      ifMatch: call.header('if-match'),
      ifNoneMatch: call.header('if-none-match'),
      ifModifiedSince: call.header('if-modified-since'),
      ifUnmodifiedSince: call.header('if-unmodified-since'),
    },
    record,
  )
  if (verdict === 'not modified') {
    const { etag, 'last-modified': lastModified } = describe(call, record, false)
    return { response: { status: 304, headers: { etag: etag ?? '', 'last-modified': lastModified ?? '' } } }
  }
  if (verdict !== 'proceed') throw preconditionFailed(verdict.failed)

  const part = partRange(call, record)
  const asked = part ?? parseRange(call.header('range'), record.size)
  if (asked === 'unsatisfiable') {
    throw new S3Error('InvalidRange', undefined, [
      ['RangeRequested', call.header('range')],
      ['ActualObjectSize', record.size],
    ])
  }
  const range = asked ?? { start: 0, end: record.size - 1 }
  const size = range.end - range.start + 1
  const isWhole = size === record.size
  const response: Response = {
    status: asked === undefined ? 200 : 206,
    headers: {
      ...describe(call, record, isWhole),
      'content-length': String(size),
      ...(asked && { 'content-range': `bytes ${range.start}-${range.end}/${record.size}` }),
      ...(part && record.partSizes && { 'x-amz-mp-parts-count': String(record.partSizes.length) }),
    },
  }
  return size === 0 ? { response } : { response, range }
}

function describe(call: S3Call, record: ObjectRecord, isWhole: boolean): Record<string, string> {
  const headers: Record<string, string> = {
    'accept-ranges': 'bytes',
    etag: record.etag,
    'last-modified': new Date(wholeSeconds(record.lastModified)).toUTCString(),
    ...record.headers,
  }
  for (const [name, value] of Object.entries(record.userMetadata)) headers[`x-amz-meta-${name}`] = value
  for (const name of keptHeaders) {
    const override = call.query(`response-${name}`)
    if (override !== undefined) headers[name] = override
  }
  // A checksum is of all bytes: of a part of them it would only mislead.
  if (isWhole && call.header('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED') {
    headers[checksumHeader(record.checksum.algorithm)] = record.checksum.value
    headers['x-amz-checksum-type'] = record.checksum.type
  }
  return headers
}

/** `?partNumber=N`. Source: AWS, GetObject, partNumber. */
function partRange(call: S3Call, record: ObjectRecord): ByteRange | undefined {
  const text = call.query('partNumber')
  if (text === undefined) return undefined
  const number = Number(text)
  const sizes = record.partSizes ?? [record.size]
  const size = sizes[number - 1]
  if (size === undefined) throw new S3Error('InvalidPartNumber', undefined, [['PartNumberRequested', text]])
  const start = sizes.slice(0, number - 1).reduce((sum, each) => sum + each, 0)
  return { start, end: start + size - 1 }
}
