import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/**
 * Makes a directory and those above it that are not there, level by level. Node's own `recursive` goes round for ever where a directory that is
 * there takes none (`/proc/x`), in a thread that no signal ends.
 *
 * @param mode of those that are made; default: as the process makes them
 * @returns the first one that was made; `undefined`: all were there
 * @throws the system's error
 */
export async function makeDirectory(path: string, mode?: number): Promise<string | undefined> {
  const absolute = resolve(path)
  const missing: string[] = []
  for (let level = absolute; !(await isDirectory(level)); level = dirname(level)) missing.unshift(level)
  let first: string | undefined
  for (const level of missing) {
    if (await makeLevel(level, mode)) first ??= level
  }
  return first
}

/** False: nothing is there. The root is there always. @throws the system's error where something else is, or nobody may look */
async function isDirectory(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
  throw Object.assign(new Error(`ENOTDIR: ${path} is no directory`), { code: 'ENOTDIR', syscall: 'mkdir', path })
}

/** False: somebody else has just made it. */
async function makeLevel(path: string, mode: number | undefined): Promise<boolean> {
  try {
    await mkdir(path, { mode })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await isDirectory(path))) return false
    if (codeOf(error) !== 'ENOENT') throw error
    const message = `ENOENT: ${dirname(path)} takes no directories, mkdir '${path}'`
    throw Object.assign(new Error(message, { cause: error }), { code: 'ENOENT', syscall: 'mkdir', path })
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
