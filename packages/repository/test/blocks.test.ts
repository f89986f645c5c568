/**
 * Publishing by blocks, as a repository sees it: the documents are those that a rebuild writes, a change costs what it touches, and what lies in
 * a cache is never believed for long.
 */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { zstdCompressSync } from 'node:zlib'
import { startLocalCloud } from '@repokeeper/local-cloud'
import { DirectoryStore, MemoryStore, type ObjectStore, S3Store } from '@repokeeper/object-store'
import {
  type BlockContainer,
  BlockedDocument,
  type DocumentKind,
  decompress,
  documentKinds,
  gzipContainer,
  MemoryFile,
  parseRepomd,
  recordOf,
  zstdContainer,
} from '@repokeeper/repodata'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCloudResources } from '../../../fixtures/cloud-resources.ts'
import { orInSoak } from '../../../fixtures/soak.ts'
import {
  DiskCache,
  MemoryCache,
  type RepositoryLocation,
  readSnapshot,
  rebuildRepository,
  reconcile,
} from '../src/index.ts'
import { intercept, locationIn, newContext, read } from './workbench.ts'

type Compression = BlockContainer['compression']
const compressions: readonly Compression[] = ['gzip', 'zstd']
const containers = { gzip: gzipContainer, zstd: zstdContainer } as const
/** Some five blocks of them. */
const packages = 2_000
/** What the random changes choose from. */
const changeable = 2_300

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each([
  ['in memory', openMemory, orInSoak(2, 20)],
  ['in a directory', openDirectory, orInSoak(1, 5)],
] as const)('a repository %s', (_, openRepository, numRuns) => {
  it.each(compressions)('has, after any batches, the very documents that a rebuild writes: %s', async (compression) => {
    const { location, set } = await openRepository()
    const context = await contextFor(compression)
    await fill(set, packages)
    await rebuildRepository(location, context)
    await fc.assert(
      fc.asyncProperty(fc.array(batches, { minLength: 1, maxLength: 3 }), async (all) => {
        for (const batch of all) {
          for (const [number, version] of batch) await set(pathOf(number), version)
          await reconcile(location, new Set([...batch.keys()].map((number) => keyOf(location, number))), context)
        }
        const patched = await digestsOf(location)
        await rebuildRepository(location, await contextFor(compression))
        expect(patched).toEqual(await digestsOf(location))
      }),
      { numRuns },
    )
    expect((await digestsOf(location)).primary).toMatch(compression === 'gzip' ? /\.gz$/ : /\.zst$/)
  })
})

it('publishes what a rebuild does where the end of a block is taken away, and comes back', async () => {
  const { location, set, context } = await published('gzip')
  const second = (await blocksOf(location))[0]?.table.blocks[1]?.firstLocation ?? ''
  const all = Array.from({ length: packages }, (_, number) => pathOf(number))
  const last =
    all
      .filter((path) => Buffer.compare(Buffer.from(path), Buffer.from(second)) < 0)
      .sort()
      .at(-1) ?? ''
  for (const version of [undefined, 1]) {
    await set(last, version)
    await reconcile(location, new Set([`${location.root}${last}`]), context)
    const patched = await digestsOf(location)
    await rebuildRepository(location, await contextFor('gzip'))
    expect(patched).toEqual(await digestsOf(location))
  }
})

it('publishes the same documents whatever way led to a set', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { minLength: 3, maxLength: 3 }), async (seeds) => {
      const ways = []
      for (const seed of seeds) {
        const { location, set } = await openMemory()
        const context = { ...(await contextFor('gzip')), cache: new MemoryCache() }
        const order = shuffled(800, seed)
        for (let at = 0; at < order.length; at += 300) {
          const some = order.slice(at, at + 300)
          // What only passes through is listed for a while.
          for (const number of [...some, 9_000 + at]) await set(pathOf(number), 1)
          await reconcile(location, new Set([...some, 9_000 + at].map((number) => keyOf(location, number))), context)
          await set(pathOf(9_000 + at), undefined)
        }
        const passed = [0, 300, 600].map((at) => keyOf(location, 9_000 + at))
        await reconcile(location, new Set(passed), context)
        ways.push(await digestsOf(location))
      }
      expect(new Set(ways.map((digests) => JSON.stringify(digests))).size).toBe(1)
    }),
    { numRuns: orInSoak(1, 10) },
  )
})

describe('a change', () => {
  it.each(compressions)(
    'inflates the block that it touches in each document, and no other: %s',
    async (compression) => {
      const { location, set, context } = await published(compression)
      const uncompress = vi.spyOn(containers[compression], 'uncompress')
      await set(pathOf(700), 2)
      await reconcile(location, new Set([keyOf(location, 700)]), context)
      // Of primary twice: to find the package, and to write the block anew.
      expect(uncompress).toHaveBeenCalledTimes(4)
    },
  )

  it('reads of the kept documents no more than their tables, what it copies, and what it touches', async () => {
    const { location, set, context } = await published('gzip')
    const sizes = Object.values(await blocksOf(location)).map(({ table }) =>
      table.blocks.map(({ pieces }) => pieces[0]?.size ?? 0),
    )
    const all = sizes.flat().reduce((sum, size) => sum + size, 0)
    const largest = Math.max(...sizes.flat())
    let asked = 0
    const access = context.cache.access.bind(context.cache)
    vi.spyOn(context.cache, 'access').mockImplementation(async (...which) => {
      const file = await access(...which)
      if (file === undefined) throw new Error('the cache keeps nothing')
      const read: typeof file.read = (start, length, into) => {
        asked += length
        return file.read(start, length, into)
      }
      return { size: file.size, read }
    })
    await set(pathOf(700), 2)
    await reconcile(location, new Set([keyOf(location, 700)]), context)
    const tables = 3 * gzipContainer.headerBytesMax
    expect(asked).toBeGreaterThan(all / 2)
    expect(asked).toBeLessThan(all + 2 * largest + tables)
  })

  it('sends only the documents that it changes', async () => {
    const { location, store, set, context } = await published('gzip')
    // The same bytes stored again: another time in primary, and the same files and changelogs.
    await set(pathOf(700), 1, 1_700_000_700)
    const sent: string[] = []
    const watched = intercept(store, {
      put: (key, ...rest) => {
        sent.push(key)
        return store.put(key, ...rest)
      },
    })
    const before = await digestsOf(location)
    await reconcile({ ...location, store: watched }, new Set([keyOf(location, 700)]), context)
    const after = await digestsOf(location)
    expect(after.primary).not.toBe(before.primary)
    expect({ ...after, primary: '' }).toEqual({ ...before, primary: '' })
    expect(sent.filter((key) => /\.xml\.gz$/.test(key))).toEqual([expect.stringContaining('-primary.xml.gz')])
    expect(sent.at(-1)).toMatch(/repomd\.xml$/)
  })
})

describe('a repository that has not moved', () => {
  it('costs one conditional request for repomd.xml, and nothing else', async () => {
    const { location, store, context } = await published('gzip')
    const calls: unknown[] = []
    const tell =
      <Args extends readonly unknown[], Result>(name: string, call: (...args: Args) => Result) =>
      (...args: Args): Result => {
        calls.push([name, ...args.slice(0, 2)])
        return call(...args)
      }
    const watched = intercept(store, {
      get: tell('get', (...args) => store.get(...args)),
      head: tell('head', (...args) => store.head(...args)),
      put: tell('put', (...args) => store.put(...args)),
      delete: tell('delete', (...args) => store.delete(...args)),
      list: tell('list', (...args) => store.list(...args)),
    })
    const key = `${location.root}repodata/repomd.xml`
    const { etag } = await readSnapshot(location, context)
    const snapshot = await readSnapshot({ ...location, store: watched }, context)
    expect(calls).toEqual([['get', key, { ifNoneMatch: etag }]])
    expect(snapshot.lookup.count).toBe(packages)
  })

  it('is answered with 304 by S3', async () => {
    const directory = await newDirectory()
    const cloud = await startLocalCloud({ directory })
    onTestFinished(() => cloud.close())
    const { endpoint } = cloud
    await createCloudResources(endpoint, 'packages')
    const credentials = { accessKeyId: 'blocks-test', secretAccessKey: 'anything' }
    const store = new S3Store({ bucket: 'packages', endpoint, region: 'us-east-1', credentials })
    onTestFinished(() => store.close())
    const location = locationIn(store)
    const context = await contextFor('gzip')
    await store.put(keyOf(location, 1), packageAt(pathOf(1), 1), { if: 'always' })
    await reconcile(location, new Set([keyOf(location, 1)]), context)
    await readSnapshot(location, context)

    const seen = cloud.calls.list().at(-1)?.number ?? 0
    await readSnapshot(location, context)
    const calls = cloud.calls.list().filter(({ number }) => number > seen)
    expect(calls.map(({ operation, key, status }) => `${operation} ${key} ${status}`)).toEqual([
      `GetObject ${location.root}repodata/repomd.xml 304`,
    ])
  })
})

describe('a cache that is damaged between two publishes', () => {
  const damages: readonly (readonly [string, (path: string) => Promise<void>])[] = [
    ['deleted', (path) => rm(path)],
    ['cut off', async (path) => truncate(path, Math.floor((await readFile(path)).length / 2))],
    ['emptied', (path) => truncate(path, 0)],
    ['altered by a bit in the middle', (path) => alter(path, (bytes) => turnBit(bytes, bytes.length >> 1))],
    ['altered by a bit in its table', (path) => alter(path, (bytes) => turnBit(bytes, 40))],
    ['altered by a bit at the end', (path) => alter(path, (bytes) => turnBit(bytes, bytes.length - 1))],
    [
      'altered in every block',
      (path) =>
        alter(path, (bytes) => {
          for (let at = 2_000; at < bytes.length - 100; at += 3_000) turnBit(bytes, at)
        }),
    ],
    [
      'put in the place of one another',
      async (path) => {
        await writeFile(path, zstdCompressSync('something else'))
      },
    ],
  ]
  const inThisProcess = damages.map(([damage, harm]) => [damage, 'the same process', 'never', harm] as const)
  const checkedOpen = inThisProcess.slice(3, 5).map(([damage, who, , harm]) => [damage, who, 'always', harm] as const)
  const inAnother = inThisProcess
    .slice(1, 5)
    .map(([damage, , open, harm]) => [damage, 'another process', open, harm] as const)

  it.each([...inThisProcess, ...checkedOpen, ...inAnother])(
    '%s, makes no wrong metadata by %s, open checksum %s',
    async (_, who, openChecksum, harm) => {
      const { location, set, context } = await published('gzip', 900, openChecksum)
      const { directory } = context.cache
      for (const file of await readdir(directory)) await harm(join(directory, file))
      await set(pathOf(450), 2)
      const cache = who === 'the same process' ? context.cache : await DiskCache.open({ directory, bytesMax: 2 ** 30 })
      await reconcile(location, new Set([keyOf(location, 450)]), { ...context, cache })

      const patched = await digestsOf(location)
      await rebuildRepository(location, await contextFor('gzip', openChecksum))
      expect(patched).toEqual(await digestsOf(location))
    },
  )
})

describe('the compression', () => {
  it('is changed by the next publish that asks for another, and stays where none is asked for', async () => {
    const { location, set } = await published('gzip', 600)
    const names = []
    let version = 2
    for (const compression of [undefined, 'zstd', undefined, 'gzip', undefined] as const) {
      await set(pathOf(300), version++)
      await reconcile(location, new Set([keyOf(location, 300)]), await contextFor(compression))
      names.push((await digestsOf(location)).primary.replace(/^\w+/, ''))
      const patched = await digestsOf(location)
      await rebuildRepository(location, await contextFor(compression))
      expect(patched).toEqual(await digestsOf(location))
    }
    expect(names).toEqual(['.gz', '.zst', '.zst', '.gz', '.gz'])
  })

  it('of another tool’s documents, zstd, becomes gzip: nobody has said that all clients read more', async () => {
    const { location, store, set } = await published('zstd', 600)
    const repomdKey = `${location.root}repodata/repomd.xml`
    let repomd = (await read(store, repomdKey)).toString()
    for (const kind of documentKinds) {
      // As createrepo_c names them, in one frame.
      const record = recordOf(parseRepomd(Buffer.from(repomd)), kind)
      const { href = '', checksum } = record ?? {}
      const bytes = zstdCompressSync(await uncompressed(await read(store, `${location.root}${href}`)))
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      await store.put(`${location.root}repodata/${sha256}-${kind}.xml.zst`, bytes, { if: 'always' })
      repomd = repomd
        .replaceAll(href, `repodata/${sha256}-${kind}.xml.zst`)
        .replaceAll(checksum?.hex ?? '', sha256)
        .replace(`<size>${record?.size}</size>`, `<size>${bytes.length}</size>`)
    }
    await store.put(repomdKey, Buffer.from(repomd), { if: 'always' })
    await set(pathOf(300), 2)
    await reconcile(location, new Set([keyOf(location, 300)]), await contextFor(undefined))
    const patched = await digestsOf(location)
    expect(patched.primary).toMatch(/\.gz$/)
    await rebuildRepository(location, await contextFor('gzip'))
    expect(patched).toEqual(await digestsOf(location))
  })
})

interface TestRepository {
  readonly location: RepositoryLocation
  readonly store: ObjectStore
  /** Puts a version of a package there, at a time (in seconds) that follows from both, or takes it away. */
  readonly set: (path: string, version: number | undefined, time?: number) => Promise<void>
}

async function openMemory(): Promise<TestRepository> {
  let seconds = 1_700_000_000
  let put = 0
  const store = new MemoryStore({ clock: () => new Date(1000 * (put === 0 ? seconds++ : put)) })
  const location = locationIn(store)
  const set: TestRepository['set'] = async (path, version, time) => {
    const key = `${location.root}${path}`
    if (version === undefined) return void (await store.delete(key))
    put = time ?? timeOf(path, version)
    await store.put(key, packageAt(path, version), { if: 'always' })
    put = 0
  }
  return { location, store, set }
}

async function openDirectory(): Promise<TestRepository> {
  const directory = await newDirectory()
  const store = new DirectoryStore(directory)
  const location = locationIn(store)
  const set: TestRepository['set'] = async (path, version, time = timeOf(path, version ?? 0)) => {
    const file = join(directory, location.root, path)
    if (version === undefined) return rm(file, { force: true })
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, packageAt(path, version))
    await utimes(file, time, time)
  }
  return { location, store, set }
}

/** A repository of so many packages, published, and the context of who published it. */
async function published(compression: Compression, count = packages, openChecksum: 'always' | 'never' = 'never') {
  const repository = await openMemory()
  const context = await contextFor(compression, openChecksum)
  await fill(repository.set, count)
  await rebuildRepository(repository.location, context)
  return { ...repository, context }
}

/** That of `compression`, with a cache of its own on disk. */
function contextFor(compression: Compression | undefined, openChecksum: 'always' | 'never' = 'never') {
  return newContext({ documents: { compression, openChecksum } })
}

async function fill(set: TestRepository['set'], count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) await set(pathOf(number), 1)
}

/** Number of a package → its version, or `undefined` where it goes: some here and there, and now and then a run of many. */
const version = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined, freq: 1 })
const batches = fc
  .record({
    single: fc.array(fc.tuple(fc.nat(changeable - 1), version), { minLength: 1, maxLength: 6 }),
    run: fc.option(fc.tuple(fc.nat(changeable - 1), fc.integer({ min: 1, max: 250 }), version), { freq: 1 }),
  })
  .map(({ single, run }) => {
    const [from, length, version] = run ?? [0, 0, undefined]
    const many = Array.from({ length }, (_, at): [number, number | undefined] => [
      Math.min(from + at, changeable - 1),
      version,
    ])
    return new Map([...many, ...single])
  })

/** Not in the order of the numbers, and some beyond ASCII. */
function pathOf(number: number): string {
  const letter = 'abcdéx'[number % 6] ?? ''
  return `Packages/${letter}/${letter}${number}-1.0-1.noarch.rpm`
}

function keyOf({ root }: RepositoryLocation, number: number): string {
  return `${root}${pathOf(number)}`
}

const built = new Map<string, Uint8Array>()

/** The same bytes each time: built once. */
function packageAt(path: string, version: number): Uint8Array {
  const id = `${version} ${path}`
  const bytes = built.get(id) ?? build(path, version)
  built.set(id, bytes)
  return bytes
}

function build(path: string, version: number): Uint8Array {
  const name = path.slice('Packages/x/'.length, path.indexOf('-'))
  const files = Array.from({ length: version }, (_, at) => ({ path: `/usr/share/${name}/${at}`, content: 'x' }))
  return buildPackage({ name, summary: `Version ${version} of ${name}`, files })
}

function timeOf(path: string, version: number): number {
  return 1_600_000_000 + 1_000 * version + path.length
}

/** kind → its digest, with the suffix of its file name. */
async function digestsOf({ store, root }: RepositoryLocation): Promise<Record<DocumentKind, string>> {
  const repomd = parseRepomd(await read(store, `${root}repodata/repomd.xml`))
  const digest = (kind: DocumentKind): string => {
    const { checksum, href = '' } = recordOf(repomd, kind) ?? {}
    return `${checksum?.hex}${href.slice(href.lastIndexOf('.'))}`
  }
  return { primary: digest('primary'), filelists: digest('filelists'), other: digest('other') }
}

/** All frames: Node's own function ends with the first. */
async function uncompressed(bytes: Buffer): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(decompress(Readable.from([bytes]), 2 ** 30)))
}

async function blocksOf({ store, root }: RepositoryLocation): Promise<BlockedDocument[]> {
  const repomd = parseRepomd(await read(store, `${root}repodata/repomd.xml`))
  const opened = documentKinds.map(async (kind) => {
    const file = new MemoryFile()
    await file.append(await read(store, `${root}${recordOf(repomd, kind)?.href}`))
    return BlockedDocument.open(kind, file)
  })
  return (await Promise.all(opened)).filter((document) => document !== undefined)
}

/** The numbers below `count` in an order of the seed's. */
function shuffled(count: number, seed: number): number[] {
  const rank = (number: number): string => createHash('md5').update(`${seed} ${number}`).digest('hex')
  return Array.from({ length: count }, (_, number) => number).sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-blocks-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

async function alter(path: string, change: (bytes: Buffer) => void): Promise<void> {
  const bytes = await readFile(path)
  change(bytes)
  await writeFile(path, bytes)
}

function turnBit(bytes: Buffer, at: number): void {
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
}
