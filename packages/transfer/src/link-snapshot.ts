/**
 * A snapshot of a replica in a directory: the same files under another directory, by hard links, which cost no space. A replica never
 * writes into a file, it puts another one in its place: so what is linked stays as it is.
 */
import { chmod, copyFile, link, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { makeDirectory } from '@repokeeper/object-store'
import { parseRepomd } from '@repokeeper/repodata'
import { inParallel } from '@repokeeper/repository'
import { publicKeyPath, repomdPath, signaturePath } from './read-generation.ts'
import { TransferError } from './transfer-error.ts'

const atATime = 32

/**
 * @param directory of a whole replica that nobody updates meanwhile
 * @param snapshot a directory that is not there yet; on another file system files are copied
 * @param packages paths of what the replica lists
 * @throws TransferError where the snapshot is there already; errors of the file system
 */
export async function linkSnapshot(directory: string, snapshot: string, packages: readonly string[]): Promise<void> {
  const place = resolve(snapshot)
  if (await exists(place)) {
    throw new TransferError('NOT_A_REPLICA', `${snapshot} is there already: name a directory that is not`)
  }
  await makeDirectory(dirname(place))
  const draft = await mkdtemp(`${place}.partial-`)
  await chmod(draft, 0o755)
  const { records } = parseRepomd(await readFile(join(directory, repomdPath)))
  const documents = records.map(({ href }) => href)
  try {
    await inParallel([...packages, ...documents, repomdPath], atATime, (path) => linkFile(directory, draft, path))
    for (const path of [signaturePath, publicKeyPath]) {
      if (await exists(join(directory, path))) await linkFile(directory, draft, path)
    }
    await rename(draft, place)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

async function linkFile(from: string, to: string, path: string): Promise<void> {
  const target = join(to, path)
  await mkdir(dirname(target), { recursive: true })
  try {
    await link(join(from, path), target)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EXDEV' || error.code === 'EPERM'))) throw error
    await copyFile(join(from, path), target)
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
      throw error
    },
  )
}
