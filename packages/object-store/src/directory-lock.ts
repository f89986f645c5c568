import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hiddenPrefix } from './directory-path.ts'
import { StoreError } from './port.ts'

export interface LockOptions {
  readonly waitSeconds: number
  readonly signal: AbortSignal | undefined
  /** For messages. */
  readonly subject: { readonly store: string; readonly key: string }
}

/**
 * Runs `work` while no other process, and nobody else in this one, runs such work on the same directory.
 *
 * Why not a lock file that names its owner and the time. Whoever finds one has to guess whether the owner is dead. A process
 * id means nothing in another container or on another host, and an age proves nothing: an owner that was suspended (SIGSTOP, a
 * paused virtual machine, a slow NFS server) wakes up after its lock was broken and renames its file over somebody
 * else's. There is no rename(2) that fails when one no longer owns the lock, so that is a lost update. Even the
 * breaking is a race: two who judged the same file stale, of which the second removes the first one's new lock.
 *
 * So the lock is the kernel's: fcntl(2) record locks on `.repokeeper-lock`. They end with their process, whatever ended it,
 * and never before; NFS hands them to its server, which drops those of a client that is gone. Node has no call for them, but
 * SQLite takes them when a transaction begins, excludes connections of one process from each other as well (fcntl does not),
 * and reports where a filesystem has none. The database stays empty: nothing is ever written to it, and no data of the store
 * depends on it. The file must stay where it is, since a second one of the same name would be a second lock.
 *
 * The lock is per directory, not per store: two stores opened at different heights of one tree still meet.
 *
 * @throws StoreError `UNAVAILABLE` after `waitSeconds`; `ACCESS_DENIED`, `UNSUPPORTED`; what `work` throws; the signal's reason.
 */
export async function withDirectoryLock<T>(
  directory: string,
  work: () => Promise<T>,
  { waitSeconds, signal, subject }: LockOptions,
): Promise<T> {
  const path = join(directory, `${hiddenPrefix}lock`)
  const deadline = performance.now() + waitSeconds * 1000
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted()
    const release = await tryLock(path, subject)
    if (release !== undefined) {
      try {
        return await work()
      } finally {
        release()
      }
    }
    if (performance.now() > deadline) {
      throw new StoreError(
        'UNAVAILABLE',
        `${subject.store}: ${subject.key} could not be written within ${waitSeconds} s, because another process holds ${path} ("fuser ${path}" names it)`,
        subject,
      )
    }
    // Uneven steps, or two who wait would meet again and again. Locks are held for a few system calls.
    await sleep(1 + Math.random() * Math.min(50, 2 + attempt), undefined, { ...(signal !== undefined && { signal }) })
  }
}

/** The way to give the lock back; `undefined` while somebody else has it. */
async function tryLock(path: string, subject: LockOptions['subject']): Promise<(() => void) | undefined> {
  // Only here: Node 22 warns when it is loaded.
  const { DatabaseSync } = await import('node:sqlite')
  let database: InstanceType<typeof DatabaseSync> | undefined
  try {
    const opened = new DatabaseSync(path, { timeout: 0 })
    database = opened
    // Without a journal there is one file less to leave behind; there is nothing to roll back.
    opened.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE')
    return () => opened.close()
  } catch (error) {
    database?.close()
    const fault = lockFault(error, path, subject)
    if (fault === undefined) return undefined
    throw fault
  }
}

// Primary result codes of SQLite (sqlite.org/rescode.html); extended ones carry more in the higher bytes.
const busy = 5
const meanings: Record<number, { code: 'ACCESS_DENIED' | 'UNSUPPORTED' | 'FAILED'; words: string } | undefined> = {
  3: { code: 'ACCESS_DENIED', words: 'this user may not write it; give it the owner and mode of the other files' },
  8: {
    code: 'ACCESS_DENIED',
    words: 'it cannot be written; give it the owner and mode of the other files, and mount its file system for writing',
  },
  14: { code: 'ACCESS_DENIED', words: 'it cannot be opened for writing; check owner and mode of the directory' },
  10: { code: 'UNSUPPORTED', words: 'this filesystem has no file locks; mount it with them (NFS: without "nolock")' },
  15: { code: 'UNSUPPORTED', words: 'this filesystem has no file locks; mount it with them (NFS: without "nolock")' },
  26: { code: 'FAILED', words: 'somebody wrote into it; remove it while nothing else uses the directory' },
}

/** `undefined`: it is merely taken. */
function lockFault(error: unknown, path: string, subject: LockOptions['subject']): unknown {
  if (!(error instanceof Error && 'errcode' in error && typeof error.errcode === 'number')) return error
  const result = error.errcode & 0xff
  if (result === busy) return undefined
  const meaning = meanings[result] ?? { code: 'FAILED' as const, words: error.message }
  const message = `${subject.store}: ${subject.key} cannot be written, because ${path} cannot be locked: ${meaning.words}`
  return new StoreError(meaning.code, message, subject, { cause: error })
}
