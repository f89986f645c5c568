import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'

/** Where a worker in a container answers. */
const healthUrl = 'http://127.0.0.1:5000/healthz'

/**
 * Runs the command of a health check against a server: it is to be content with 200 and nothing else.
 *
 * @param command node with its arguments; asks the one port that a worker has in its container
 */
export async function expectHealthCheck([program, ...parameters]: readonly string[]): Promise<void> {
  expect(program).toBe('node')
  expect(parameters.join(' ')).toContain(`'${healthUrl}'`)
  for (const [status, exitCode] of [
    [200, 0],
    [503, 1],
    ['no server', 1],
  ] as const) {
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/healthz' ? Number(status) : 404).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    if (status === 'no server') await new Promise((resolve) => server.close(resolve))
    const here = parameters.map((parameter) => parameter.replace(':5000/', `:${port}/`))
    expect(await exitCodeOf(process.execPath, here), String(status)).toBe(exitCode)
    server.closeAllConnections()
    server.close()
  }
}

function exitCodeOf(command: string, parameters: readonly string[]): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, { stdio: 'ignore' })
    child.on('error', reject)
    child.on('exit', resolve)
  })
}
