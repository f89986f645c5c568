/**
 * Conditional requests: RFC 9110, section 13.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { ObjectHead } from '@repokeeper/object-store'

type Stored = Pick<ObjectHead, 'etag' | 'lastModified'>

/** What the conditions of a GET or HEAD say of what is there, in the order of section 13.2.2. */
export function checkConditions(headers: IncomingHttpHeaders, stored: Stored): 'proceed' | 'not modified' | 'failed' {
  const ifMatch = headers['if-match']
  if (ifMatch !== undefined) {
    if (!matchesStrongly(ifMatch, stored)) return 'failed'
  } else {
    const since = parseDate(headers['if-unmodified-since'])
    if (since !== undefined && wholeSeconds(stored.lastModified) > since) return 'failed'
  }
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined) return matchesWeakly(ifNoneMatch, stored) ? 'not modified' : 'proceed'
  const since = parseDate(headers['if-modified-since'])
  return since !== undefined && wholeSeconds(stored.lastModified) <= since ? 'not modified' : 'proceed'
}

/**
 * Whether a range is to be heeded (section 13.1.5): where there is an `If-Range`, only of the very same bytes. A date tells them for certain
 * only when it is older than the second that may still bring another version.
 */
export function checkIfRange(header: string | undefined, stored: Stored, now: Date): boolean {
  if (header === undefined) return true
  if (header.includes('"')) return header.trim() === stored.etag
  const date = parseDate(header)
  const modified = wholeSeconds(stored.lastModified)
  return date === modified && wholeSeconds(now) > modified
}

/** `If-Match`: by the strong comparison, so that a weak tag never does. */
export function matchesStrongly(header: string, { etag }: Stored): boolean {
  return isAny(header) || tagsIn(header).some(({ weak, tag }) => !weak && tag === etag)
}

/** `If-None-Match`: by the weak comparison. */
function matchesWeakly(header: string, { etag }: Stored): boolean {
  return isAny(header) || tagsIn(header).some(({ tag }) => tag === etag)
}

export function isAny(header: string): boolean {
  return header.trim() === '*'
}

/** The server bounds how long a header may be. */
function tagsIn(header: string): { weak: boolean; tag: string }[] {
  return [...header.matchAll(/(W\/)?("[^"]*")/g)].map(([, weak, tag = '']) => ({ weak: weak !== undefined, tag }))
}

/** Whole seconds since 1970; what is no date is as if it were not there. */
function parseDate(header: string | undefined): number | undefined {
  const milliseconds = header === undefined ? Number.NaN : Date.parse(header)
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000)
}

/** HTTP's dates know no more. */
function wholeSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
