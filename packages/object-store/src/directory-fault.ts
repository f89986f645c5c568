import { StoreError, type StoreErrorCode } from './port.ts'

/** What a system call's error means to a user of the store. A `StoreError`, and what is no system error, stays as it is. */
export function directoryFault(error: unknown, doing: string, subject: { store: string; key?: string }): unknown {
  const code = errorCode(error)
  const meaning = code === undefined ? undefined : meanings[code]
  if (error instanceof StoreError || code === undefined || !(error instanceof Error) || !('syscall' in error))
    return error
  const advice = meaning === undefined ? error.message : `${meaning.words} (${code})`
  return new StoreError(meaning?.code ?? 'FAILED', `${subject.store}: ${doing}: ${advice}`, subject, { cause: error })
}

/** `ENOENT` and the like. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

export function isAbsence(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** Below systemd it is mostly the unit that says so (`ProtectSystem=`), and not the disk. */
export const readOnlyWords =
  'its file system is mounted read-only; mount it for writing, of a systemd unit with ReadWritePaths=, or name another directory'
const denied = 'this user may not do that; check owner and mode of the directory'
const blocked = 'a part of this key is a file or directory that stands in its way'

const meanings: Record<string, { code: StoreErrorCode; words: string } | undefined> = {
  EACCES: { code: 'ACCESS_DENIED', words: denied },
  EPERM: { code: 'ACCESS_DENIED', words: denied },
  EROFS: { code: 'ACCESS_DENIED', words: readOnlyWords },
  EISDIR: { code: 'BAD_KEY', words: blocked },
  ENOTDIR: { code: 'BAD_KEY', words: blocked },
  EEXIST: { code: 'BAD_KEY', words: blocked },
  ENOTEMPTY: { code: 'BAD_KEY', words: blocked },
  ENAMETOOLONG: { code: 'BAD_KEY', words: 'a segment is longer than the filesystem allows, mostly 255 bytes' },
  EILSEQ: { code: 'BAD_KEY', words: 'the filesystem does not allow these characters' },
  ENOSPC: { code: 'UNAVAILABLE', words: 'the disk is full; free some space' },
  EDQUOT: { code: 'UNAVAILABLE', words: 'the quota is used up' },
  EMFILE: { code: 'UNAVAILABLE', words: 'too many open files; raise the limit (ulimit -n)' },
  ENFILE: { code: 'UNAVAILABLE', words: 'the system has too many open files' },
  ESTALE: { code: 'UNAVAILABLE', words: 'the file was replaced on the NFS server while it was read; try again' },
  ETIMEDOUT: { code: 'UNAVAILABLE', words: 'the file server does not answer' },
  EIO: { code: 'UNAVAILABLE', words: 'the disk or the file server failed' },
}
