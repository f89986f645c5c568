/**
 * Documents whose tables say what is not so: a publish reads them whole and is right, or is refused by the document's name; what is published
 * stays.
 */
import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { MemoryStore } from '@repokeeper/object-store'
import {
  type BlockContainer,
  BlockedDocument,
  type DocumentKind,
  DocumentWriter,
  documentKinds,
  gzipContainer,
  MemoryFile,
  parseRepomd,
  recordOf,
  zstdContainer,
} from '@repokeeper/repodata'
import { openBlockTable, sealBlockTable, type BlockTable as Table } from '@repokeeper/repodata/testing'
import { describe, expect, it } from 'vitest'
import { type RepositoryLocation, rebuildRepository, reconcile } from '../src/index.ts'
import { bucketTruth, locationIn, newContext, putPackage, read, readPublished, tickingStore } from './workbench.ts'

type Block = Table['blocks'][number]

/** Some four blocks of them. */
const packages = 1_400
/** What is changed: in the first block, in others, and behind the last. */
const changed = { replaced: [3, 800], removed: [1_100], added: [9_999] } as const

/** What is said of the blocks, and which documents say it. */
const lies: readonly (readonly [string, readonly DocumentKind[], (blocks: Block[]) => Block[]])[] = [
  [
    'one package more in a block, and one fewer in the next',
    ['primary'],
    ([a, b, ...more]) => [plus(a, 1), plus(b, -1), ...more],
  ],
  ['the same, of all three', documentKinds, ([a, b, ...more]) => [plus(a, 1), plus(b, -1), ...more]],
  ['a thousand packages more, of all three', documentKinds, ([a, ...more]) => [plus(a, 1_000), ...more]],
  [
    'a package fewer in the last block, of all three',
    documentKinds,
    (blocks) => [...blocks.slice(0, -1), plus(blocks.at(-1), -1)],
  ],
  ['no last block', ['primary'], (blocks) => blocks.slice(0, -1)],
  ['a last block twice', documentKinds, (blocks) => [...blocks, ...blocks.slice(-1)]],
  [
    'two blocks in the place of each other',
    ['primary'],
    ([a, b, ...more]) => [b, a, ...more].filter((block) => block !== undefined),
  ],
  ['two blocks as one', documentKinds, ([a, b, ...more]) => [joined(a, b), ...more]],
  ['bytes of a block with its neighbour', ['filelists'], ([a, b, ...more]) => [sized(a, 7), sized(b, -7), ...more]],
  [
    'open bytes of a block with its neighbour',
    ['primary'],
    ([a, b, ...more]) => [opened(a, 7), opened(b, -7), ...more],
  ],
  [
    'a false CRC-32 of a block that is touched',
    ['other'],
    ([a, ...more]) => [piece(a, (one) => ({ ...one, crc32: (one.crc32 ^ 1) >>> 0 })), ...more],
  ],
  [
    'a false CRC-32 of the bytes of all blocks',
    ['other'],
    (blocks) => blocks.map((block) => piece(block, (one) => ({ ...one, packedCrc32: (one.packedCrc32 ^ 1) >>> 0 }))),
  ],
  [
    'first locations in another order',
    ['primary'],
    (blocks) => {
      const names = blocks.map(({ firstLocation }) => firstLocation).reverse()
      return blocks.map((block, at) => ({ ...block, firstLocation: names[at] ?? '' }))
    },
  ],
  ['no first locations', ['primary'], (blocks) => blocks.map((block) => ({ ...block, firstLocation: '' }))],
  [
    'first locations that all packages come before',
    ['primary'],
    (blocks) => blocks.map((block) => ({ ...block, firstLocation: `z${block.firstLocation}` })),
  ],
  [
    'first locations that come too early',
    ['primary'],
    (blocks) => blocks.map((block) => ({ ...block, firstLocation: block.firstLocation.slice(0, -16) })),
  ],
  ['irregular packages that are none', ['primary'], ([a, ...more]) => [{ ...whole(a), irregular: 5 }, ...more]],
  ['a piece of a GiB', ['primary'], ([a, ...more]) => [piece(a, (one) => ({ ...one, openSize: 2 ** 30 })), ...more]],
]

describe.each([gzipContainer, zstdContainer])('a table that says what is not so, $compression,', (container) => {
  it.each(lies)('%s: of %j', async (_, kinds, lie) => {
    const location = await published(container)
    for (const kind of kinds) {
      await replace(location, kind, (bytes) => {
        const { table, headerBytes } = parseHeader(container, bytes)
        expect(table.blocks.length).toBeGreaterThan(3)
        const told = { ...table, blocks: lie([...table.blocks]) }
        expect(told).not.toEqual(table)
        return Buffer.concat([container.formatHeader(sealBlockTable(told)), bytes.subarray(headerBytes)])
      })
    }
    await changeSome(location)
    await expectRight(location)
  })

  it('a table that is rubbish of 64 KiB', async () => {
    const location = await published(container)
    for (const kind of documentKinds) {
      await replace(location, kind, (bytes) => {
        const { headerBytes } = parseHeader(container, bytes)
        // Told by the header, which is our own.
        const header = container === gzipContainer ? rubbishGzip() : rubbishZstd()
        return Buffer.concat([header, bytes.subarray(headerBytes)])
      })
    }
    await changeSome(location)
    await expectRight(location)
  })

  it.each(['filelists', 'other'] as const)(
    '%s that has, in the same blocks, its packages in another order',
    async (kind) => {
      const location = await published(container)
      await replace(location, kind, async (bytes) => {
        const { blocks, entries } = await readBlocks(kind, bytes)
        const file = new MemoryFile()
        const writer = new DocumentWriter(kind, { container, openChecksum: 'never' }, new MemoryFile())
        const inBlock = entries.slice(0, blocks[0]?.packages).reverse()
        for (const [number, entry] of [...inBlock, ...entries.slice(inBlock.length)].entries()) {
          await writer.add({ href: pathOf(number) }, entry)
        }
        await writer.finish((written) => file.append(written))
        expect((await readBlocks(kind, file.contents())).blocks.map((one) => one.packages)).toEqual(
          blocks.map((one) => one.packages),
        )
        return file.contents()
      })
      await changeSome(location)
      await expectRight(location)
    },
  )

  it.each([
    ['a block that is touched', 0],
    ['a block that is copied', 1],
  ])('rubbish in the place of %s, refused', async (_, at) => {
    const location = await published(container)
    const href = await replace(location, 'other', (bytes) => {
      const { table, headerBytes } = parseHeader(container, bytes)
      const before = table.blocks.slice(0, at)
      const block = whole(table.blocks[at])
      const start = headerBytes + table.head.size + before.reduce((sum, one) => sum + bytesOf(one), 0)
      const rubbish = randomBytes(bytesOf(block))
      const told = piece(block, (one) => ({ ...one, packedCrc32: crc32(rubbish) }))
      const blocks = table.blocks.map((one) => (one === block ? told : one))
      const rest = bytes.subarray(start + rubbish.length)
      return Buffer.concat([
        container.formatHeader(sealBlockTable({ ...table, blocks })),
        bytes.subarray(headerBytes, start),
        rubbish,
        rest,
      ])
    })
    const before = await read(location.store, `${location.root}repodata/repomd.xml`)
    const publishing = changeSome(location)
    await expect(publishing).rejects.toMatchObject({ code: 'BROKEN_METADATA', message: expect.stringContaining(href) })
    await expect(publishing).rejects.toThrow('repokeeper rebuild')
    expect(await read(location.store, `${location.root}repodata/repomd.xml`)).toEqual(before)
  })
})

/** A repository in one compression; whoever reads it next knows nothing of it. */
async function published({ compression }: BlockContainer): Promise<RepositoryLocation> {
  originals[compression] ??= publish(compression)
  const original = await originals[compression]
  const store = new MemoryStore({ clock: () => new Date(1000 * seconds++) })
  for (const { key, bytes, lastModified } of original) {
    seconds = lastModified.getTime() / 1000
    await store.put(key, bytes, { if: 'always' })
  }
  seconds = 1_790_000_000
  return locationIn(store)
}

/** The clock of the store that is used just now: of a copy, and of what is changed in it, the same each time. */
let seconds = 0

interface Stored {
  readonly key: string
  readonly bytes: Buffer
  readonly lastModified: Date
}

const originals: Partial<Record<BlockContainer['compression'], Promise<Stored[]>>> = {}

async function publish(compression: BlockContainer['compression']): Promise<Stored[]> {
  const location = locationIn(tickingStore())
  for (let number = 0; number < packages; number += 1) await put(location, number, '1.0')
  await rebuildRepository(location, await contextFor(compression))
  const stored = await Array.fromAsync(location.store.list(location.root))
  return Promise.all(
    stored.map(async ({ key, lastModified }) => ({ key, lastModified, bytes: await read(location.store, key) })),
  )
}

async function changeSome(location: RepositoryLocation): Promise<void> {
  seconds = 1_800_000_000
  for (const number of [...changed.replaced, ...changed.added]) await put(location, number, '2.0')
  for (const number of changed.removed) await location.store.delete(keyOf(location, number))
  const keys = Object.values(changed).flatMap((numbers) => numbers.map((number) => keyOf(location, number)))
  const { undecided } = await reconcile(location, new Set(keys), await contextFor(undefined))
  expect([...undecided]).toEqual([])
}

/** What is published is what the bucket holds, and what would be published had nobody said anything false. */
async function expectRight(location: RepositoryLocation): Promise<void> {
  const { packages, documents } = await readPublished(location)
  expected ??= rebuilt()
  expect(packages).toEqual((await expected).truth)
  expect(documents).toEqual((await expected).documents)
}

let expected: ReturnType<typeof rebuilt> | undefined

async function rebuilt() {
  const location = await published(gzipContainer)
  await changeSome(location)
  await rebuildRepository(location, await contextFor('gzip'))
  return { truth: await bucketTruth(location), documents: (await readPublished(location)).documents }
}

/** Publishes another document in the place of one, under a name that says neither. @returns where it lies */
async function replace(
  { store, root }: RepositoryLocation,
  kind: DocumentKind,
  forge: (bytes: Buffer) => Buffer | Promise<Buffer>,
): Promise<string> {
  const key = `${root}repodata/repomd.xml`
  const repomd = (await read(store, key)).toString()
  const record = recordOf(parseRepomd(Buffer.from(repomd)), kind)
  if (record?.checksum === undefined) throw new Error(`repomd.xml names no ${kind}`)
  const bytes = await forge(await read(store, `${root}${record.href}`))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const href = record.href.replace(record.checksum.hex, sha256)
  await store.put(`${root}${href}`, bytes, { if: 'always' })
  const next = repomd
    .replace(record.href, href)
    .replace(record.checksum.hex, sha256)
    .replace(`<size>${record.size}</size>`, `<size>${bytes.length}</size>`)
    // It may say what it likes, then.
    .replace(`<open-size>${record.openSize}</open-size>`, '')
  await store.put(key, Buffer.from(next), { if: 'always' })
  return href
}

async function readBlocks(kind: DocumentKind, bytes: Buffer): Promise<{ blocks: readonly Block[]; entries: Buffer[] }> {
  const file = new MemoryFile()
  await file.append(bytes)
  const document = await BlockedDocument.open(kind, file)
  if (document === undefined) throw new Error('no table')
  const { blocks } = document.table
  const entries = []
  for await (const entry of document.entries(0, blocks.length)) entries.push(Buffer.from(entry.bytes))
  return { blocks, entries }
}

function parseHeader(container: BlockContainer, bytes: Buffer): { table: Table; headerBytes: number } {
  const header = container.parseHeader(bytes)
  const table = header && openBlockTable(header.note)
  if (header === undefined || table === undefined) throw new Error('no table')
  return { table, headerBytes: header.headerBytes }
}

/** A table of the right length and seal, and nothing in it. */
function rubbishGzip(): Buffer {
  const table = rubbish(0xffff - 4)
  const field = Buffer.alloc(6)
  field.writeUInt16LE(table.length + 4, 0)
  field.write('RK', 2)
  field.writeUInt16LE(table.length, 4)
  return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff]), field, table])
}

function rubbishZstd(): Buffer {
  const frame = Buffer.concat([Buffer.from('RK'), rubbish(2 ** 16)])
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x184d2a50, 0)
  head.writeUInt32LE(frame.length, 4)
  return Buffer.concat([head, frame])
}

function rubbish(length: number): Buffer {
  const bytes = randomBytes(length)
  bytes.writeUInt8(1, 0)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), length - 4)
  return bytes
}

function whole(block: Block | undefined): Block {
  if (block === undefined) throw new Error('there is no such block')
  return block
}

function plus(block: Block | undefined, more: number): Block {
  return { ...whole(block), packages: whole(block).packages + more }
}

function joined(a: Block | undefined, b: Block | undefined): Block {
  return { ...plus(a, whole(b).packages), pieces: [...whole(a).pieces, ...whole(b).pieces] }
}

/** With its first piece told otherwise. */
function piece(block: Block | undefined, tell: (one: Block['pieces'][number]) => Block['pieces'][number]): Block {
  return { ...whole(block), pieces: whole(block).pieces.map((one, at) => (at === 0 ? tell(one) : one)) }
}

function sized(block: Block | undefined, more: number): Block {
  return piece(block, (one) => ({ ...one, size: one.size + more }))
}

function opened(block: Block | undefined, more: number): Block {
  return piece(block, (one) => ({ ...one, openSize: one.openSize + more }))
}

function bytesOf({ pieces }: Block): number {
  return pieces.reduce((sum, { size }) => sum + size, 0)
}

function contextFor(compression: BlockContainer['compression'] | undefined) {
  return newContext({ documents: { compression, openChecksum: 'never' } })
}

function keyOf({ root }: RepositoryLocation, number: number): string {
  return `${root}${pathOf(number)}`
}

function pathOf(number: number): string {
  return `Packages/buoy${String(number).padStart(5, '0')}-1-1.noarch.rpm`
}

function put(location: RepositoryLocation, number: number, version: string): Promise<void> {
  return putPackage(location.store, keyOf(location, number), { name: `buoy${number}`, version })
}
