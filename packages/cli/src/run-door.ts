/**
 * A door for as long as the command runs.
 */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Door, type DoorOptions, openAccess, type Publication, Scratch } from '@repokeeper/door'
import { anyPackage, type PackagePolicy } from '@repokeeper/repository'
import type { Cli } from './cli.ts'
import type { DoorFlags } from './door-options.ts'
import { ExitCode } from './failure.ts'
import { tellDoorEvent } from './tell-door-event.ts'

export interface DoorParts extends Pick<DoorOptions, 'store' | 'prefix' | 'redirect'> {
  /** For people. */
  readonly name: string
  /** Where uploads lie where nobody has said so. Absent: a directory of this run. */
  readonly scratch?: string
  readonly packagePolicy?: PackagePolicy
  readonly publication: Publication
}

/** @returns the exit code, once the command is to end @throws DoorError */
export async function runDoor(parts: DoorParts, flags: DoorFlags, cli: Cli): Promise<number> {
  const { output, interruption } = cli
  const { name, packagePolicy = anyPackage, publication } = parts
  const { address, connectionsMax, tellsReads, isOpenToWrites, replaces, limits } = flags
  const chosen = flags.scratch ?? parts.scratch
  const directory = chosen ?? (await mkdtemp(join(tmpdir(), 'repokeeper-door-')))
  try {
    const scratch = await Scratch.open(directory, new Date())
    const door = await Door.open(address, {
      ...parts,
      access: openAccess({ writes: isOpenToWrites }),
      writes: { scratch, packagePolicy, replaces, publication, limits },
      limits: { connectionsMax },
      now: () => new Date(),
      onEvent: (event) => tellDoorEvent(event, tellsReads, cli),
    })
    try {
      output.tell(`${name} is at http://${hostOf(door)}:${door.address.port}/; Ctrl-C ends it`)
      if (!interruption.signal.aborted) await once(interruption.signal, 'abort')
    } finally {
      await door.close()
    }
    return ExitCode.done
  } finally {
    if (chosen === undefined) await rm(directory, { recursive: true, force: true })
  }
}

function hostOf({ address: { host } }: Door): string {
  return host.includes(':') ? `[${host}]` : host
}
