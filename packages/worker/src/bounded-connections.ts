import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export interface ConnectionLimits {
  /** From one more on those give way for whom nothing is made. */
  readonly most: number
  /** Beyond these, all of whom wait for an answer that is being made, nobody is let in. */
  readonly mostWaiting: number
}

/**
 * Bounds the connections of a server so that who comes is let in: for him the one is closed that has been silent longest, be it that it has not
 * asked yet, or that it does not read its answer. Whoever holds many open and says nothing keeps nobody from asking whether the process lives.
 */
export function boundConnections(server: Server, { most, mostWaiting }: ConnectionLimits): void {
  /** With the last answer of each; the one that was heard of longest ago first. */
  const open = new Map<Socket, ServerResponse | undefined>()
  server.maxConnections = mostWaiting
  server.on('connection', (socket) => {
    open.set(socket, undefined)
    socket.once('close', () => open.delete(socket))
    if (open.size > most) longestSilent(open, socket)?.destroy()
  })
  server.on('request', ({ socket }, response) => {
    open.delete(socket)
    if (!socket.destroyed) open.set(socket, response)
  })
}

function longestSilent(open: ReadonlyMap<Socket, ServerResponse | undefined>, newcomer: Socket): Socket | undefined {
  for (const [socket, response] of open) {
    const isWaiting = response !== undefined && !response.writableEnded
    if (!isWaiting && socket !== newcomer && !socket.destroyed) return socket
  }
  return undefined
}
