/**
 * A gigabyte of zeros in every compression, and compressed bytes that lie about what they hold.
 */
import { readFileSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type Compression, decompress, readEntries } from '../src/index.ts'

const unitBytes = 2 ** 24
const units = 64
const stored = (suffix: string): Buffer => readFileSync(new URL(`bombs/zeros-16-MiB.${suffix}`, import.meta.url))
/** 16 MiB of zeros; one behind the other 64 of them are a gigabyte: every format allows several parts. */
const bombs: readonly (readonly [Compression, Buffer])[] = [
  ['gzip', gzipSync(Buffer.alloc(unitBytes))],
  ['zstd', zstdCompressSync(Buffer.alloc(unitBytes))],
  ['xz', stored('xz')],
  ['bzip2', stored('bz2')],
]

describe.each(bombs)('a gigabyte of zeros in %s', (_, unit) => {
  /** Counts what is taken of it. */
  const source = () => {
    const taken = { units: 0 }
    async function* open(): AsyncGenerator<Uint8Array> {
      for (; taken.units < units; taken.units += 1) yield unit
    }
    return { taken, open }
  }

  it('is small enough that somebody would send it', () => {
    expect(unit.length * units).toBeLessThan(2 ** 20 + 2 ** 16)
  })

  it('is refused at the bound, in pieces, and the rest of it is not even taken', async () => {
    const openBytesMax = 40 * 2 ** 20
    const { taken, open } = source()
    let read = 0
    let longest = 0
    const reading = async (): Promise<void> => {
      for await (const piece of decompress(open(), openBytesMax)) {
        read += piece.length
        longest = Math.max(longest, piece.length)
      }
    }
    await expect(reading()).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(read).toBeLessThanOrEqual(openBytesMax)
    expect(read).toBeGreaterThan(openBytesMax - 2 ** 20)
    expect(longest).toBeLessThanOrEqual(2 ** 18)
    // bzip2 takes some megabytes ahead, which are all of its 2,880 bytes.
    if (unit.length > 1000) expect(taken.units).toBeLessThan(units / 2)
  })

  it('does not stand in the way of the next one when it was refused', async () => {
    await expect(Array.fromAsync(decompress(source().open(), 1))).rejects.toMatchObject({ code: 'TOO_LARGE' })
    async function* alone(): AsyncGenerator<Uint8Array> {
      yield unit
    }
    let read = 0
    for await (const piece of decompress(alone(), unitBytes)) read += piece.length
    expect(read).toBe(unitBytes)
  })

  it('is no document, whatever its record promises: found out after its first megabytes', async () => {
    const { open } = source()
    let opened = 0
    const counted = async function* () {
      for await (const chunk of open()) {
        opened += chunk.length
        yield chunk
      }
    }
    const document = { name: 'x.xml', open: counted, openBytesMax: 2 ** 40 }
    await expect(Array.fromAsync(readEntries('primary', document))).rejects.toMatchObject({
      code: expect.toBeOneOf(['TOO_LARGE', 'NOT_PATCHABLE', 'BROKEN_XML']),
    })
    if (unit.length > 1000) expect(opened).toBeLessThan((unit.length * units) / 2)
  })
})

describe('a size that lies', () => {
  const plain = Buffer.from('<metadata/>'.repeat(1000))
  async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  const open = async (bytes: Uint8Array, max = 2 ** 30): Promise<Buffer> =>
    Buffer.concat(await Array.fromAsync(decompress(one(bytes), max)))
  const changed = (bytes: Buffer, change: (copy: Buffer) => void): Buffer => {
    const copy = Buffer.from(bytes)
    change(copy)
    return copy
  }
  const gzip = gzipSync(plain)
  const zstd = zstdCompressSync(plain)
  /** Single segment, two bytes of content size (RFC 8878, 3.1.1.1): at 5, less 256. */
  const zstdSize = zstd.readUInt16LE(5)

  it.each<[string, Buffer]>([
    ['gzip: less in its trailer', changed(gzip, (copy) => copy.writeUInt32LE(1, gzip.length - 4))],
    ['gzip: more in its trailer', changed(gzip, (copy) => copy.writeUInt32LE(2 ** 31, gzip.length - 4))],
    ['zstd: less in its frame header', changed(zstd, (copy) => copy.writeUInt16LE(1, 5))],
    ['zstd: more in its frame header', changed(zstd, (copy) => copy.writeUInt16LE(0xffff, 5))],
    [
      'xz: another in its index',
      changed(stored('xz'), (copy) => copy.writeUInt8((copy.at(-20) ?? 0) ^ 1, copy.length - 20)),
    ],
  ])('is found out: %s', async (_, bytes) => {
    await expect(open(bytes)).rejects.toMatchObject({ name: 'DocumentError', code: 'BROKEN_COMPRESSION' })
  })

  it('is where this test believes it to be', () => {
    expect(zstdSize + 256).toBe(plain.length)
  })

  it.each<[Compression, Buffer]>([
    ['none', plain],
    ['gzip', gzip],
    ['zstd', zstd],
  ])('in its record is found out, where it promises less: %s', async (_, bytes) => {
    await expect(open(bytes, plain.length - 1)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(await open(bytes, plain.length)).toEqual(plain)
  })
})
