import { open, readdir, realpath, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isAbsence } from './directory-fault.ts'
import { checkKey } from './key.ts'
import { makeDirectory } from './make-directory.ts'
import { StoreError } from './port.ts'

/** Names of the store's own files: drafts of puts, and the lock. */
export const hiddenPrefix = '.repokeeper-'

/** What a directory cannot hold although other stores can. */
export function reservedProblem(key: string): string | undefined {
  const segments = key.split('/')
  if (segments.includes('')) return 'has an empty segment'
  if (segments.some((segment) => segment.startsWith(hiddenPrefix))) {
    return `has a segment that starts with "${hiddenPrefix}", which is reserved for the store's own files`
  }
  return undefined
}

/** The store's directory without links. @throws StoreError `NO_SUCH_STORE`. */
export async function findRoot(store: string): Promise<string> {
  try {
    const root = await realpath(store)
    if ((await stat(root)).isDirectory()) return root
  } catch (error) {
    if (!isAbsence(error)) throw error
  }
  throw new StoreError('NO_SUCH_STORE', `${store} is no directory: create it, or name another one`, { store })
}

/**
 * The directory that a key's file is in, or `undefined` where it is not there or lies behind a link. What stands in the tree is
 * trusted between this look and the next step: the store guards against links left lying about, not against an enemy who
 * may write to the same directory.
 */
export async function findParent(store: string, key: string): Promise<string | undefined> {
  const root = await findRoot(store)
  const parent = dirname(join(root, key))
  if (parent === root) return root
  try {
    return (await realpath(parent)) === parent ? parent : undefined
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

/** The same for writing: made where it is not there, and flushed, so that a crash cannot lose the way to a stored file. */
export async function makeParent(store: string, key: string): Promise<string> {
  const root = await findRoot(store)
  const parent = dirname(join(root, key))
  const firstMade = await makeDirectory(parent)
  if ((await realpath(parent)) !== parent) {
    checkKey(
      key,
      store,
      'leads through a symbolic link; name the real directory, or open that one as a store of its own',
    )
  }
  if (firstMade !== undefined) {
    for (let made = parent; made.length >= firstMade.length; made = dirname(made)) await syncDirectory(dirname(made))
  }
  return parent
}

/** fsync(2) of a directory makes the names in it durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some network filesystems cannot; the rename was their server's business, then.
    if (!(error instanceof Error && 'code' in error && (error.code === 'EINVAL' || error.code === 'ENOTSUP')))
      throw error
  } finally {
    await handle.close()
  }
}

const leftoverAgeMs = 24 * 3600 * 1000

/**
 * Removes the drafts of processes that were killed. By ctime, which nobody can set: a draft that did not change for a day is
 * no upload any more.
 */
export async function sweepLeftovers(directory: string, now: Date): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(`${hiddenPrefix}put-`)) continue
    const path = join(directory, name)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && found.ctimeMs < now.getTime() - leftoverAgeMs) await rm(path, { force: true })
  }
}
