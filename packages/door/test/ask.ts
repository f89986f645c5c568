/** Requests as they are written: a client that mends paths would never ask for what is to be refused. */
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { DoorAddress } from '../src/index.ts'

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export function ask(
  { host, port }: DoorAddress,
  method: string,
  path: string,
  { headers = {}, body }: { readonly headers?: Record<string, string>; readonly body?: Uint8Array | string } = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, method, path, headers, agent: false }, (response) => {
      const status = response.statusCode ?? 0
      text(response).then((answered) => resolve({ status, headers: response.headers, body: answered }), reject)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

/** Sends bytes as they are, and says what comes back until the server ends it. */
export async function sendRaw({ host, port }: DoorAddress, bytes: string): Promise<string> {
  const socket = connect(port, host)
  socket.write(bytes)
  return text(socket)
}
