/**
 * How a replica does, for load balancers: whether it is whole, and how long ago it last saw its source.
 */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ReplicaUpdate } from '@repokeeper/transfer'
import { boundConnections } from '@repokeeper/worker/bounded-connections'
import type { Address } from '@repokeeper/worker/network-address'
import { CommandError } from './failure.ts'

export interface ReplicaHealthOptions {
  /** Between two looks at the source. */
  readonly everyMs: number
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Without a good look for so many of the usual intervals, and for so long, it is no longer ready. */
const missedLooksMax = 10
const silenceMsMin = 120_000
const connectionsMax = 64
const socketMs = 5_000

/**
 * `/healthz`: the process is there. `/readyz`: 200 where the replica is whole and has seen its source lately, else 503 with the reason. A source
 * that is out makes it unready only after a while, because what it serves is whole all the same.
 */
export class ReplicaHealth {
  readonly address: Address
  readonly #server: Server
  readonly #options: ReplicaHealthOptions
  #lastGoodAt: number | undefined
  #revision: string | undefined
  #problem: string | undefined

  private constructor(server: Server, address: Address, options: ReplicaHealthOptions) {
    this.#server = server
    this.address = address
    this.#options = options
    server.on('request', ({ url }, response: ServerResponse) => this.#answer(url ?? '', response))
  }

  /** @param address port 0: one that is free @throws CommandError */
  static async open(address: Address, options: ReplicaHealthOptions): Promise<ReplicaHealth> {
    const server = createServer({
      headersTimeout: socketMs,
      requestTimeout: socketMs,
      connectionsCheckingInterval: 1_000,
    })
    boundConnections(server, { most: connectionsMax, mostWaiting: 2 * connectionsMax })
    server.timeout = socketMs
    await new Promise<void>((resolve, reject) => {
      server.once('error', ({ message }) => {
        const what = `--http ${address.host}:${address.port} cannot be opened: ${message}`
        reject(new CommandError('CANNOT_LISTEN', what))
      })
      server.listen({ host: address.host, port: address.port }, resolve)
    })
    // Bound to a port, never to a pipe.
    const { port } = server.address() as AddressInfo
    return new ReplicaHealth(server, { host: address.host, port }, options)
  }

  succeeded(update: ReplicaUpdate): void {
    this.#lastGoodAt = this.#options.now()
    this.#problem = undefined
    if (update.kind === 'whole') this.#revision = update.revision
  }

  failed(problem: string): void {
    this.#problem = problem
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  #answer(url: string, response: ServerResponse): void {
    const [path] = url.split('?')
    if (path === '/healthz') send(response, 200, { ok: true })
    else if (path === '/readyz') {
      const reasons = this.#reasons()
      const ok = reasons.length === 0
      send(response, ok ? 200 : 503, { ok, reasons, revision: this.#revision })
    } else send(response, 404, { error: 'there is nothing here', paths: ['/healthz', '/readyz'] })
  }

  #reasons(): string[] {
    const { everyMs, now } = this.#options
    const problem = this.#problem === undefined ? '' : `: ${this.#problem}`
    if (this.#lastGoodAt === undefined) return [`the replica is not whole yet${problem}`]
    const silentMs = now() - this.#lastGoodAt
    if (silentMs <= Math.max(silenceMsMin, missedLooksMax * everyMs)) return []
    return [`the source was last seen ${Math.round(silentMs / 1000)} s ago${problem}`]
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = `${JSON.stringify(value)}\n`
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(body)
}
