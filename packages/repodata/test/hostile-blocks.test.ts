/**
 * Tables of blocks that nobody of this project wrote, or that were written for this project to believe: none is opened that says what cannot
 * be, and none takes more memory than it may.
 */
import { randomBytes } from 'node:crypto'
import { constants, deflateRawSync, zstdCompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unpackPiece } from '../src/block-container.ts'
import { blockLimits } from '../src/block-cut.ts'
import {
  type BlockTable,
  formatBlockTable,
  openBlockTable,
  parseBlockTable,
  sealBlockTable,
} from '../src/block-table.ts'
import { formatFront, readFront } from '../src/document-front.ts'
import { formatHead } from '../src/document-kind.ts'
import {
  BlockedDocument,
  BlockLookup,
  type DocumentForm,
  gzipContainer,
  MemoryFile,
  scanLimits,
  zstdContainer,
} from '../src/index.ts'
import { form, forms, generationOf, locationOf, written } from './block-documents.ts'

const containers = [gzipContainer, zstdContainer] as const
const packages = new Map(Array.from({ length: 900 }, (_, number): [string, number] => [locationOf(number), 1]))

describe('a table', () => {
  it('is not opened with any byte altered, cut off or added', async () => {
    const { table } = (await opened(form)) ?? {}
    if (table === undefined) throw new Error('no table')
    const sealed = sealBlockTable(table)
    expect(openBlockTable(sealed)).toEqual(table)
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const altered = Buffer.from(sealed)
        altered.writeUInt8(altered.readUInt8(at) ^ change, at)
        expect(openBlockTable(altered)).toBeUndefined()
        expect(openBlockTable(sealed.subarray(0, at))).toBeUndefined()
        expect(openBlockTable(Buffer.concat([sealed, altered.subarray(0, at + 1)]))).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })

  it('is none where it is rubbish, as long as a header holds', () => {
    for (let run = 0; run < 50; run += 1) {
      const rubbish = randomBytes(2 ** 16)
      rubbish.writeUInt8(1, 0)
      expect(parseBlockTable(rubbish)).toBeUndefined()
    }
  })

  it('is none where it counts more blocks than there are bytes, or promises a piece that nobody writes', () => {
    const piece = { size: 10, openSize: 20, crc32: 1, packedCrc32: 2 }
    const block = { packages: 1, irregular: 0, firstLocation: 'a', pieces: [piece] }
    const table: BlockTable = { head: piece, blocks: [block], foot: piece }
    expect(parseBlockTable(formatBlockTable(table))).toEqual(table)
    const many = formatBlockTable(table)
    many.writeUInt8(100, 1)
    expect(parseBlockTable(many)).toBeUndefined()
    const longest = scanLimits.entryBytesMax + blockLimits.pieceBytes
    for (const openSize of [longest, 2 ** 30, 2 ** 40]) {
      const told = { ...table, blocks: [{ ...block, pieces: [{ ...piece, openSize }] }] }
      expect(parseBlockTable(formatBlockTable(told)) !== undefined).toBe(openSize === longest)
    }
  })

  it('is none where its locations would be more than all of a repository, however few bytes they take by sharing them', () => {
    const piece = { size: 10, openSize: 20, crc32: 1, packedCrc32: 2 }
    const tableOf = (locationBytes: number, blocks: number): BlockTable => ({
      head: piece,
      blocks: Array.from({ length: blocks }, () => ({
        packages: 1,
        irregular: 0,
        firstLocation: 'a'.repeat(locationBytes),
        pieces: [piece],
      })),
      foot: piece,
    })
    expect(parseBlockTable(formatBlockTable(tableOf(1_000, 4_000)))).toEqual(tableOf(1_000, 4_000))
    const bomb = formatBlockTable(tableOf(60_000, 100))
    expect(bomb.length).toBeLessThan(64 * 1024)
    expect(parseBlockTable(bomb)).toBeUndefined()
  })

  it.each([
    ['no packages', { packages: 0 }],
    ['more irregular packages than packages', { irregular: 2 }],
    ['no pieces', { pieces: [] }],
  ])('is none with a block of %s', (_, wrong) => {
    const piece = { size: 10, openSize: 20, crc32: 1, packedCrc32: 2 }
    const block = { packages: 1, irregular: 0, firstLocation: 'a', pieces: [piece], ...wrong }
    expect(parseBlockTable(formatBlockTable({ head: piece, blocks: [block], foot: piece }))).toBeUndefined()
  })
})

describe.each(containers)('a piece, $compression,', (container) => {
  it('is given up as soon as more comes out of it than the table says', async () => {
    const open = Buffer.alloc(2 ** 26)
    const bomb =
      container === gzipContainer
        ? deflateRawSync(open, { finishFlush: constants.Z_FULL_FLUSH })
        : zstdCompressSync(open)
    const piece = { size: bomb.length, openSize: 100_000, crc32: 0, packedCrc32: 0 }
    await expect(unpackPiece(container, piece, bomb)).rejects.toMatchObject({
      code: 'BROKEN_TABLE',
      cause: expect.objectContaining({ code: 'ERR_BUFFER_TOO_LARGE' }),
    })
  })

  it('is none where it is rubbish', async () => {
    const rubbish = randomBytes(5_000)
    const piece = { size: rubbish.length, openSize: 50_000, crc32: 0, packedCrc32: 0 }
    await expect(unpackPiece(container, piece, rubbish)).rejects.toMatchObject({ code: 'BROKEN_TABLE' })
  })
})

describe.each(forms)('a document, $title,', (inForm) => {
  it('is not opened by blocks with any byte more or less', async () => {
    await fc.assert(
      fc.asyncProperty(generationOf(500), fc.constantFrom(-10, -1, 1, 10), async (generation, more) => {
        const { primary } = await written(generation, inForm)
        const bytes = primary.contents()
        const file = new MemoryFile()
        await file.append(more < 0 ? bytes.subarray(0, more) : Buffer.concat([bytes, Buffer.alloc(more)]))
        expect(await BlockedDocument.open('primary', file)).toBeUndefined()
      }),
      { numRuns: 20 },
    )
  })

  it('is not opened where its first locations are out of order', async () => {
    const document = await opened(inForm, (table) => ({ ...table, blocks: reversed(table.blocks) }))
    expect(document).toBeUndefined()
  })

  it.each([-1, 1])('says so when a block is read that is told to hold one package more or fewer: %i', async (more) => {
    const document = await opened(inForm, ({ blocks: [first, ...others], ...table }) => {
      if (first === undefined) throw new Error('no blocks')
      return { ...table, blocks: [{ ...first, packages: first.packages + more }, ...others] }
    })
    if (document === undefined) throw new Error('it was not opened')
    await expect(Array.fromAsync(document.entries(0, 1))).rejects.toMatchObject({ code: 'BROKEN_TABLE' })
  })

  it.each([
    ['before', (location: string) => location.slice(0, -2)],
    ['behind', (location: string) => `${location}~`],
  ])('says so when a block is asked for whose first location is told to be %s what it is', async (_, tell) => {
    const document = await opened(inForm, ({ blocks: [first, second, ...more], ...table }) => {
      if (first === undefined || second === undefined) throw new Error('too few blocks')
      return { ...table, blocks: [first, { ...second, firstLocation: tell(second.firstLocation) }, ...more] }
    })
    if (document === undefined) throw new Error('it was not opened')
    const lookup = new BlockLookup(document, () => Promise.reject(new Error('all are regular')))
    await expect(lookup.packagesIn(1)).rejects.toMatchObject({ code: 'BROKEN_TABLE' })
  })
})

/** Primary of some hundred packages, with its table told otherwise. */
async function opened(
  inForm: DocumentForm,
  tell: (table: BlockTable) => BlockTable = (table) => table,
): Promise<BlockedDocument | undefined> {
  const { primary } = await written(packages, inForm)
  const { container } = inForm
  const { table, headerBytes } = (await readFront(container, primary)) ?? {}
  if (table === undefined || headerBytes === undefined) throw new Error('no table')
  expect(table.blocks.length).toBeGreaterThan(2)
  const front = await formatFront(container, formatHead('primary', packages.size), tell(table))
  const file = new MemoryFile()
  await file.append(front.bytes)
  const blocksEnd = primary.size - container.formatTrailer(table).length
  await file.append(primary.contents().subarray(headerBytes + table.head.size, blocksEnd))
  await file.append(container.formatTrailer(front.table))
  return BlockedDocument.open('primary', file)
}

/** The blocks as they lie, with each other's first locations. */
function reversed(blocks: BlockTable['blocks']): BlockTable['blocks'] {
  const locations = blocks.map(({ firstLocation }) => firstLocation).reverse()
  return blocks.map((block, at) => ({ ...block, firstLocation: locations[at] ?? '' }))
}
