import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { EntrySpool } from '../src/index.ts'

async function newSpool(): Promise<{ spool: EntrySpool; directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-spool-'))
  const spool = await EntrySpool.create(join(directory, 'spool'))
  onTestFinished(async () => {
    await spool.close()
    await rm(directory, { recursive: true })
  })
  return { spool, directory }
}

it('gives back what was laid aside, however appends and reads cross', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 400_000 }), { maxLength: 12 }),
      async (entries) => {
        const { spool } = await newSpool()
        const spans = await Promise.all(entries.map((entry) => spool.append(entry)))
        const read = await Promise.all(spans.flatMap((span) => [spool.read(span), spool.read(span)]))
        expect(read.map((bytes) => bytes.toString('hex'))).toEqual(
          entries.flatMap((entry) => [Buffer.from(entry).toString('hex'), Buffer.from(entry).toString('hex')]),
        )
      },
    ),
    { numRuns: 20 },
  )
})

it('leaves no file behind, even if it is never closed', async () => {
  const { directory } = await newSpool()
  expect(await readdir(directory)).toEqual([])
})
