import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BlockedDocument, documentKinds, MemoryFile } from '@repokeeper/repodata'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { calibratedName } from './calibrated-packages.ts'
import { type CalibratedStyle, calibratedRepository, seed } from './calibrated-repository.ts'
import { checkPublished, documentFiles, inDirectory } from './published.ts'

const styles: readonly CalibratedStyle[] = ['ours', 'theirs']
let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'repokeeper-bench-test-'))
})

afterAll(() => rm(directory, { recursive: true, force: true }))

it.each(styles)('%s: the same bytes each time', async (style) => {
  const [one, two] = [join(directory, 'one'), join(directory, 'two')]
  expect(await digests(await calibratedRepository(one, style, 120))).toEqual(
    await digests(await calibratedRepository(two, style, 120)),
  )
})

it.each(styles)('%s: a small one holds the first packages of a large one, and those alone', async (style) => {
  for (const packages of [100, 300]) {
    const repository = await calibratedRepository(directory, style, packages)
    await expect(checkPublished(inDirectory(repository), locations(packages))).resolves.toBeUndefined()
  }
})

it.each([
  ['ours', true],
  ['theirs', false],
] as const)('%s: documents in blocks: %s', async (style, inBlocks) => {
  for (const path of await documentFiles(await calibratedRepository(directory, style, 100))) {
    const kind = documentKinds.find((one) => path.includes(one))
    const file = new MemoryFile()
    await file.append(await readFile(path))
    expect([kind, (await BlockedDocument.open(kind ?? 'primary', file)) !== undefined]).toEqual([kind, inBlocks])
  }
})

it('a list that lacks a package, or has one too many, is noticed', async () => {
  const read = inDirectory(await calibratedRepository(directory, 'ours', 100))
  await expect(checkPublished(read, locations(99))).rejects.toThrow('0 are not, and 1 (')
  await expect(checkPublished(read, locations(101))).rejects.toThrow('1 (')
})

function locations(packages: number): Set<string> {
  return new Set(Array.from({ length: packages }, (_, number) => calibratedName(seed, number).location))
}

/** Of every file, by its name. */
async function digests(repository: string): Promise<string[]> {
  const names = (await readdir(join(repository, 'repodata'))).toSorted()
  return Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(join(repository, 'repodata', name))
      return `${name} ${createHash('sha256').update(bytes).digest('hex')}`
    }),
  )
}
