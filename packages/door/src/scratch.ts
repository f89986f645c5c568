/**
 * Where uploads lie until they are whole and were looked at.
 */
import { randomUUID } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { makeDirectory } from '@repokeeper/object-store'

/** Nothing of an upload that goes on is so old: its file changes with every byte. */
const leftoverMs = 24 * 3600 * 1000
const suffix = '.upload'

export class Scratch {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  /**
   * Makes the directory where it is not there, and clears it of what killed processes left. Others may work in it at the same time.
   *
   * @throws what the file system has against it
   */
  static async open(directory: string, now: Date): Promise<Scratch> {
    await makeDirectory(directory, 0o700)
    for (const name of await readdir(directory)) {
      if (!name.endsWith(suffix)) continue
      const path = join(directory, name)
      const found = await stat(path).catch(() => undefined)
      // By ctime, which nobody can set.
      if (found !== undefined && found.ctimeMs < now.getTime() - leftoverMs) await rm(path, { force: true })
    }
    return new Scratch(directory)
  }

  newPath(): string {
    return join(this.directory, `${randomUUID()}${suffix}`)
  }
}

/** As the scratch directory knows it. */
export function scratchName(path: string): string {
  return basename(path)
}
