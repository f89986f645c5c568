import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { decompress, detectCompression } from '../src/index.ts'

const plain = Buffer.concat([Buffer.from('<metadata>'), randomBytes(300_000), Buffer.from('x'.repeat(1_000_000))])

async function* pieces(bytes: Uint8Array, length = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

async function open(bytes: Uint8Array, { length = 10_000, max = 2 ** 30 } = {}): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(decompress(pieces(bytes, length), max)))
}

/** A skippable frame (RFC 8878, 3.1.2) of four bytes. */
const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4])

describe('every way to compress', () => {
  it.each<[string, Buffer]>([
    ['not at all', plain],
    ['gzip', gzipSync(plain)],
    ['gzip in several members', Buffer.concat([gzipSync(plain.subarray(0, 9)), gzipSync(plain.subarray(9))])],
    ['zstd', zstdCompressSync(plain)],
    [
      'zstd in several frames, some to be skipped',
      Buffer.concat([
        skippable,
        zstdCompressSync(plain.subarray(0, 500_000)),
        skippable,
        zstdCompressSync(plain.subarray(500_000)),
        skippable,
      ]),
    ],
  ])('is read: %s', async (_, bytes) => {
    expect((await open(bytes)).equals(plain)).toBe(true)
    expect((await open(bytes.subarray(0), { length: 7 * 1024 + 1 })).equals(plain)).toBe(true)
  })

  it('zstd frames are found however the bytes are cut', async () => {
    const frames = [Buffer.from('a'), Buffer.alloc(300_000, 'b'), Buffer.alloc(0), randomBytes(1000)]
    const bytes = Buffer.concat(frames.flatMap((frame) => [zstdCompressSync(frame), skippable]))
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2000 }), async (length) => {
        expect((await open(bytes, { length })).equals(Buffer.concat(frames))).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  describeWithClients(['xz', 'zstd'], 'as the programs write it', () => {
    it.each([
      ['xz', ['xz', '-c']],
      ['xz with CRC-32, as createrepo_c', ['xz', '-c', '-C', 'crc32']],
      ['xz in blocks by several threads', ['xz', '-c', '-T2', '--block-size=200000']],
      ['zstd with a checksum', ['zstd', '-c', '-19', '--check']],
      ['zstd without a size', ['zstd', '-c', '--no-content-size']],
    ])('is read: %s', async (_, [program = '', ...args]) => {
      const bytes = execFileSync(program, args, { input: plain, maxBuffer: 2 ** 27 })
      expect((await open(bytes)).equals(plain)).toBe(true)
    })
  })
})

describe('what cannot be read', () => {
  it.each<[string, Buffer, string]>([
    ['gzip that is cut off', gzipSync(plain).subarray(0, -100), 'BROKEN_COMPRESSION'],
    ['gzip with a wrong checksum', damaged(gzipSync(plain), -6), 'BROKEN_COMPRESSION'],
    ['zstd that is cut off', zstdCompressSync(plain).subarray(0, -100), 'BROKEN_COMPRESSION'],
    ['zstd that is cut off behind a frame header', zstdCompressSync(plain).subarray(0, 6), 'BROKEN_COMPRESSION'],
    [
      'rubbish behind a zstd frame',
      Buffer.concat([zstdCompressSync(plain), Buffer.from('rubbish')]),
      'BROKEN_COMPRESSION',
    ],
    ['xz that is cut off', Buffer.from('fd377a585a000004e6d6b446', 'hex'), 'BROKEN_COMPRESSION'],
    ['xz with SHA-256', Buffer.from('fd377a585a00000ae1fb0ca1', 'hex'), 'UNKNOWN_COMPRESSION'],
    ['zchunk', Buffer.from('\0ZCK1 and so on'), 'UNKNOWN_COMPRESSION'],
  ])('is refused: %s', async (_, bytes, code) => {
    await expect(open(bytes)).rejects.toMatchObject({ name: 'DocumentError', code })
  })

  it('is refused as soon as it gives more bytes than it may: a bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    await expect(open(bomb, { max: 1_000_000 })).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })

  it('is no broken document where the source fails: the fault comes out as it is', async () => {
    const fault = new Error('connection lost')
    async function* torn(): AsyncGenerator<Uint8Array> {
      yield gzipSync(plain).subarray(0, 1000)
      throw fault
    }
    await expect(Array.fromAsync(decompress(torn(), 2 ** 30))).rejects.toBe(fault)
  })
})

it('the first bytes say which way it is, not the name', () => {
  expect(detectCompression(Buffer.from('BZh91AY'))).toBe('bzip2')
  expect(detectCompression(Buffer.from('<?xml '))).toBe('none')
})

function damaged(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  const index = copy.length + at
  copy[index] = (copy[index] ?? 0) ^ 0xff
  return copy
}
