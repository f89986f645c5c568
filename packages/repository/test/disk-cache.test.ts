import { createHash } from 'node:crypto'
import { mkdtemp, open, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { DiskCache, type DocumentDigest } from '../src/index.ts'

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-cache-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

const digestOf = (text: string): DocumentDigest => ({
  type: 'sha256',
  hex: createHash('sha256').update(text).digest('hex'),
})

/** A source that counts how often it is asked. */
function source(text: string): { fetch: () => AsyncIterable<Uint8Array>; asked: () => number } {
  let asked = 0
  async function* fetch(): AsyncGenerator<Uint8Array> {
    asked += 1
    yield Buffer.from(text)
  }
  return { fetch, asked: () => asked }
}

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(chunks)).toString()
}

it('fetches a document once, however often and however much at a time it is read', async () => {
  const cache = await DiskCache.open({ directory: await newDirectory(), bytesMax: 1000 })
  const { fetch, asked } = source('primary')
  const reads = await Promise.all([1, 2, 3].map(() => text(cache.read(digestOf('primary'), 7, fetch))))
  reads.push(await text(cache.read(digestOf('primary'), 7, fetch)))
  expect(reads).toEqual(['primary', 'primary', 'primary', 'primary'])
  expect(asked()).toBe(1)
})

it.each([
  ['another digest', 'primarx', 7],
  ['more bytes than its record says', 'primary and more', 7],
  ['fewer bytes than its record says', 'primary', 8],
])('refuses and keeps nothing of a document with %s', async (_, sent, size) => {
  const directory = await newDirectory()
  const cache = await DiskCache.open({ directory, bytesMax: 1000 })
  const reading = text(cache.read(digestOf('primary'), size, source(sent).fetch))
  await expect(reading).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
  expect(await readdir(directory)).toEqual([])
})

it('believes a file of an earlier process only after its digest was checked', async () => {
  const directory = await newDirectory()
  const first = await DiskCache.open({ directory, bytesMax: 1000 })
  await text(first.read(digestOf('primary'), 7, source('primary').fetch))
  const [name] = await readdir(directory)
  await writeFile(join(directory, name ?? ''), 'damaged')

  const again = source('primary')
  const second = await DiskCache.open({ directory, bytesMax: 1000 })
  expect(await text(second.read(digestOf('primary'), 7, again.fetch))).toBe('primary')
  expect(again.asked()).toBe(1)
})

it('forgets the least recently used documents first, and never the newest', async () => {
  const directory = await newDirectory()
  const cache = await DiskCache.open({ directory, bytesMax: 20 })
  for (const [age, name] of ['oldest---', 'newer----', 'newest---'].entries()) {
    await text(cache.read(digestOf(name), 9, source(name).fetch))
    for (const file of await readdir(directory)) {
      if (file.endsWith(digestOf(name).hex)) await utimes(join(directory, file), age, age)
    }
  }
  const left = (await readdir(directory)).map((file) => file.replace('sha256-', ''))
  expect(left.toSorted()).toEqual([digestOf('newer----').hex, digestOf('newest---').hex].toSorted())

  await text(cache.read(digestOf('x'.repeat(50)), 50, source('x'.repeat(50)).fetch))
  expect(await readdir(directory)).toEqual([`sha256-${digestOf('x'.repeat(50)).hex}`])
})

it('sweeps out what a crash left, but not what another process writes now', async () => {
  const directory = await newDirectory()
  await writeFile(join(directory, 'scratch-1-old'), 'x')
  await utimes(join(directory, 'scratch-1-old'), 1, 1)
  await writeFile(join(directory, 'fetch-2-young'), 'x')
  await DiskCache.open({ directory, bytesMax: 20 })
  expect(await readdir(directory)).toEqual(['fetch-2-young'])
})

it('keeps a superseded document that is published again', async () => {
  const directory = await newDirectory()
  const cache = await DiskCache.open({ directory, bytesMax: 1000 })
  const adopt = async (content: string): Promise<void> => {
    const draft = await cache.newDraft()
    await draft.append(Buffer.from(content))
    await cache.adopt(draft, digestOf(content))
  }
  await adopt('again')
  await cache.retire([digestOf('again')])
  await adopt('again')
  await cache.retire(Array.from({ length: 20 }, (_, number) => digestOf(`other ${number}`)))
  const { fetch, asked } = source('again')
  expect(await text(cache.read(digestOf('again'), 5, fetch))).toBe('again')
  expect(asked()).toBe(0)
})

it('is there again where its directory was taken away before, or while, a document is fetched', async () => {
  const directory = await newDirectory()
  const cache = await DiskCache.open({ directory, bytesMax: 1000 })
  let fetches = 0
  async function* fetch(): AsyncGenerator<Uint8Array> {
    fetches += 1
    if (fetches === 1) await rm(directory, { recursive: true })
    yield Buffer.from('primary')
  }
  await rm(directory, { recursive: true })
  expect(await text(cache.read(digestOf('primary'), 7, fetch))).toBe('primary')
  expect(fetches).toBe(2)
})

it('says where it is that a full disk takes nothing more', async () => {
  const directory = await newDirectory()
  const cache = await DiskCache.open({ directory, bytesMax: 1000 })
  const draft = await cache.newDraft()
  onTestFinished(() => draft.discard())
  await onFullDisk(async () => {
    const full = { code: 'ENOSPC', syscall: 'write', message: expect.stringContaining(`, write '${directory}/`) }
    await expect(draft.append(Buffer.from('primary'))).rejects.toMatchObject(full)
    const { fetch } = source('primary')
    await expect(text(cache.read(digestOf('primary'), 7, fetch))).rejects.toMatchObject(full)
  })
})

/** Every write is one to a disk that is full: /dev/full says what the kernel says then. */
async function onFullDisk(work: () => Promise<void>): Promise<void> {
  const full = await open('/dev/full', 'w')
  const prototype = Object.getPrototypeOf(full)
  const write = full.write.bind(full)
  const writeFile = full.writeFile.bind(full)
  const stubs = [
    vi.spyOn(prototype, 'write').mockImplementation(() => write('x')),
    vi.spyOn(prototype, 'writeFile').mockImplementation(() => writeFile('x')),
  ]
  try {
    await work()
  } finally {
    for (const stub of stubs) stub.mockRestore()
    await full.close()
  }
}
