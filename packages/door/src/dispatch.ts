/**
 * From a request to its answer: what it names, whether it may, and who does it.
 */
import type { IncomingMessage } from 'node:http'
import { type Access, openAccess, type Verb } from './access.ts'
import { type Answer, sentence } from './answer.ts'
import { lock, unlock } from './lock.ts'
import { type GuardedRequest, refuseByLocks, refuseByLocksAlone } from './lock-guard.ts'
import type { Locks } from './locks.ts'
import { moveOrCopy } from './move.ts'
import { makeFolder, propfind, proppatch } from './propfind.ts'
import { type ReadDesk, read } from './read.ts'
import { parseRequestPath, parseResource, type RequestPath } from './request-path.ts'
import type { RequestRate } from './request-rate.ts'
import type { Turns } from './turns.ts'
import { deletePackage, type Uploads, type WriteDesk } from './write.ts'
import { readXmlBody, type XmlElement } from './xml-body.ts'

export interface Desk extends ReadDesk {
  /** Absent: nothing can be put or deleted. */
  readonly writes?: WriteDesk | undefined
  /** Absent: everybody may read, and nobody write. */
  readonly access?: Access | undefined
  /** Absent: as often as they like. */
  readonly rate?: RequestRate | undefined
  readonly uploads: Uploads
  readonly locks: Locks
  /** PROPFINDs of folders take turns: each has all that lies in one in memory. */
  readonly listings: Turns
  readonly now: () => Date
}

/** Who it is, as far as it is known. */
export interface Visitor {
  /** The address that it comes from. */
  readonly from: string
  user?: string | undefined
}

export interface Arrival {
  readonly request: IncomingMessage
  readonly visitor: Visitor
  /** The body may come. */
  readonly goOn: () => void
  /** Whoever asks waits no more. */
  readonly signal: AbortSignal
}

/** What a method does at the path of its request. Nothing is said by OPTIONS that is not known of every door. */
const verbs: ReadonlyMap<string, Verb | undefined> = new Map([
  ['OPTIONS', undefined],
  ['GET', 'read'],
  ['HEAD', 'read'],
  ['PROPFIND', 'read'],
  ['PUT', 'write'],
  ['MKCOL', 'write'],
  ['DELETE', 'delete'],
  ['COPY', 'read'],
  ['MOVE', 'delete'],
  ['PROPPATCH', 'write'],
  ['LOCK', 'write'],
  ['UNLOCK', 'write'],
])
const readingMethods: readonly string[] = ['OPTIONS', 'GET', 'HEAD', 'PROPFIND']

/** @throws StoreError, and what the body throws where it is torn */
export async function answerTo(desk: Desk, arrival: Arrival): Promise<Answer> {
  const { request, visitor } = arrival
  const course = courseOf(desk, request)
  // Who says who it is counts for itself, once that is known to be true.
  const isNamed = course.kind === 'asked' && request.headers.authorization !== undefined
  const tooMany = isNamed ? undefined : refuseByRate(desk, visitor)
  if (tooMany !== undefined) return tooMany
  if (course.kind === 'said') return course.answer
  const turnedAway = await admit(desk, arrival, course.verb, course.path.key)
  const tooManyOfOne = isNamed ? refuseByRate(desk, visitor) : undefined
  return tooManyOfOne ?? turnedAway ?? carryOut(desk, arrival, course)
}

interface Asked {
  readonly kind: 'asked'
  readonly method: string
  readonly verb: Verb
  readonly path: Extract<RequestPath, { kind: 'key' }>
}

/** `said`: all that is to say, without a look at who asks, or at the store. */
function courseOf(desk: Desk, request: IncomingMessage): Asked | { readonly kind: 'said'; readonly answer: Answer } {
  const { method = '', url = '' } = request
  const path = parseRequestPath(url)
  if (path.kind === 'refused') return { kind: 'said', answer: sentence(path.status, path.reason) }
  const allowed = methodsOf(desk).join(', ')
  if (!methodsOf(desk).includes(method)) {
    return { kind: 'said', answer: sentence(405, `${allowed} only`, { Allow: allowed }) }
  }
  const verb = verbs.get(method)
  if (verb !== undefined) return { kind: 'asked', method, verb, path }
  // RFC 4918, section 18: class 2 is locks.
  const headers = { Allow: allowed, DAV: desk.writes === undefined ? '1' : '1, 2', 'Accept-Ranges': 'bytes' }
  return { kind: 'said', answer: { status: 200, headers, body: { kind: 'none' } } }
}

function methodsOf({ writes }: Desk): readonly string[] {
  return writes === undefined ? readingMethods : [...verbs.keys()]
}

async function carryOut(desk: Desk, arrival: Arrival, { method, path }: Asked): Promise<Answer> {
  const { request, visitor, goOn, signal } = arrival
  const { headers } = request
  const { writes, store, prefix, madeFolders, emptyFiles, locks, listings, uploads, now } = desk
  const isTransfer = method === 'MOVE' || method === 'COPY'
  const to = isTransfer ? parseResource(headers.destination?.toString() ?? '', headers.host) : undefined
  if (to?.kind === 'refused') return sentence(to.status, to.reason)
  const keptOut = to === undefined ? undefined : await admit(desk, arrival, 'write', to.key)
  if (keptOut !== undefined) return keptOut
  const { user, from } = visitor
  const guarded = { store, prefix, locks, headers, user, signal, ...touchedBy(method, path.key, to?.key) }
  const closed = await refuseByLocks(guarded)
  if (closed !== undefined) return closed
  const body = () => {
    goOn()
    // Who is refused in the middle of it is to be told so, by the same connection.
    return request.iterator({ destroyOnReturn: false })
  }
  const common = { store, prefix, madeFolders, emptyFiles, headers, signal }
  const davRequest = { ...common, locks, isWritable: writes !== undefined, path: path.key, user, from }
  if (method === 'GET' || method === 'HEAD') return read(desk, path, { method, headers, now: now(), signal })
  if (method === 'PROPFIND') {
    const find = (xml: XmlElement | undefined) => propfind(davRequest, xml)
    return withXml(body(), now, (xml) => (headers.depth === '0' ? find(xml) : listings.run(() => find(xml))))
  }
  if (method === 'PROPPATCH') return withXml(body(), now, (xml) => proppatch(davRequest, xml))
  if (method === 'LOCK') return withXml(body(), now, (xml) => lock(davRequest, xml))
  if (method === 'UNLOCK') return unlock(davRequest)
  if (method === 'MKCOL') return makeFolder(davRequest)
  if (writes === undefined) throw new Error(`${method} was let in where nothing can be written`)
  const written = { ...common, path, now, refuseNow: () => refuseByLocksAlone(guarded) }
  if (method === 'PUT') return uploads.put(writes, written, body)
  const answer =
    to === undefined
      ? await deletePackage(writes, written)
      : await moveOrCopy(writes, written, to.key, method === 'COPY')
  // RFC 4918, section 9.6: a lock ends with what it was on.
  if (method !== 'COPY' && answer.status < 300) locks.releaseRoot(path.key)
  return answer
}

/** What its ETag may be asked of, and where locks are in the way. */
function touchedBy(
  method: string,
  path: string,
  to: string | undefined,
): Pick<GuardedRequest, 'named' | 'writes' | 'removes'> {
  const named = to === undefined ? [path] : [path, to]
  if (method === 'DELETE') return { named, writes: [], removes: [path] }
  if (method === 'MOVE' && to !== undefined) return { named, writes: [to], removes: [path] }
  if (method === 'COPY' && to !== undefined) return { named, writes: [to], removes: [] }
  return { named, writes: ['PUT', 'MKCOL', 'PROPPATCH'].includes(method) ? [path] : [], removes: [] }
}

async function withXml(
  body: AsyncIterable<Uint8Array>,
  now: () => Date,
  use: (xml: XmlElement | undefined) => Promise<Answer>,
): Promise<Answer> {
  const read = await readXmlBody(body, now)
  if (read.kind === 'refused') return read.answer
  return use(read.kind === 'element' ? read.element : undefined)
}

function refuseByRate({ rate }: Desk, visitor: Visitor): Answer | undefined {
  const retryAfterSeconds = rate?.take(visitor)
  return retryAfterSeconds === undefined ? undefined : tooOften('more requests than may be', retryAfterSeconds)
}

/** @returns the answer to who may not; `undefined`: let in */
async function admit(
  { access = openAccess({ writes: false }) }: Desk,
  { request, visitor }: Arrival,
  verb: Verb,
  path: string,
): Promise<Answer | undefined> {
  const admission = await access.admit({ verb, path, headers: request.headers, from: visitor.from })
  switch (admission.kind) {
    case 'granted':
      visitor.user = admission.user
      return undefined
    case 'unknown':
      return sentence(401, 'say who you are, by a user and a password or by a token', {
        'WWW-Authenticate': 'Basic realm="packages", charset="UTF-8"',
      })
    case 'refused':
      visitor.user = admission.user
      return sentence(403, verb === 'read' ? 'you may not read this' : refusedChange(admission.user))
    case 'too often':
      return tooOften('too many wrong attempts', admission.retryAfterSeconds)
  }
}

function refusedChange(user: string | undefined): string {
  if (user !== undefined) return `${user} may not change this`
  return 'you may not change this: whoever keeps this server says with --users who may, or with --write open that all may'
}

/** RFC 6585, section 4. */
function tooOften(what: string, retryAfterSeconds: number): Answer {
  return sentence(429, `${what}; try again later`, { 'Retry-After': String(retryAfterSeconds) })
}
