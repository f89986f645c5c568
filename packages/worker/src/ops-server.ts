import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { boundConnections } from './bounded-connections.ts'
import { messageOf } from './event-text.ts'
import { withoutSecrets } from './log.ts'
import type { Address } from './network-address.ts'
import type { SearchAnswer } from './package-search.ts'
import type { Ready } from './readiness.ts'

/** What the endpoint answers with. */
export interface OpsSources {
  readonly ready: () => Promise<Ready>
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  readonly history: () => unknown
  readonly scheduledJobs: () => unknown
  readonly status: () => Promise<unknown>
  /** A search; `gone` is aborted when whoever asks waits no more. Absent: there is none. */
  readonly packages: ((parameters: URLSearchParams, gone: AbortSignal) => Promise<SearchAnswer>) | undefined
  /** For people. Absent: there is none. */
  readonly page: ShownPage | undefined
}

/** The endpoint cannot be opened; `message` says why, and what to do. */
export class OpsServerError extends Error {
  override readonly name = 'OpsServerError'
  readonly code = 'CANNOT_LISTEN'
}

/** HTML, and what a browser lets it do. */
export interface ShownPage {
  readonly html: string
  /** The header of that name. */
  readonly contentSecurityPolicy: string
}

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** Whoever asks is a scraper, a load balancer or a person; and each may be slow, broken or hostile. */
const limits = {
  connections: { most: 32, mostWaiting: 64 },
  requestsPerConnection: 100,
  headerBytes: 8_192,
  headersMs: 5_000,
  requestMs: 10_000,
  keepAliveMs: 5_000,
  /** Nothing came and nothing could be sent for so long: whoever asks does not read. */
  silenceMs: 15_000,
  /** The same while an answer is made: a search may take a minute. */
  makingMs: 75_000,
} as const

const json = 'application/json; charset=utf-8'
/** Nothing that an answer holds is run, loaded or framed, whatever it is taken for. */
const nothingAllowed = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Answers, by HTTP, how the worker does. It reads only, and knows no login: where it listens decides who may ask. */
export class OpsServer {
  readonly address: Address
  readonly #server: Server

  private constructor(server: Server, address: Address) {
    this.#server = server
    this.address = address
  }

  /**
   * @param address port 0: one that is free
   * @throws {OpsServerError}
   */
  static async open(address: Address, sources: OpsSources): Promise<OpsServer> {
    const routes = routesOf(sources)
    const server = createServer(
      {
        maxHeaderSize: limits.headerBytes,
        headersTimeout: limits.headersMs,
        requestTimeout: limits.requestMs,
        keepAliveTimeout: limits.keepAliveMs,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => void answer(routes, request, response),
    )
    boundConnections(server, limits.connections)
    server.maxRequestsPerSocket = limits.requestsPerConnection
    server.timeout = limits.silenceMs
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(cannotListen(address, cause)))
      server.listen({ host: address.host, port: address.port }, resolve)
    })
    // Bound to a port, never to a pipe.
    const { port } = server.address() as AddressInfo
    return new OpsServer(server, { host: address.host, port })
  }

  /** Answers nobody any more. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }
}

type Route = (parameters: URLSearchParams, gone: AbortSignal) => Promise<Answer>
type Routes = ReadonlyMap<string, Route>

function routesOf({ ready, metrics, history, scheduledJobs, status, packages, page }: OpsSources): Routes {
  const routes = new Map<string, Route>([
    ['/healthz', async () => jsonAnswer({ ok: true })],
    [
      '/readyz',
      async () => {
        const { ok, reasons } = await ready()
        return jsonAnswer({ ok, reasons }, ok ? 200 : 503)
      },
    ],
    [
      '/metrics',
      async () => {
        const { contentType, text } = await metrics()
        return { status: 200, contentType, body: text }
      },
    ],
    ['/history', async () => jsonAnswer(history())],
    ['/scheduledJobs', async () => jsonAnswer(scheduledJobs())],
    ['/status', async () => jsonAnswer(await status())],
  ])
  if (packages !== undefined) {
    routes.set('/packages', async (parameters, gone) => searchAnswer(await packages(parameters, gone)))
  }
  if (page !== undefined) {
    const headers = { 'Content-Security-Policy': page.contentSecurityPolicy }
    const answered = { status: 200, contentType: 'text/html; charset=utf-8', body: Buffer.from(page.html), headers }
    routes.set('/', async () => answered)
  }
  return routes
}

async function answer(routes: Routes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const leaving = new AbortController()
  response.once('close', () => leaving.abort())
  response.setTimeout(limits.makingMs)
  const { status, contentType, body, headers } = await answerTo(routes, request, leaving.signal)
  if (response.destroyed) return
  response.setTimeout(limits.silenceMs)
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': nothingAllowed,
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    // What nobody reads must not stand before the next request.
    ...(hasBody(request) ? { Connection: 'close' } : {}),
    ...headers,
  })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

async function answerTo(routes: Routes, { method, url = '' }: IncomingMessage, gone: AbortSignal): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') {
    return { ...jsonAnswer({ error: 'GET and HEAD only' }, 405), headers: { Allow: 'GET, HEAD' } }
  }
  const [path = '', query = ''] = url.split(/\?(.*)/s, 2)
  const route = routes.get(path)
  if (route === undefined) return jsonAnswer({ error: 'there is nothing here', paths: [...routes.keys()] }, 404)
  try {
    return await route(new URLSearchParams(query), gone)
  } catch (error) {
    return jsonAnswer({ error: withoutSecrets(messageOf(error)) }, 500)
  }
}

function searchAnswer(found: SearchAnswer): Answer {
  switch (found.kind) {
    case 'found':
      return jsonAnswer(found.answer)
    case 'wrong question':
      return jsonAnswer({ error: found.problems.join('; '), problems: found.problems }, 400)
    case 'not there':
      return jsonAnswer({ error: found.error }, 404)
    case 'busy': {
      const headers = { 'Retry-After': String(found.retryAfterSeconds) }
      return { ...jsonAnswer({ error: found.error }, 503), headers }
    }
    default:
      return found satisfies never
  }
}

function jsonAnswer(value: unknown, status = 200): Answer {
  return { status, contentType: json, body: `${JSON.stringify(value)}\n` }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

function cannotListen({ host, port }: Address, cause: Error): OpsServerError {
  const code = 'code' in cause ? cause.code : undefined
  const why =
    code === 'EADDRINUSE'
      ? 'something else listens there: choose another port, or 0 for one that is free'
      : code === 'EACCES'
        ? 'this user may not: choose a port above 1023'
        : cause.message
  return new OpsServerError(`--http ${host}:${port} cannot be opened: ${why}`, { cause })
}
