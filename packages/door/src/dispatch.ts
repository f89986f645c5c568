/**
 * From a request to its answer: what it names, whether it may, and who does it.
 */
import type { IncomingMessage } from 'node:http'
import { type Access, openAccess, type Verb } from './access.ts'
import { type Answer, sentence } from './answer.ts'
import type { MadeFolders } from './made-folders.ts'
import { moveOrCopy, parseDestination } from './move.ts'
import { makeFolder, propfind } from './propfind.ts'
import { type ReadDesk, read } from './read.ts'
import { parseRequestPath } from './request-path.ts'
import { deletePackage, type Uploads, type WriteDesk } from './write.ts'

export interface Desk extends ReadDesk {
  /** Absent: nothing can be put or deleted. */
  readonly writes?: WriteDesk | undefined
  /** Absent: everybody may read, and nobody write. */
  readonly access?: Access | undefined
  readonly uploads: Uploads
  readonly madeFolders: MadeFolders
  readonly now: () => Date
}

/** Who it is, as far as it is known. */
export interface Visitor {
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
])
const readingMethods: readonly string[] = ['OPTIONS', 'GET', 'HEAD', 'PROPFIND']

/** @throws StoreError, and what the body throws where it is torn */
export async function answerTo(desk: Desk, arrival: Arrival): Promise<Answer> {
  const { request, goOn, signal } = arrival
  const path = parseRequestPath(request.url ?? '')
  if (path.kind === 'refused') return sentence(path.status, path.reason)
  const { method = '', headers } = request
  const { writes, store, prefix, madeFolders, uploads, now } = desk
  if (!methodsOf(desk).includes(method)) {
    const allowed = methodsOf(desk).join(', ')
    return sentence(405, `${allowed} only`, { Allow: allowed })
  }
  const verb = verbs.get(method)
  const turnedAway = verb === undefined ? undefined : await admit(desk, arrival, verb, path.key)
  if (turnedAway !== undefined) return turnedAway
  const davRequest = { store, prefix, madeFolders, path: path.key, headers, signal }
  if (method === 'OPTIONS') return { status: 200, headers: abilities(desk), body: { kind: 'none' } }
  if (method === 'GET' || method === 'HEAD') return read(desk, path, { method, headers, now: now(), signal })
  if (method === 'PROPFIND') return propfind(davRequest)
  if (method === 'MKCOL') return makeFolder(davRequest)
  if (writes === undefined) throw new Error(`${method} was let in where nothing can be written`)
  const written = { store, prefix, path, headers, now, signal }
  if (method === 'DELETE') return deletePackage(writes, written, madeFolders)
  if (method === 'PUT') {
    return uploads.put(writes, written, () => {
      goOn()
      // Who is refused in the middle of it is to be told so, by the same connection.
      return request.iterator({ destroyOnReturn: false })
    })
  }
  const destination = parseDestination({ headers })
  if (destination.kind === 'refused') return sentence(destination.status, destination.reason)
  const keptOut = await admit(desk, arrival, 'write', destination.key)
  return keptOut ?? moveOrCopy(writes, written, destination.key, method === 'COPY')
}

function methodsOf({ writes }: Desk): readonly string[] {
  return writes === undefined ? readingMethods : [...verbs.keys()]
}

/** RFC 4918, section 10.1: class 1, which is all but locks. */
function abilities(desk: Desk): Record<string, string> {
  return { Allow: methodsOf(desk).join(', '), DAV: '1', 'Accept-Ranges': 'bytes' }
}

/** @returns the answer to who may not; `undefined`: let in */
async function admit(
  { access = openAccess({ writes: false }) }: Desk,
  { request, visitor }: Arrival,
  verb: Verb,
  path: string,
): Promise<Answer | undefined> {
  const from = request.socket.remoteAddress ?? ''
  const admission = await access.admit({ verb, path, headers: request.headers, from })
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
      return sentence(403, verb === 'read' ? 'you may not read this' : 'you may not change this')
    case 'too often':
      return sentence(429, 'too many wrong attempts; try again later', {
        'Retry-After': String(admission.retryAfterSeconds),
      })
  }
}
