import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Hands `use` the paths of files with these bytes, in a directory of their own that goes afterwards. */
export function withFiles<Result>(
  files: readonly Uint8Array[],
  use: (paths: readonly string[], directory: string) => Result,
): Result {
  const directory = mkdtempSync(join(tmpdir(), 'rpm-parser-'))
  try {
    const paths = files.map((bytes, index) => {
      const path = join(directory, `${index}.rpm`)
      writeFileSync(path, bytes)
      return path
    })
    return use(paths, directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}
