import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { S3Store, type S3StoreOptions } from '../src/index.ts'

export type Respond = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

export interface OddServer {
  readonly store: S3Store
  readonly endpoint: string
  /** What was asked, as `GET /bucket/key`, in order. */
  readonly requests: string[]
  /** The answers to the next requests, one each; the last one stays. */
  answer(...responses: Respond[]): void
  close(): Promise<void>
}

/** A server that says what a test tells it to, and a store that talks to it. */
export async function startOddServer(options: Partial<S3StoreOptions> = {}): Promise<OddServer> {
  let responses: Respond[] = []
  const requests: string[] = []
  const server = createServer(async (request, response) => {
    requests.push(`${request.method} ${request.url?.replace(/\?.*$/, '')}`)
    const respond = responses.length > 1 ? responses.shift() : responses[0]
    await respond?.(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${port(server.address())}`
  const store = new S3Store({
    bucket: 'bucket',
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts: 2,
    ...options,
  })
  return {
    store,
    endpoint,
    requests,
    answer(...next) {
      responses = next
      requests.length = 0
    },
    async close() {
      await store.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Answers after the whole request has come in. */
export function reply(status: number, headers: Record<string, string> = {}, body: string | Uint8Array = ''): Respond {
  return async (request, response) => {
    for await (const _ of request);
    response.writeHead(status, headers).end(body)
  }
}

export function errorReply(status: number, code: string, headers: Record<string, string> = {}): Respond {
  return reply(
    status,
    headers,
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said the server</Message></Error>`,
  )
}

function port(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address.port
}
