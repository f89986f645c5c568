import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { errorCode, readOnlyWords } from './directory-fault.ts'

/**
 * Makes a directory and those above it that are not there, level by level. Node's own `recursive` goes round for ever where a directory that is
 * there takes none (`/proc/x`), in a thread that no signal ends; and on a read-only file system it says that a directory is not there which is.
 *
 * @param mode of those that are made; default: as the process makes them
 * @returns the first one that was made; `undefined`: all were there
 * @throws the system's error, with words that say which directory was to be made, what is against it and what to do
 */
export async function makeDirectory(path: string, mode?: number): Promise<string | undefined> {
  const absolute = resolve(path)
  const missing: string[] = []
  for (let level = absolute; !(await isDirectory(level, absolute)); level = dirname(level)) missing.unshift(level)
  let first: string | undefined
  for (const level of missing) {
    if (await makeLevel(level, absolute, mode)) first ??= level
  }
  return first
}

/** False: nothing is there. The root is there always. @throws the system's error where something else is, or nobody may look */
async function isDirectory(path: string, wanted: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT') return false
    throw refusal(error, wanted, whyNotSeen(code, path))
  }
  const cause = Object.assign(new Error(`${path} is no directory`), { code: 'ENOTDIR', syscall: 'mkdir', path })
  throw refusal(cause, wanted, `${path} is no directory; name another one`)
}

/** False: somebody else has just made it. */
async function makeLevel(path: string, wanted: string, mode: number | undefined): Promise<boolean> {
  try {
    await mkdir(path, { mode })
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST' && (await isDirectory(path, wanted))) return false
    throw refusal(error, wanted, whyNot(error, dirname(path)))
  }
}

const rights = 'give it the right (owner and mode), or name another directory'

/** Why nobody can say whether something is there. */
function whyNotSeen(code: string | undefined, path: string): string | undefined {
  if (code === 'EACCES') return `this user may not look at ${path}; ${rights}`
  return code === 'ENOTDIR' ? `a file stands in the way of ${path}; name another one` : undefined
}

/** Why a directory that is there takes no other one. */
function whyNot(error: unknown, parent: string): string | undefined {
  switch (errorCode(error)) {
    case 'EROFS':
      return `${parent} cannot be written here: ${readOnlyWords}`
    case 'EACCES':
    case 'EPERM':
      return `this user may not write to ${parent}; ${rights}`
    case 'ENOENT':
      return `${parent} takes no directories; name another one`
    default:
      return undefined
  }
}

/** Its code, system call and path stay. Without words of ours it is as it was. */
function refusal(error: unknown, wanted: string, words: string | undefined): unknown {
  const code = errorCode(error)
  if (code === undefined || words === undefined) return error
  const message = `cannot make the directory ${wanted}: ${words} (${code})`
  return Object.assign(new Error(message, { cause: error }), { code, syscall: 'mkdir', path: wanted })
}
