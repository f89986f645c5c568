import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
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
  const message = "ENOENT: /proc takes no directories, mkdir '/proc/repokeeper'"
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
