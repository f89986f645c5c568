import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { DiskFile, EntrySpool, MemoryFile, type ScratchFile } from '../src/index.ts'

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-spool-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return directory
}

it.each<[string, (path: string) => Promise<ScratchFile>]>([
  ['on disk', (path) => DiskFile.createUnnamed(path)],
  ['in memory', async () => new MemoryFile()],
])('gives back what was laid aside %s, however appends and reads cross', async (_, create) => {
  const directory = await newDirectory()
  let files = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 400_000 }), { maxLength: 12 }),
      async (entries) => {
        files += 1
        const spool = new EntrySpool(await create(join(directory, String(files))))
        const spans = await Promise.all(entries.map((entry) => spool.append(entry)))
        const read = await Promise.all(spans.flatMap((span) => [spool.read(span), spool.read(span)]))
        await spool.close()
        expect(read.map((bytes) => bytes.toString('hex'))).toEqual(
          entries.flatMap((entry) => [Buffer.from(entry).toString('hex'), Buffer.from(entry).toString('hex')]),
        )
      },
    ),
    { numRuns: 20 },
  )
})

it('leaves no file behind, even if it is never closed', async () => {
  const directory = await newDirectory()
  const file = await DiskFile.createUnnamed(join(directory, 'spool'))
  onTestFinished(() => file.discard())
  expect(await readdir(directory)).toEqual([])
})

it('a file that was given away stays when it is discarded', async () => {
  const directory = await newDirectory()
  const file = await DiskFile.create(join(directory, 'draft'))
  await file.append(Buffer.from('abc'))
  expect(Buffer.concat(await Array.fromAsync(file.bytes())).toString()).toBe('abc')
  expect(await file.giveAway()).toBe(join(directory, 'draft'))
  await file.discard()
  expect(await readdir(directory)).toEqual(['draft'])
})
