/**
 * What `serve` and `gateway` have in common on the command line.
 */
import type { DoorAddress } from '@repokeeper/door'
import type { Command } from 'commander'
import * as z from 'zod'
import { readAddress } from './replica-options.ts'
import { readCount } from './whole-number.ts'

export interface DoorFlags {
  readonly address: DoorAddress
  readonly connectionsMax: number
  /** Reads are told, too. */
  readonly tellsReads: boolean
}

const usualAddress = { host: '127.0.0.1', port: 8080 }

export function defineDoorOptions(command: Command): Command {
  return command
    .optionsGroup('Options of the door:')
    .option(
      '--http <host:port>',
      'where it answers; 0.0.0.0:8080 is on every address (default: 127.0.0.1:8080)',
      readAddress,
    )
    .option('--connections <count>', 'that are open at the same time', readCount(1, 100_000), 512)
    .option('--no-access-log', 'say nothing of what was read')
}

/** @param values as commander has them */
export function readDoorFlags(values: unknown): DoorFlags {
  const { http, connections, accessLog } = Values.parse(values)
  return { address: http, connectionsMax: connections, tellsReads: accessLog }
}

const Values = z.object({
  http: z.custom<DoorAddress>().default(usualAddress),
  connections: z.number(),
  accessLog: z.boolean(),
})
