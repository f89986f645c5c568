/**
 * GET and HEAD of an object.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { discardBody, type GetOutcome, type ObjectHead, type ObjectStore } from '@repokeeper/object-store'
import { type Answer, sentence } from './answer.ts'
import { parseRange } from './byte-range.ts'
import { checkConditions, checkIfRange } from './conditions.ts'
import { contentType } from './content-type.ts'

export interface ReadRequest {
  readonly method: 'GET' | 'HEAD'
  readonly headers: IncomingHttpHeaders
  readonly now: Date
  /** Whoever asks waits no more. */
  readonly signal: AbortSignal
}

/** It may be replaced between the look and the read; more often in a row nobody does it by chance. */
const looksMax = 5

/** @returns `undefined` where there is no such object @throws StoreError */
export async function readObject(
  store: Pick<ObjectStore, 'get' | 'head'>,
  key: string,
  request: ReadRequest,
): Promise<Answer | undefined> {
  const { method, headers, signal } = request
  // The whole of it, on no condition: then one request to the store says all.
  if (method === 'GET' && !isQualified(headers)) {
    const got = await store.get(key, { signal })
    return got.kind === 'found' ? wholeOf(got.head, got.body) : undefined
  }
  for (let look = 1; look <= looksMax; look += 1) {
    const head = await store.head(key, { signal })
    if (head === undefined) return undefined
    const answer = answerFor(head, request)
    if (answer !== 'body') return answer
    const range = rangeOf(head, request)
    const asked = range.kind === 'part' ? { range: { start: range.start, end: range.end } } : {}
    const got: GetOutcome = await store.get(key, { ...asked, ifMatch: head.etag, signal })
    if (got.kind !== 'found') continue
    // Where it is sent by another server than the one that was asked for the head, what that said counts no more.
    if (got.head.size !== head.size) {
      await discardBody(got.body)
      continue
    }
    return range.kind === 'part' ? partOf(head, got.body, range) : wholeOf(head, got.body)
  }
  return sentence(503, 'it changes faster than it can be read; try again', { 'Retry-After': '1' })
}

function isQualified(headers: IncomingHttpHeaders): boolean {
  const names = ['range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'] as const
  return names.some((name) => headers[name] !== undefined)
}

/** `body`: it is to be read first. */
function answerFor(head: ObjectHead, request: ReadRequest): Answer | 'body' {
  const condition = checkConditions(request.headers, head)
  if (condition === 'failed') return sentence(412, 'it is another version than the one that was named')
  if (condition === 'not modified') return { status: 304, headers: describe(head), body: { kind: 'none' } }
  // RFC 9110, section 14.2: a range is of GET alone.
  if (request.method === 'HEAD') return wholeOf(head, undefined)
  if (rangeOf(head, request).kind !== 'unsatisfiable') return 'body'
  return sentence(416, `it has ${head.size} bytes`, { 'Content-Range': `bytes */${head.size}` })
}

function rangeOf(head: ObjectHead, { headers, now }: ReadRequest): ReturnType<typeof parseRange> {
  if (!checkIfRange(headers['if-range']?.toString(), head, now)) return { kind: 'whole' }
  return parseRange(headers.range, head.size)
}

function wholeOf(head: ObjectHead, bytes: AsyncIterable<Uint8Array> | undefined): Answer {
  const body = { kind: 'bytes', contentType: contentType(head.key), size: head.size, bytes } as const
  return { status: 200, headers: describe(head), body }
}

function partOf(
  head: ObjectHead,
  bytes: AsyncIterable<Uint8Array>,
  { start, end }: { readonly start: number; readonly end: number },
): Answer {
  const headers = { ...describe(head), 'Content-Range': `bytes ${start}-${end - 1}/${head.size}` }
  return { status: 206, headers, body: { kind: 'bytes', contentType: contentType(head.key), size: end - start, bytes } }
}

function describe({ key, etag, lastModified }: ObjectHead): Record<string, string> {
  return {
    'Accept-Ranges': 'bytes',
    ETag: etag,
    'Last-Modified': lastModified.toUTCString(),
    // A proxy in front asks again for the one file that changes, and what belongs to it.
    ...(/(?:^|\/)repodata\/repomd\.xml[^/]*$/.test(key) && { 'Cache-Control': 'no-cache' }),
  }
}
