import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** A request as every service here sees it. */
export interface Request {
  readonly method: string
  /** As it came over the wire: percent-encoded, without the query. */
  readonly rawPath: string
  /** Decoded; of a name given twice the first counts. A name without `=` has the value ''. */
  readonly query: ReadonlyMap<string, string>
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: AsyncIterable<Uint8Array>
  readonly remoteAddress: string
  /** Aborted when the client went away before its answer was complete. */
  readonly signal: AbortSignal
  /** Bytes of the body read so far. */
  bytesIn(): number
}

export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | { readonly size: number; readonly stream: Readable }
  /** AWS's error code, for the log of calls; it is in the body, too, where there is one. */
  readonly errorCode?: string
}

/** How an answer left this machine. */
export interface Sent {
  /** 0: the client never saw a status. */
  readonly status: number
  readonly bytesOut: number
}

/** A request body that must fit into memory grew beyond its limit. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge'
}

/** The query or the path holds `%` without two hex digits, or bytes that are no UTF-8. */
export class MalformedUrl extends Error {
  override readonly name = 'MalformedUrl'
}

/** @throws MalformedUrl */
export function readRequest(incoming: IncomingMessage, outgoing: ServerResponse): Request {
  const target = (incoming.url ?? '/').replace(/^https?:\/\/[^/?]*/i, '')
  const question = target.indexOf('?')
  const rawPath = question < 0 ? target : target.slice(0, question)
  const gone = new AbortController()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort()
  })
  let bytesIn = 0
  return {
    method: incoming.method ?? 'GET',
    rawPath: rawPath === '' ? '/' : rawPath,
    query: parseQuery(question < 0 ? '' : target.slice(question + 1)),
    headers: new Map(
      Object.entries(incoming.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(', ') : (value ?? ''),
      ]),
    ),
    body: {
      async *[Symbol.asyncIterator]() {
        // The socket must outlive a body that nobody reads to its end: the answer still has to go out on it.
        for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
          bytesIn += chunk.length
          yield chunk
        }
      },
    },
    remoteAddress: (incoming.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    signal: gone.signal,
    bytesIn: () => bytesIn,
  }
}

/**
 * Sends the answer.
 * @param cutAfterBytes breaks the connection after so many bytes of the body; more than the body has: before its last byte.
 */
export async function sendResponse(
  outgoing: ServerResponse,
  response: Response,
  options: { readonly withoutBody: boolean; readonly cutAfterBytes?: number },
): Promise<Sent> {
  const { body } = response
  if (outgoing.destroyed) {
    discardResponse(response)
    return { status: 0, bytesOut: 0 } // the client went away while its answer was made
  }
  const size = bodySize(response)
  outgoing.statusCode = response.status
  for (const [name, value] of Object.entries(response.headers)) outgoing.setHeader(name, value)
  // 204 and 304 have no body and no length of one (RFC 9110, 8.6); HEAD says the length that GET would have.
  const bodiless = response.status === 204 || response.status === 304
  if (!bodiless && !outgoing.hasHeader('content-length')) outgoing.setHeader('content-length', size)
  if (bodiless || options.withoutBody || size === 0 || body === undefined) {
    discardResponse(response)
    await finish(outgoing)
    return { status: response.status, bytesOut: 0 }
  }
  const limit = options.cutAfterBytes === undefined ? size : Math.min(options.cutAfterBytes, size - 1)
  let bytesOut = 0
  if (limit < size) outgoing.flushHeaders()
  const source = typeof body === 'object' && 'stream' in body ? body.stream : Readable.from([Buffer.from(body)])
  try {
    await pipeline(
      source,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          const piece = chunk.subarray(0, limit - bytesOut)
          bytesOut += piece.length
          yield piece
          if (bytesOut === limit) return
        }
      },
      outgoing,
      { end: limit === size },
    )
    if (limit < size) await flushAndDestroy(outgoing)
  } catch {
    outgoing.destroy() // the client went away, or its object's file can't be read: either way the body ends too early
  }
  return { status: response.status, bytesOut }
}

/** Lets go of an answer that will not be sent. */
export function discardResponse({ body }: Response): void {
  if (typeof body === 'object' && 'stream' in body) body.stream.destroy()
}

/** @throws BodyTooLarge */
export async function readAll(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > bytesMax) throw new BodyTooLarge(`the request body has more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/**
 * Percent-decodes bytes to text.
 * @throws MalformedUrl
 */
export function percentDecode(text: string, options: { readonly plusIsSpace: boolean }): string {
  const raw = options.plusIsSpace ? text.replaceAll('+', ' ') : text
  if (/%(?![0-9a-f]{2})/i.test(raw)) throw new MalformedUrl(`% without two hex digits in ${JSON.stringify(text)}`)
  // A client may send bytes beyond ASCII unencoded; Node hands them over as Latin-1.
  const bytes = Buffer.from(
    raw.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new MalformedUrl(`no UTF-8: ${JSON.stringify(text)}`)
  }
}

/** Also of a form-encoded body. @throws MalformedUrl */
export function parseQuery(text: string): Map<string, string> {
  const query = new Map<string, string>()
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = percentDecode(equals < 0 ? pair : pair.slice(0, equals), { plusIsSpace: true })
    const value = equals < 0 ? '' : percentDecode(pair.slice(equals + 1), { plusIsSpace: true })
    if (!query.has(name)) query.set(name, value)
  }
  return query
}

function bodySize({ body }: Response): number {
  if (body === undefined) return 0
  if (typeof body === 'string') return Buffer.byteLength(body)
  return body instanceof Uint8Array ? body.length : body.size
}

function finish(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    outgoing.once('close', resolve)
    outgoing.end(resolve)
  })
}

/** What was written should reach the client before the connection breaks: that is what makes it "in the middle". */
function flushAndDestroy(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const socket = outgoing.socket
    if (socket === null || socket.destroyed) return resolve()
    socket.end(() => {
      outgoing.destroy()
      resolve()
    })
  })
}
