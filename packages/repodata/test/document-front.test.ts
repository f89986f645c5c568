/**
 * Where the table of the blocks stands: in the header, or, too long for it, in the head; and that nothing else is taken for one.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BlockContainer } from '../src/block-container.ts'
import type { Block, Piece } from '../src/block-table.ts'
import { formatFront, readFront } from '../src/document-front.ts'
import { formatHead } from '../src/document-kind.ts'
import { gzipContainer, MemoryFile, scanDocument, scanLimits, zstdContainer } from '../src/index.ts'

const containers = [gzipContainer, zstdContainer] as const
const foot = pieceOf(7)
const head = formatHead('primary', 3)

describe.each(containers)('a table, $compression,', (container) => {
  it('comes back as it was, whether it fits into the header or not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(3_000), fc.nat(90), async (blocks, noteBytesMax) => {
        const inContainer = { ...container, noteBytesMax }
        for (const one of [container, inContainer]) {
          const front = await formatFront(one, head, { blocks: blocksOf(blocks), foot })
          const read = await readFront(container, await fileOf(front.bytes))
          expect(read?.table).toEqual(front.table)
          expect(read?.headerBytes).toBe(front.bytes.length - front.table.head.size)
          expect(front.table.blocks).toHaveLength(blocks)
        }
      }),
      { numRuns: 10 },
    )
  })

  it('leaves the head as it is, to the byte, as long as the header has room for it', async () => {
    const longest = await longestInHeader(container)
    expect((await formatFront(container, head, { blocks: blocksOf(longest), foot })).head).toEqual(head)
    const { head: longer } = await formatFront(container, head, { blocks: blocksOf(longest + 1), foot })
    expect(longer.subarray(0, head.length)).toEqual(head)
    expect(longer.toString('latin1', head.length)).toMatch(/^<!-- [^-]+\n(?:[A-Za-z0-9+/=]{1,120}\n)+-->\n$/)
  })

  it('is left out where the head would be longer than any reader of ours takes', async () => {
    const blocks = blocksOf(40_000)
    const front = await formatFront(container, head, { blocks, foot })
    expect(front.head).toEqual(head)
    expect(front.bytes.length).toBeLessThan(200)
    expect(await readFront(container, await fileOf(front.bytes))).toBeUndefined()
    const half = await formatFront(container, head, { blocks: blocks.slice(0, 18_000), foot })
    expect(half.head.length).toBeGreaterThan(scanLimits.headBytesMax / 2)
    expect((await readFront(container, await fileOf(half.bytes)))?.table.blocks).toHaveLength(18_000)
  })

  it('is none with any byte of header or head altered, where it stands in the head', async () => {
    const { bytes } = await formatFront({ ...container, noteBytesMax: 90 }, head, { blocks: blocksOf(20), foot })
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const altered = Buffer.from(bytes)
        altered.writeUInt8(altered.readUInt8(at) ^ change, at)
        const read = await readFront(container, await fileOf(altered))
        // Zlib and zstd leave some bits to whoever writes; the CRC-32 of what comes out is the same then.
        if (read !== undefined) expect(read.table.blocks).toHaveLength(20)
        expect(await readFront(container, await fileOf(bytes.subarray(0, at)))).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })
})

it('a head with a table is read by whoever scans the document, and hides no entry', async () => {
  const { head: long } = await formatFront({ ...gzipContainer, noteBytesMax: 90 }, head, {
    blocks: blocksOf(900),
    foot,
  })
  const document = Buffer.concat([long, Buffer.from('<package>a</package>\n<package>b</package>\n</metadata>\n')])
  for (const size of [document.length, 1_000, 7]) {
    const parts = await Array.fromAsync(scanDocument('primary', chunksOf(document, size)))
    expect(parts.map(({ kind, bytes }) => (kind === 'entry' ? bytes.toString() : kind))).toEqual([
      'head',
      '<package>a</package>',
      '<package>b</package>',
    ])
  }
})

/** The most blocks whose table the header takes. */
async function longestInHeader(container: BlockContainer): Promise<number> {
  let [fits, doesNot] = [0, 10_000]
  while (doesNot - fits > 1) {
    const middle = (fits + doesNot) >>> 1
    const front = await formatFront(container, head, { blocks: blocksOf(middle), foot })
    if (front.head.length === head.length) fits = middle
    else doesNot = middle
  }
  return fits
}

function blocksOf(count: number): Block[] {
  return Array.from({ length: count }, (_, number): Block => {
    const firstLocation = `Packages/${String(number).padStart(6, '0')}.rpm`
    return { packages: 128 + (number % 900), irregular: number % 3, firstLocation, pieces: [pieceOf(number)] }
  })
}

function pieceOf(number: number): Piece {
  const mixed = Math.imul(number + 1, 0x9e3779b1) >>> 0
  return { size: 1 + (mixed % 100_000), openSize: mixed % 1_000_000, crc32: mixed, packedCrc32: ~mixed >>> 0 }
}

async function fileOf(bytes: Uint8Array): Promise<MemoryFile> {
  const file = new MemoryFile()
  await file.append(bytes)
  return file
}

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
