import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { madeOnce } from './made-once.ts'

let cache = ''

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'repokeeper-bench-test-'))
})

afterEach(() => rm(cache, { recursive: true, force: true }))

it('is made once', async () => {
  let makings = 0
  const make = async (directory: string): Promise<void> => {
    makings += 1
    await writeFile(join(directory, 'file'), `making ${makings}`)
  }
  const one = await madeOnce(cache, 'ours-100', make)
  expect(await madeOnce(cache, 'ours-100', make)).toBe(one)
  expect(await readFile(join(one, 'file'), 'utf8')).toBe('making 1')
})

it('makes what older code has made go, and nothing else', async () => {
  const older = await madeOnce(cache, 'ours-100', async () => {})
  await rm(older, { recursive: true })
  const others = ['ours-1000-0123456789ab', 'theirs-100-0123456789ab', 'ours-100-notes']
  for (const name of ['ours-100-0123456789ab', ...others]) await writeFile(join(cache, name), '')
  const one = await madeOnce(cache, 'ours-100', async () => {})
  expect((await readdir(cache)).map((name) => join(cache, name)).toSorted()).toEqual(
    [one, ...others.map((name) => join(cache, name))].toSorted(),
  )
})

it('leaves nothing behind where the making fails', async () => {
  const failing = madeOnce(cache, 'ours-100', () => Promise.reject(new Error('no space')))
  await expect(failing).rejects.toThrow('no space')
  expect(await readdir(cache)).toEqual([])
})
