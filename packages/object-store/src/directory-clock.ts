import { randomUUID } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from './directory-fault.ts'
import { hiddenPrefix } from './directory-path.ts'

// The clock of a directory is that of its file system: this host's kernel's, or over NFS the server's, which all hosts share. A
// host whose own clock is wrong must neither stamp files by it (they would look old to the others) nor judge by it what is old.

/** So far a file system's stamp may lag behind this process's clock, which has finer ticks, and still be the same clock. */
const sameClockMs = 1_000

/** The time now, by the clock that has just given a file this modification time. */
export function clockThatStamped(modified: Date): Date {
  const here = new Date()
  return Math.abs(here.getTime() - modified.getTime()) < sameClockMs ? here : modified
}

/**
 * What the file system of a directory says the time is: it is asked by writing a file there, which is removed at once. Who may
 * not write there gets the time of this host; nothing can be stored or deleted by it.
 *
 * @throws what the system calls throw
 */
export async function readDirectoryClock(directory: string): Promise<Date> {
  // The name of a draft: where this process is killed, the next writer sweeps it away.
  const path = join(directory, `${hiddenPrefix}put-clock-${randomUUID()}`)
  try {
    const handle = await open(path, 'wx')
    try {
      // An NFS server may keep something else in the times of a file that was created exclusively, until it is written to.
      await handle.writeFile('x')
      return clockThatStamped((await handle.stat()).mtime)
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) throw error
    return new Date()
  } finally {
    await rm(path, { force: true }).catch(() => {})
  }
}
