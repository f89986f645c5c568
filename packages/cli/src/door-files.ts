/**
 * The files that say who may come in, and what a door shows of itself: read at the start, and anew when they have changed.
 */
import { readFile } from 'node:fs/promises'
import {
  type Access,
  type Admission,
  type Asked,
  type DoorTls,
  openAccess,
  parseUsers,
  UserAccess,
} from '@repokeeper/door'
import type { Cli } from './cli.ts'
import type { DoorFlags } from './door-options.ts'
import { CommandError } from './failure.ts'

export class FileAccess implements Access {
  #current: Access

  private constructor(current: Access) {
    this.#current = current
  }

  /** @throws CommandError, DoorError */
  static async open(flags: DoorFlags, { output }: Cli): Promise<FileAccess> {
    const { users, tls, address } = flags
    const access = new FileAccess(await readAccess(flags))
    const staysHere = ['127.0.0.1', '::1', 'localhost'].includes(address.host)
    if (users !== undefined && tls === undefined && !staysHere) {
      output.tell(
        'warning: passwords and tokens go over the network as they are: say --tls-cert, or put a proxy in front',
      )
    }
    return access
  }

  admit(asked: Asked): Promise<Admission> {
    return this.#current.admit(asked)
  }

  /** @throws CommandError, DoorError: then it stays as it was */
  async reload(flags: DoorFlags): Promise<void> {
    this.#current = await readAccess(flags)
  }
}

/** @throws CommandError */
export async function readTls({ tls }: DoorFlags): Promise<DoorTls | undefined> {
  if (tls === undefined) return undefined
  const [cert, key] = await Promise.all([read('--tls-cert', tls.cert), read('--tls-key', tls.key)])
  return { cert, key }
}

async function readAccess({ users, open }: DoorFlags): Promise<Access> {
  if (users === undefined) return openAccess({ writes: open.has('write') })
  const listed = parseUsers((await read('--users', users, howToMakeUsers)).toString(), users)
  return new UserAccess({ users: listed, open, now: () => performance.now() })
}

const howToMakeUsers = (path: string): string =>
  `; make it: "echo users: >${path}", then "repokeeper door-user NAME --token >>${path}" for each user`

async function read(option: string, path: string, howToMake = (_path: string): string => ''): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new CommandError('CANNOT_READ', `${option} ${path} ${whyUnread(cause, howToMake(path))}`, { cause })
  }
}

function whyUnread(cause: unknown, howToMake: string): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOENT') return `is not there${howToMake}`
  if (code === 'EACCES') {
    return 'is not for the user to read that this runs as: give it its group and mode 0640, and let it into the directories above'
  }
  return `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`
}
