/**
 * Whether a request may do what it would to where locks are: RFC 4918, sections 7 and 10.4.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { ETag, ObjectStore } from '@repokeeper/object-store'
import { type Answer, sentence } from './answer.ts'
import { type IfCondition, type IfList, parseIf, tokensIn } from './if-header.ts'
import type { Lock, Locks } from './locks.ts'
import { parseResource } from './request-path.ts'
import { formatError, xmlAnswer } from './webdav-xml.ts'

export interface GuardedRequest {
  readonly store: Pick<ObjectStore, 'head'>
  readonly prefix: string
  readonly locks: Locks
  readonly headers: IncomingHttpHeaders
  /** What it names, and where it is to go: only of these ETags are looked up. */
  readonly named: readonly string[]
  /** Where something is written. */
  readonly writes: readonly string[]
  /** What is taken away, with all that lies in it. */
  readonly removes: readonly string[]
  readonly user: string | undefined
  readonly signal: AbortSignal
}

/** @returns why it may not; `undefined`: it may @throws StoreError */
export async function refuseByLocks(request: GuardedRequest): Promise<Answer | undefined> {
  const lists = readIf(request.headers)
  if (lists === undefined) return sentence(400, 'the header "If" is misspelt')
  if (lists.length > 0 && !(await holds(lists, request)))
    return sentence(412, 'what the header "If" says does not hold')
  return refuseByLocksAlone(request)
}

/** As above, of the locks alone: what is true of the conditions at the begin of a long upload need not be so at its end. */
export function refuseByLocksAlone({
  locks,
  headers,
  writes,
  removes,
  user,
}: Omit<GuardedRequest, 'store'>): Answer | undefined {
  const lists = readIf(headers) ?? []
  const binding = [
    ...writes.flatMap((path) => locks.binding(path)),
    ...removes.flatMap((path) => [...locks.binding(path), ...locks.below(path)]),
  ]
  const closed = binding.filter((lock) => !isHeld(lock, lists, user))
  return closed.length === 0 ? undefined : locked('lock-token-submitted', closed)
}

/** The lock whose token a request has submitted for a path, if it is its to use. */
export function submittedLock(
  path: string,
  { locks, headers, user }: Pick<GuardedRequest, 'locks' | 'headers' | 'user'>,
): Lock | undefined {
  const lists = readIf(headers) ?? []
  return locks.covering(path).find((lock) => isHeld(lock, lists, user))
}

/** Section 11.3. */
export function locked(condition: 'lock-token-submitted' | 'no-conflicting-lock', by: readonly Lock[]): Answer {
  return xmlAnswer(423, formatError(condition, [...new Set(by.map(({ root }) => root))]))
}

/** `undefined`: it is misspelt. */
function readIf({ if: header }: IncomingHttpHeaders): IfList[] | undefined {
  return header === undefined ? [] : parseIf(header.toString())
}

/** Section 6.4: to know the token is not enough. */
function isHeld(lock: Lock, lists: readonly IfList[], user: string | undefined): boolean {
  return lock.user === user && tokensIn(lists).has(lock.token)
}

async function holds(lists: readonly IfList[], request: GuardedRequest): Promise<boolean> {
  const etags = new Map<string, ETag | undefined>()
  for (const path of request.named) {
    if (!lists.some(({ conditions }) => conditions.some(({ kind }) => kind === 'etag'))) break
    if (path === '' || path.endsWith('/')) continue
    etags.set(path, (await request.store.head(`${request.prefix}${path}`, { signal: request.signal }))?.etag)
  }
  return lists.some(({ resource, conditions }) => {
    const path = resource === undefined ? request.named[0] : pathOf(resource, request.headers)
    return conditions.every((condition) => condition.not !== isTrue(condition, path, etags, request.locks))
  })
}

/** Of another server, or of what no request could name, nothing is true. */
function isTrue(
  { kind, value }: IfCondition,
  path: string | undefined,
  etags: ReadonlyMap<string, ETag | undefined>,
  locks: Locks,
): boolean {
  if (path === undefined) return false
  if (kind === 'etag') return etags.get(path) === value
  return locks.covering(path).some(({ token }) => token === value)
}

function pathOf(resource: string, headers: IncomingHttpHeaders): string | undefined {
  const path = parseResource(resource, headers.host)
  return path.kind === 'key' ? path.key : undefined
}
