import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as z from 'zod'

export interface SqsRequest {
  readonly action: string
  readonly input: Readonly<Record<string, unknown>>
  /** The region that the signature names. */
  readonly region: string | undefined
}

/** What an action answers: an object, or an error of SQS by its code. */
export type SqsAnswer = { readonly status?: number; readonly body: object }

export function sqsFault(code: string, status = 400): SqsAnswer {
  return { status, body: { __type: `com.amazonaws.sqs#${code}`, message: `said the server: ${code}` } }
}

/**
 * A server that speaks SQS's JSON protocol and answers as the test says, for what other implementations do and the real one doesn't. Actions without an
 * answer of their own do what an empty queue does.
 */
export async function startForeignSqs(
  answers: Readonly<Record<string, (input: SqsRequest['input']) => SqsAnswer | Promise<SqsAnswer>>>,
) {
  const requests: SqsRequest[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const action = String(request.headers['x-amz-target']).replace('AmazonSQS.', '')
    const input = z.record(z.string(), z.unknown()).parse(JSON.parse(Buffer.concat(chunks).toString()))
    const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? '')?.[1]
    requests.push({ action, input, region })
    const { status = 200, body } = (await answers[action]?.(input)) ?? { body: {} }
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' })
    response.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests,
    inputsOf: (action: string) => requests.filter((request) => request.action === action).map(({ input }) => input),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
