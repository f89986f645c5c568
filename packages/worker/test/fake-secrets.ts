import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import * as z from 'zod'

export interface FakeSecrets {
  readonly endpoint: string
  /** What was asked for: the action, and the body of the request. */
  readonly asked: { readonly action: string; readonly body: Readonly<Record<string, unknown>> }[]
  close(): Promise<void>
}

/**
 * AWS Secrets Manager and the parameter store of Systems Manager as far as reading goes, in their JSON protocol 1.1. What is not there is
 * answered as they do.
 */
export async function startFakeSecrets(secrets: Readonly<Record<string, string>>): Promise<FakeSecrets> {
  const asked: FakeSecrets['asked'] = []
  const answers: Readonly<Record<string, (body: z.output<typeof Body>) => unknown>> = {
    'secretsmanager.GetSecretValue': ({ SecretId = '' }) => {
      const value = secrets[SecretId]
      if (value === undefined) return undefined
      return SecretId.endsWith('binary')
        ? { SecretBinary: Buffer.from(value).toString('base64') }
        : { SecretString: value }
    },
    'AmazonSSM.GetParameter': ({ Name = '', WithDecryption }) => {
      const value = WithDecryption === true ? secrets[Name] : undefined
      return value === undefined ? undefined : { Parameter: { Name, Value: value, Type: 'SecureString' } }
    },
  }
  const server = createServer(async (request, response) => {
    const action = String(request.headers['x-amz-target'])
    const body = Body.parse(JSON.parse(await text(request)))
    asked.push({ action, body })
    const answer = answers[action]?.(body)
    const absent = {
      __type: action.startsWith('AmazonSSM') ? 'ParameterNotFound' : 'ResourceNotFoundException',
      message: 'no such',
    }
    response.writeHead(answer === undefined ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(answer ?? absent))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const Body = z.object({
  SecretId: z.string().optional(),
  Name: z.string().optional(),
  WithDecryption: z.boolean().optional(),
})
