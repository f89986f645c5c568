import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { DocumentError, decompress } from '../src/index.ts'

/** Three lines of XML, by bzip2 -1. */
const small = Buffer.from(
  'QlpoMTFBWSZTWdfB4+0AAAjZgAAQAACABT6KVAAgAFCmAABFKfqjRozUjBp2x4enLTTY2NDsY6HDgHY6bGDY2200xDI/i7kinChIa+Dx9oA=',
  'base64',
)
const smallText = '<metadata><package>bear</package></metadata>\n'.repeat(3)
/** 45,000,000 zeros in 50 bytes: nearly the most that one block can stand for. */
const bomb = Buffer.from('QlpoOTFBWSZTWckBtsgBWKtAIMAAEAAACCAAMMwFKaZSSFJsVJIUni7kinChIZIDbZA=', 'base64')
const empty = Buffer.from('QlpoORdyRThQkAAAAAA=', 'base64')

async function* pieces(bytes: Uint8Array, length = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

async function open(bytes: Uint8Array, length?: number): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(decompress(pieces(bytes, length), 2 ** 30)))
}

/** Python has the same library as bzip2, and takes the data at one go. */
function compress(bytes: Uint8Array, level: number): Buffer {
  const program = `import bz2,sys; sys.stdout.buffer.write(bz2.compress(sys.stdin.buffer.read(), ${level}))`
  return execFileSync('/usr/bin/python3', ['-c', program], { input: bytes, maxBuffer: 2 ** 27 })
}

describe('bzip2', () => {
  it('is read, alone and several streams one behind the other, empty ones too, however it is cut', async () => {
    const several = Buffer.concat([small, empty, small, small, empty])
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), async (length) => {
        expect((await open(small, length)).toString()).toBe(smallText)
        expect((await open(several, length)).toString()).toBe(smallText.repeat(3))
        expect((await open(empty, length)).length).toBe(0)
      }),
      { numRuns: 50 },
    )
  })

  it('gives the right text or is refused, and is never read without end, when any byte of it is another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(small.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const damaged = Buffer.from(small)
        damaged[at] = (damaged[at] ?? 0) ^ mask
        const text = await open(damaged).then(String, (error: unknown) => error)
        if (text instanceof DocumentError) expect(text.code).toBe('BROKEN_COMPRESSION')
        // Without its magic number it is taken for plain. Code lengths of symbols that do not occur mean nothing.
        else if (at > 2) expect(text).toBe(smallText)
      }),
      { numRuns: 800 },
    )
  })

  it.each([
    ['a block', 10],
    ['the whole', small.length - 4],
  ])('is refused where the checksum of %s is wrong', async (_, at) => {
    const damaged = Buffer.from(small)
    damaged[at] = (damaged[at] ?? 0) ^ 0x10
    await expect(open(damaged)).rejects.toMatchObject({ message: expect.stringContaining('checksum') })
  })

  it('is refused, and soon, where a run is so long that its length overflows: other decoders never end', async () => {
    for (const digits of [20, 31, 32, 33, 64, 500]) {
      await expect(open(endlessRun(digits))).rejects.toMatchObject({ code: 'BROKEN_COMPRESSION' })
    }
  })

  it('is refused wherever it is cut off', async () => {
    for (let length = 4; length < small.length; length += 1) {
      await expect(open(small.subarray(0, length))).rejects.toMatchObject({ code: 'BROKEN_COMPRESSION' })
    }
  })

  it('is refused where something else follows', async () => {
    const followed = Buffer.concat([small, Buffer.from('rubbish')])
    await expect(open(followed)).rejects.toMatchObject({ code: 'BROKEN_COMPRESSION' })
  })

  it('gives a block in pieces, so that a bomb is stopped after its bound', async () => {
    const bombs = Buffer.concat(Array.from({ length: 20 }, () => bomb))
    let read = 0
    let longest = 0
    const reading = async (): Promise<void> => {
      for await (const piece of decompress(pieces(bombs), 10_000_000)) {
        read += piece.length
        longest = Math.max(longest, piece.length)
      }
    }
    await expect(reading()).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(read).toBeGreaterThan(9_000_000)
    expect(longest).toBeLessThanOrEqual(2 ** 18)
  })

  it('asks its source for no more than it needs for the next block', async () => {
    let asked = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      const many = Buffer.concat(Array.from({ length: 1000 }, () => small))
      while (true) {
        asked += many.length
        yield many
      }
    }
    for await (const _ of decompress(endless(), 2 ** 30)) break
    expect(asked).toBeLessThan(6_000_000)
  })

  describeWithClients(['python3-rpm'], 'as the library writes it', () => {
    it.each<[string, Buffer, number]>([
      ['text of several blocks', Buffer.from('It is a long way to the end. '.repeat(20_000) + smallText), 1],
      ['bytes that do not compress', randomBytes(350_000), 1],
      ['bytes that do not compress, in the largest block', randomBytes(950_000), 9],
      ['runs of every length', Buffer.concat(Array.from({ length: 700 }, (_, n) => Buffer.alloc(n, n % 3))), 1],
      ['two bytes in turn', Buffer.from('ab'.repeat(120_000)), 1],
      ['one byte', Buffer.from('x'), 9],
      ['a run over the end of a block', Buffer.concat([randomBytes(99_900), Buffer.alloc(500, 7)]), 1],
    ])('is read: %s', async (_, plain, level) => {
      expect((await open(compress(plain, level), 70_001)).equals(plain)).toBe(true)
    })
  })
})

/** A block of one run, whose length has so many binary digits, each of them RUNB. */
function endlessRun(digits: number): Buffer {
  const groups = Math.ceil((digits + 1) / 50)
  const bits = [
    '0'.repeat(32), // checksum
    '0', // not randomised
    '0'.repeat(24), // where it begins
    `1${'0'.repeat(15)}`, // one range of bytes
    `01${'0'.repeat(14)}`, // one byte
    '010', // two Huffman tables
    groups.toString(2).padStart(15, '0'),
    '0'.repeat(groups), // all selectors are the first table
    // RUNA has one bit, RUNB and the end two.
    ...Array.from({ length: 2 }, () => '00001 0 10 0 0'.replaceAll(' ', '')),
    '10'.repeat(digits),
    '11',
  ].join('')
  const bytes = bits.match(/.{1,8}/g)?.map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2)) ?? []
  return Buffer.concat([Buffer.from('BZh9'), Buffer.from('314159265359', 'hex'), Buffer.from(bytes), Buffer.alloc(20)])
}
