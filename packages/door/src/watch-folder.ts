/**
 * A folder of this machine, watched: which packages something has happened to.
 */
import { realpath } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import { watch } from 'chokidar'
import { DoorError } from './door-error.ts'
import { isFinished } from './package-places.ts'

export interface WatchFolderOptions {
  readonly directory: string
  /** Looks at every file now and then instead: where the system does not tell, as of files that others write over NFS. */
  readonly pollMs?: number | undefined
  /** Its key in the directory's store. */
  readonly onChange: (key: string) => void
  readonly onError: (error: unknown) => void
}

export interface WatchedFolder {
  close(): Promise<void>
}

/** Resolves when all that happens from now on is heard of. @throws DoorError where the system does not let it be watched */
export async function watchFolder({
  directory,
  pollMs,
  onChange,
  onError,
}: WatchFolderOptions): Promise<WatchedFolder> {
  const top = await realpath(directory)
  const keyOf = (path: string): string => relative(top, path).split(sep).join('/')
  const watcher = watch(top, {
    ignoreInitial: true,
    // As the store has it: links to files are objects, links to directories are nothing.
    followSymlinks: false,
    atomic: false,
    ...(pollMs !== undefined && { backend: 'polling', pollingInterval: pollMs, pollingBinaryInterval: pollMs }),
    ignored: (path, stats) => isIgnored(keyOf(path), stats?.isDirectory() ?? true),
  })
  const tell = (path: string): void => {
    const key = keyOf(path)
    if (isFinished(key)) onChange(key)
  }
  watcher.on('add', tell).on('change', tell).on('unlink', tell)
  await new Promise<void>((resolve, reject) => {
    watcher.once('ready', resolve)
    watcher.once('error', (cause) => reject(cannotWatch(directory, cause)))
  }).catch(async (error: unknown) => {
    await watcher.close()
    throw error
  })
  watcher.removeAllListeners('error')
  watcher.on('error', onError)
  return { close: () => watcher.close() }
}

/** What is never a package, nor leads to one: the fewer files are looked at, the better. */
function isIgnored(key: string, mayBeDirectory: boolean): boolean {
  if (key === '') return false
  const name = key.slice(key.lastIndexOf('/') + 1)
  if (name.startsWith('.') || name === 'repodata') return true
  return !mayBeDirectory && !name.endsWith('.rpm')
}

function cannotWatch(directory: string, cause: unknown): DoorError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const why = cause instanceof Error ? cause.message : String(cause)
  const remedy =
    code === 'ENOSPC' || code === 'EMFILE'
      ? 'the system watches no more folders for this user: raise fs.inotify.max_user_watches and max_user_instances, or say --poll'
      : `${why}; --poll looks at every file instead`
  return new DoorError('CANNOT_WATCH', `${directory} cannot be watched: ${remedy}`, { cause })
}
