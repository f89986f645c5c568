/**
 * What takes long to make is made once and kept, for as long as the code that makes it stays as it is.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { checkout } from '../../fixtures/cloud-process.ts'

/** Documents of an earlier form would be taken over like another tool's, and everything measured at them would be wrong. */
const makers = [
  join('packages', 'repodata', 'src'),
  join('packages', 'rpm-parser', 'src', 'testing'),
  join('scripts', 'benching', 'calibrated-packages.ts'),
  join('scripts', 'benching', 'calibrated-repository.ts'),
  join('scripts', 'benching', 'change.ts'),
]

/**
 * @param make fills a new directory
 * @returns the directory of that name in the cache: to be copied, not to be changed
 */
export async function madeOnce(
  cacheDirectory: string,
  name: string,
  make: (directory: string) => Promise<void>,
): Promise<string> {
  made ??= digestOfMakers()
  const directory = join(cacheDirectory, `${name}-${await made}`)
  if ((await stat(directory).catch(() => undefined)) !== undefined) return directory
  await mkdir(cacheDirectory, { recursive: true })
  const making = `${directory}.${process.pid}`
  try {
    await mkdir(making)
    await make(making)
    await rename(making, directory)
  } finally {
    await rm(making, { recursive: true, force: true })
  }
  await dropOlder(cacheDirectory, name, directory)
  return directory
}

let made: Promise<string> | undefined

async function digestOfMakers(): Promise<string> {
  const hash = createHash('sha256')
  for (const maker of makers) {
    const path = join(checkout, maker)
    const names = maker.endsWith('.ts') ? [''] : (await readdir(path)).filter((name) => name.endsWith('.ts')).toSorted()
    for (const name of names) hash.update(`${name}\n`).update(await readFile(join(path, name)))
  }
  return hash.digest('hex').slice(0, 12)
}

async function dropOlder(cacheDirectory: string, name: string, directory: string): Promise<void> {
  for (const other of await readdir(cacheDirectory)) {
    const path = join(cacheDirectory, other)
    const isOlder = other.startsWith(`${name}-`) && /^[0-9a-f]{12}$/.test(other.slice(name.length + 1))
    if (isOlder && path !== directory) await rm(path, { recursive: true, force: true })
  }
}
