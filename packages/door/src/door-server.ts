/**
 * The server below a door: with or without encryption, and with limits on whoever connects.
 */
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSecureContext } from 'node:tls'
import { DoorError } from './door-error.ts'
import type { DoorLimits } from './limits.ts'

export interface DoorAddress {
  readonly host: string
  readonly port: number
}

/** In PEM: the certificate with those that lead to its root, and its key. */
export interface DoorTls {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

export type DoorServer = Server | TlsServer

/** @throws DoorError `BAD_CERTIFICATE` */
export function createDoorServer(tls: DoorTls | undefined, limits: DoorLimits): DoorServer {
  const options = {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersMs,
    // An upload may take hours, as long as it goes on.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: 1_000,
  }
  if (tls !== undefined) checkTls(tls)
  const server =
    tls === undefined
      ? createServer(options)
      : createTlsServer({ ...options, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: limits.headersMs })
  server.maxConnections = limits.connectionsMax
  server.timeout = limits.silenceMs
  return server
}

/** @returns where it listens @throws DoorError `CANNOT_LISTEN` */
export async function listen(server: DoorServer, address: DoorAddress): Promise<DoorAddress> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(address, cause)))
    server.listen({ host: address.host, port: address.port }, resolve)
  })
  // Bound to a port, never to a pipe.
  const { port } = server.address() as AddressInfo
  return { host: address.host, port }
}

/** For connections from now on. @throws DoorError `BAD_CERTIFICATE`: then it goes on with the one that it has */
export function renewTls(server: DoorServer, tls: DoorTls): void {
  checkTls(tls)
  if ('setSecureContext' in server) server.setSecureContext({ ...tls, minVersion: 'TLSv1.2' })
}

function checkTls(tls: DoorTls): void {
  try {
    createSecureContext({ ...tls })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new DoorError(
      'BAD_CERTIFICATE',
      `certificate and key cannot be used: ${why}; both are to be PEM, and to fit`,
      {
        cause,
      },
    )
  }
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
