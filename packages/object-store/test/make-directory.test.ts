import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { makeDirectory } from '../src/index.ts'

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-make-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

it('makes what is not there of the way, and says where that begins', async () => {
  const directory = await newDirectory()
  expect(await makeDirectory(join(directory, 'a/b/c'), 0o700)).toBe(join(directory, 'a'))
  expect(await makeDirectory(join(directory, 'a/b/d'))).toBe(join(directory, 'a/b/d'))
  expect(await makeDirectory(join(directory, 'a/b/c'))).toBeUndefined()
  expect((await stat(join(directory, 'a/b/c'))).mode & 0o777).toBe(0o700)
})

it('is content where several make the same one at once', async () => {
  const path = join(await newDirectory(), 'a/b/c')
  await Promise.all(Array.from({ length: 20 }, () => makeDirectory(path)))
  expect((await stat(path)).isDirectory()).toBe(true)
})

it('ends where a directory takes none, with which and what', async () => {
  const code = 'ENOENT'
  const message =
    'cannot make the directory /proc/repokeeper/cache: /proc takes no directories; name another one (ENOENT)'
  await expect(makeDirectory('/proc/repokeeper/cache')).rejects.toMatchObject({ code, message })
})

it('follows a link to a directory, and names what is in the way', async () => {
  const directory = await newDirectory()
  await writeFile(join(directory, 'file'), '')
  await symlink(directory, join(directory, 'link'))
  await symlink(join(directory, 'nowhere'), join(directory, 'dangling'))
  expect(await makeDirectory(join(directory, 'link/x'))).toBe(join(directory, 'link/x'))
  await expect(makeDirectory(join(directory, 'file/x'))).rejects.toMatchObject({ code: 'ENOTDIR' })
  await expect(makeDirectory(join(directory, 'dangling/x'))).rejects.toThrow('dangling')
})

const namespace = ['unshare', '--mount', '--map-root-user', 'sh', '-ec']
const source = join(import.meta.dirname, '../src/make-directory.ts')
/** What is said where `$1` is made, by somebody who is not root. */
const attempt = `
  const { makeDirectory } = await import(${JSON.stringify(source)})
  if (process.argv[2] === 'nobody' && process.getuid() === 0) process.seteuid(65534)
  const told = await makeDirectory(process.argv[1]).then(() => 'made', ({ code, syscall, message }) => [code, syscall, message])
  console.log(JSON.stringify(told))`

function tryToMake(path: string, as: 'root' | 'nobody', before: readonly string[] = []): unknown {
  const words = [...before, process.execPath, '--input-type=module', '-e', attempt, path, as]
  const { stdout, stderr } = spawnSync(words[0] ?? '', words.slice(1), { encoding: 'utf8' })
  return JSON.parse(stdout || JSON.stringify(stderr))
}

it('says whose right is missing, and on which directory', async () => {
  const directory = await newDirectory()
  await chmod(directory, 0o555)
  const path = join(directory, 'a/b')
  const message = `cannot make the directory ${path}: this user may not write to ${directory}; give it the right (owner and mode), or name another directory (EACCES)`
  expect(tryToMake(path, 'nobody')).toEqual(['EACCES', 'mkdir', message])
  await chmod(directory, 0o700)
})

it.skipIf(spawnSync('unshare', ['--mount', '--map-root-user', 'true']).status !== 0)(
  'says that a file system is read-only, and what a systemd unit lacks',
  async () => {
    const directory = await newDirectory()
    const readOnly = [...namespace, 'mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"; exec "$@"', directory]
    const path = join(directory, 'a/b')
    const message = `cannot make the directory ${path}: ${directory} cannot be written here: its file system is mounted read-only; mount it for writing, of a systemd unit with ReadWritePaths=, or name another directory (EROFS)`
    expect(tryToMake(path, 'root', readOnly)).toEqual(['EROFS', 'mkdir', message])
    expect(tryToMake(directory, 'root', readOnly)).toBe('made')
  },
)
