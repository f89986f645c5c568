/**
 * A door for as long as the command runs.
 */
import { once } from 'node:events'
import { Door, type DoorEvent, type DoorOptions } from '@repokeeper/door'
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import type { Cli } from './cli.ts'
import type { DoorFlags } from './door-options.ts'
import { describeFailure, ExitCode } from './failure.ts'

export type OpenedDoor = Omit<DoorOptions, 'limits' | 'now' | 'onEvent'>

/** @param what is shown, for people @returns the exit code, once the command is to end @throws DoorError */
export async function runDoor(what: string, opened: OpenedDoor, flags: DoorFlags, cli: Cli): Promise<number> {
  const { output, interruption } = cli
  const { address, connectionsMax, tellsReads } = flags
  const door = await Door.open(address, {
    ...opened,
    limits: { connectionsMax },
    now: () => new Date(),
    onEvent: (event) => tell(event, tellsReads, cli),
  })
  try {
    output.tell(`${what} is at http://${hostOf(door)}:${door.address.port}/; Ctrl-C ends it`)
    if (!interruption.signal.aborted) await once(interruption.signal, 'abort')
  } finally {
    await door.close()
  }
  return ExitCode.done
}

function tell(event: DoorEvent, tellsReads: boolean, { output }: Cli): void {
  switch (event.kind) {
    case 'answered': {
      const { method, path, status, bytes, milliseconds, from, user } = event
      if (!tellsReads && ['GET', 'HEAD'].includes(method)) break
      const who = user === undefined ? from : `${from} ${user}`
      output.tell(`${who} ${method} ${path} ${status} ${formatBytes(bytes)} ${milliseconds} ms`)
      break
    }
    case 'broken off':
      output.tell(
        `${event.from} ${event.method} ${event.path} broken off: ${describeFailure(event.error, false).message}`,
      )
      break
    case 'fault':
      output.tell(`error: ${event.method} ${event.path}: ${describeFailure(event.error, false).message}`)
      break
    default:
      event satisfies never
  }
}

function hostOf({ address: { host } }: Door): string {
  return host.includes(':') ? `[${host}]` : host
}
