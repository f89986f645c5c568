/**
 * HTTP in front of a store.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StoreError } from '@repokeeper/object-store'
import { type Answer, sendAnswer, sentence } from './answer.ts'
import { DoorError } from './door-error.ts'
import type { DoorEvent } from './door-event.ts'
import { type DoorLimits, usualLimits } from './limits.ts'
import { type ReadDesk, read } from './read.ts'
import { parseRequestPath } from './request-path.ts'

export interface DoorAddress {
  readonly host: string
  readonly port: number
}

export interface DoorOptions extends ReadDesk {
  readonly limits?: Partial<DoorLimits>
  readonly now: () => Date
  readonly onEvent: (event: DoorEvent) => void
}

/** Shows a store, or a part of it, to whoever may connect. */
export class Door {
  readonly address: DoorAddress
  readonly #server: Server
  readonly #limits: DoorLimits

  private constructor(server: Server, address: DoorAddress, limits: DoorLimits) {
    this.#server = server
    this.address = address
    this.#limits = limits
  }

  /** @param address port 0: one that is free @throws DoorError */
  static async open(address: DoorAddress, options: DoorOptions): Promise<Door> {
    const limits = { ...usualLimits, ...options.limits }
    const server = createServer({
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersMs,
      // An upload may take hours, as long as it goes on.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: 1_000,
    })
    server.on('request', (request, response) => void serve(options, request, response))
    server.maxConnections = limits.connectionsMax
    server.timeout = limits.silenceMs
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(cannotListen(address, cause)))
      server.listen({ host: address.host, port: address.port }, resolve)
    })
    // Bound to a port, never to a pipe.
    const { port } = server.address() as AddressInfo
    return new Door(server, { host: address.host, port }, limits)
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

/** Never rejects. */
async function serve(options: DoorOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const startedAt = options.now().getTime()
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const subject = {
    method: request.method ?? '',
    path: pathForLog(request.url),
    from: request.socket.remoteAddress ?? '',
  }
  const answer = await answerTo(options, request, gone.signal).catch((error: unknown) => {
    if (!gone.signal.aborted) options.onEvent({ kind: 'fault', ...subject, error })
    return answerForFault(error)
  })
  try {
    const bytes = await sendAnswer(request, response, answer)
    const milliseconds = options.now().getTime() - startedAt
    options.onEvent({ kind: 'answered', ...subject, status: answer.status, bytes, milliseconds, user: undefined })
  } catch (error) {
    response.destroy()
    options.onEvent({ kind: 'broken off', ...subject, error })
  }
}

async function answerTo(options: DoorOptions, request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
  const path = parseRequestPath(request.url ?? '')
  if (path.kind === 'refused') return sentence(path.status, path.reason)
  const { method, headers } = request
  switch (method) {
    case 'GET':
    case 'HEAD':
      return read(options, path, { method, headers, now: options.now(), signal })
    default:
      return sentence(405, `${allowed} only`, { Allow: allowed })
  }
}

const allowed = 'GET, HEAD'

/** What went wrong is for who runs the door, and not for who asks. */
function answerForFault(error: unknown): Answer {
  if (!(error instanceof StoreError)) return sentence(500, 'something went wrong here; the log of the server says what')
  switch (error.code) {
    case 'BAD_KEY':
      return sentence(404, 'there is nothing here')
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

function cannotListen({ host, port }: DoorAddress, cause: Error): DoorError {
  const code = 'code' in cause ? cause.code : undefined
  const why =
    code === 'EADDRINUSE'
      ? 'something else listens there: choose another port, or 0 for one that is free'
      : code === 'EACCES'
        ? 'this user may not: choose a port above 1023'
        : cause.message
  return new DoorError('CANNOT_LISTEN', `--http ${host}:${port} cannot be opened: ${why}`, { cause })
}
