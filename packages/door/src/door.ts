/**
 * HTTP in front of a store.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { StoreError } from '@repokeeper/object-store'
import { type Answer, sendAnswer, sentence } from './answer.ts'
import { AnswerRoom } from './answer-room.ts'
import { clientAddress, TrustedProxies } from './client-address.ts'
import { answerTo, type Desk, type Visitor } from './dispatch.ts'
import type { DoorEvent } from './door-event.ts'
import { createDoorServer, type DoorAddress, type DoorServer, type DoorTls, listen, renewTls } from './door-server.ts'
import { EmptyFiles } from './empty-files.ts'
import { type DoorLimits, usualLimits } from './limits.ts'
import { Locks } from './locks.ts'
import { MadeFolders } from './made-folders.ts'
import { Turns } from './turns.ts'
import { Uploads } from './write.ts'

export interface DoorOptions extends Omit<Desk, 'uploads' | 'madeFolders' | 'emptyFiles' | 'locks' | 'listings'> {
  /** Whose `X-Forwarded-For` is believed. Absent: nobody's. */
  readonly proxies?: TrustedProxies | undefined
  /** Absent: without encryption. */
  readonly tls?: DoorTls | undefined
  readonly limits?: Partial<DoorLimits>
  readonly onEvent: (event: DoorEvent) => void
}

/** Shows a store, or a part of it, to whoever may connect. */
export class Door {
  readonly address: DoorAddress
  readonly #server: DoorServer
  readonly #limits: DoorLimits

  private constructor(server: DoorServer, address: DoorAddress, limits: DoorLimits) {
    this.#server = server
    this.address = address
    this.#limits = limits
  }

  /** @param address port 0: one that is free @throws DoorError */
  static async open(address: DoorAddress, options: DoorOptions): Promise<Door> {
    const limits = { ...usualLimits, ...options.limits }
    const server = createDoorServer(options.tls, limits)
    const now = () => options.now().getTime()
    const remembered = { madeFolders: new MadeFolders(), emptyFiles: new EmptyFiles(now), locks: new Locks(now) }
    const desk: Desk = { ...options, ...remembered, uploads: new Uploads(), listings: new Turns(listingsAtOnce) }
    const room = new AnswerRoom(limits.answerCharactersMax)
    const takeOn = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
      serve({ options, desk, limits, room, request, response, goOn: () => {} })
    server.on('request', (request, response) => void takeOn(request, response))
    // Who asks before a large body comes has its answer before, too, where the body is not wanted.
    server.on('checkContinue', (request, response) => {
      void serve({ options, desk, limits, room, request, response, goOn: () => response.writeContinue() })
    })
    return new Door(server, await listen(server, address), limits)
  }

  /** For connections from now on. @throws DoorError: then it goes on with the one that it has */
  renewTls(tls: DoorTls): void {
    renewTls(this.#server, tls)
  }

  /** Takes nothing more; what is under way is given some time to end. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeIdleConnections()
    const impatient = setTimeout(() => this.#server.closeAllConnections(), this.#limits.closingMs)
    await closed
    clearTimeout(impatient)
  }
}

/** Enough to keep a disk, or the line to a bucket, busy. */
const listingsAtOnce = 8
/** Whose body is read. */
const methodsWithBody: readonly string[] = ['PUT', 'PROPFIND', 'PROPPATCH', 'LOCK']
const nobody = new TrustedProxies([])

interface Exchange {
  readonly options: DoorOptions
  readonly desk: Desk
  readonly limits: DoorLimits
  readonly room: AnswerRoom
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The body may come. */
  readonly goOn: () => void
}

/** Never rejects. */
async function serve(exchange: Exchange): Promise<void> {
  const { options, desk, limits, room, request, response, goOn } = exchange
  const { socket } = request
  // Once all of it has come nobody is silent but the door itself, which stores it, or waits until it is published.
  if (methodsWithBody.includes(request.method ?? '')) request.once('end', () => socket.setTimeout(0))
  else socket.setTimeout(0)
  const startedAt = options.now().getTime()
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const forwardedFor = request.headers['x-forwarded-for']?.toString()
  const from = clientAddress(socket.remoteAddress ?? '', forwardedFor, options.proxies ?? nobody)
  const subject = { method: request.method ?? '', path: pathForLog(request.url), from }
  const visitor: Visitor = { from }
  const found = await answerTo(desk, { request, visitor, goOn, signal: gone.signal }).catch((error: unknown) => {
    if (!isTorn(request, error) && !gone.signal.aborted) options.onEvent({ kind: 'fault', ...subject, error })
    return answerForFault(error, subject.method)
  })
  const answer = room.admit(found, response)
  socket.setTimeout(limits.silenceMs)
  try {
    const bytes = await sendAnswer(request, response, answer)
    const milliseconds = options.now().getTime() - startedAt
    passOverRest(request, limits.lingerMs)
    if (request.destroyed && !request.complete) throw new Error('the connection was closed before all of it had come')
    const { status } = answer
    const reason = reasonIn(answer)
    options.onEvent({ kind: 'answered', ...subject, status, bytes, milliseconds, user: visitor.user, reason })
  } catch (error) {
    response.destroy()
    options.onEvent({ kind: 'broken off', ...subject, error })
  }
}

/** Of a body that nobody has read: before it has come there can be no other request. */
function passOverRest(request: IncomingMessage, lingerMs: number): void {
  if (request.complete || request.destroyed) return
  const impatient = setTimeout(() => request.destroy(), lingerMs)
  request.once('close', () => clearTimeout(impatient))
  request.resume()
}

/** Who sent it is gone: that is no fault of ours. */
function isTorn(request: IncomingMessage, error: unknown): boolean {
  return request.errored !== null && error === request.errored
}

/** What went wrong is for who runs the door, and not for who asks. */
function answerForFault(error: unknown, method: string): Answer {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return sentence(507, 'there is no room left')
  if (!(error instanceof StoreError)) return sentence(500, 'something went wrong here; the log of the server says what')
  switch (error.code) {
    case 'BAD_KEY':
      return ['GET', 'HEAD', 'DELETE'].includes(method)
        ? sentence(404, 'there is nothing here')
        : sentence(409, 'nothing can lie here under this name: a part of it is taken by something else')
    case 'UNAVAILABLE':
      return sentence(503, 'the store cannot be reached just now; try again', { 'Retry-After': '5' })
    default:
      return sentence(500, 'the store refuses; the log of the server says why')
  }
}

/** Without the query, which may hold a secret. */
function pathForLog(url = ''): string {
  const path = url.split('?', 1)[0] ?? ''
  return path.length > 300 ? `${path.slice(0, 300)}…` : path
}

/** Clients do not show all of what they are told: it stands in the log as well. */
function reasonIn({ status, body }: Answer): string | undefined {
  return status >= 400 && body.kind === 'text' ? body.text.trim().replaceAll('\n', '; ') : undefined
}
