/**
 * A door for as long as the command runs.
 */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Door, type DoorOptions, type Publication, RequestRate, Scratch } from '@repokeeper/door'
import { anyPackage, type PackagePolicy } from '@repokeeper/repository'
import type { Cli } from './cli.ts'
import { FileAccess, readTls } from './door-files.ts'
import type { DoorFlags } from './door-options.ts'
import { describeFailure, ExitCode } from './failure.ts'
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
  const { address, connectionsMax, tellsReads, replaces, limits, proxies, rate } = flags
  const access = await FileAccess.open(flags, cli)
  const tls = await readTls(flags)
  const chosen = flags.scratch ?? parts.scratch
  const directory = chosen ?? (await mkdtemp(join(tmpdir(), 'repokeeper-door-')))
  try {
    const scratch = await Scratch.open(directory, new Date())
    const door = await Door.open(address, {
      ...parts,
      ...{ access, tls, proxies },
      rate: rate && new RequestRate({ ...rate, now: () => performance.now() }),
      writes: { scratch, packagePolicy, replaces, publication, limits },
      limits: { connectionsMax },
      now: () => new Date(),
      onEvent: (event) => tellDoorEvent(event, tellsReads, cli),
    })
    const reload = (): void => void reloadFiles(door, access, flags, cli)
    interruption.on('reload', reload)
    try {
      output.tell(
        `${name} is at ${tls === undefined ? 'http' : 'https'}://${hostOf(door)}:${door.address.port}/; Ctrl-C ends it`,
      )
      if (!interruption.signal.aborted) await once(interruption.signal, 'abort')
    } finally {
      interruption.off('reload', reload)
      await door.close()
    }
    return ExitCode.done
  } finally {
    if (chosen === undefined) await rm(directory, { recursive: true, force: true })
  }
}

/** Never rejects: what cannot be read stays as it was. */
async function reloadFiles(door: Door, access: FileAccess, flags: DoorFlags, { output }: Cli): Promise<void> {
  try {
    await access.reload(flags)
    const tls = await readTls(flags)
    if (tls !== undefined) door.renewTls(tls)
    output.tell('read users and certificate anew')
  } catch (error) {
    output.tell(`error: ${describeFailure(error, false).message}; what was read before still holds`)
  }
}

function hostOf({ address: { host } }: Door): string {
  return host.includes(':') ? `[${host}]` : host
}
