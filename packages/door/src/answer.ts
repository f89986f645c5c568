/**
 * What is answered, as a value; and the one place where it is sent.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { discardBody } from '@repokeeper/object-store'

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: AnswerBody
}

type AnswerBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly contentType: string; readonly text: string }
  /** Sent as it comes. Of a HEAD there is none. */
  | {
      readonly kind: 'bytes'
      readonly contentType: string
      readonly size: number
      readonly bytes: AsyncIterable<Uint8Array> | undefined
    }

/** A sentence for the person at `curl`. */
export function sentence(status: number, words: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers, body: { kind: 'text', contentType: 'text/plain; charset=utf-8', text: `${words}\n` } }
}

/** @returns the bytes of the body that were sent @throws where they could not all be: the connection is gone then */
export async function sendAnswer(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<number> {
  const { status, headers, body } = answer
  const bytes = body.kind === 'text' ? Buffer.from(body.text) : undefined
  response.writeHead(status, {
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'same-origin',
    ...(body.kind !== 'none' && { 'Content-Type': body.contentType }),
    ...lengthOf(answer, bytes),
    ...headers,
  })
  if (request.method === 'HEAD' || body.kind === 'none') {
    if (body.kind === 'bytes' && body.bytes !== undefined) await discardBody(body.bytes)
    response.end()
    return 0
  }
  if (body.kind === 'text') {
    response.end(bytes)
    return bytes?.length ?? 0
  }
  // Torn in the middle rather than ended: a shorter body must not look like a whole one.
  await pipeline(Readable.from(body.bytes ?? [], { objectMode: false }), response)
  return body.size
}

function lengthOf({ status, body }: Answer, bytes: Buffer | undefined): Record<string, number> {
  // RFC 9110, section 8.6: a 204 has none; a 304 would have that of the whole.
  if (body.kind === 'none') return status === 204 || status === 304 ? {} : { 'Content-Length': 0 }
  return { 'Content-Length': body.kind === 'bytes' ? body.size : (bytes?.length ?? 0) }
}
