/** Signatures that somebody wrote to do harm: a verdict comes of each, and never that the package is signed. */
import { SignatureTag } from '@repokeeper/rpm-parser'
import { binary, strings } from '@repokeeper/rpm-parser/testing'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { readArmor } from '../src/armor.ts'
import { number32, packetBytes as packet } from '../src/byte-writer.ts'
import { type Keyring, makeKey, openKeySigner, type PackageVerdict, readKeyring, verifyPackage } from '../src/index.ts'
import { readSignature } from '../src/signature-packet.ts'
import { bodyOf, turned, withSignatureTags } from './change-package.ts'
import { plainPackage } from './signed-packages.ts'

const now = Date.UTC(2026, 0, 1)
let keyring: Keyring
/** A right signature of the package's header. */
let right: Uint8Array

beforeAll(async () => {
  const made = Date.UTC(2025, 0, 1)
  const key = await makeKey({ userId: 'x', kind: 'ed25519', now: made })
  const signer = await openKeySigner({ key: { text: key.revealPrivateKey() }, now: () => made })
  const armored = await signer.sign(bodyOf(plainPackage).header)
  right = readArmor(Buffer.from(armored).toString())[0]?.bytes ?? new Uint8Array()
  keyring = readKeyring([{ name: 'x', bytes: Buffer.from(key.publicKey) }], now)
})

const ofBytes = (bytes: Uint8Array, tag: number = SignatureTag.DSA): Promise<PackageVerdict> =>
  verifyPackage(
    withSignatureTags(plainPackage, () => true, binary(tag, bytes)),
    undefined,
    { keyring, now },
  )

test('the signature that is made to suffer is right', async () => {
  expect(await ofBytes(right)).toMatchObject({ kind: 'signed' })
})

describe('a verdict, and none that it is signed, comes of', () => {
  test('any bytes in place of a signature', async () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 })
    const property = fc.asyncProperty(bytes, fc.constantFrom(267, 268, 1002, 1005), async (data, tag) => {
      expect(await ofBytes(data, tag)).toMatchObject({ kind: 'refused', code: 'BAD_SIGNATURE' })
    })
    await fc.assert(property, { numRuns: 500 })
  })

  test('a signature of which anything that is signed, or that signs, is changed', async () => {
    const { trailer, digestStart, numbers } = readSignature(right)
    // Between them come subpackets that anybody may add, and lengths of numbers, of which some bits mean nothing.
    const signedEnd = 2 + trailer.length - 6
    const parts = [right.subarray(0, signedEnd), digestStart, ...numbers]
    const places = parts.flatMap((part) => Array.from(part, (_, index) => part.byteOffset - right.byteOffset + index))
    const property = fc.asyncProperty(fc.constantFrom(...places), async (at) => {
      expect(await ofBytes(turned(right, at))).toMatchObject({ kind: 'refused' })
    })
    await fc.assert(property, { numRuns: 400 })
  })

  test('a right signature that is cut, doubled, or followed by something', async () => {
    const property = fc.asyncProperty(fc.nat({ max: right.length - 1 }), async (at) => {
      for (const bytes of [right.subarray(0, Math.max(1, at)), Buffer.concat([right, right.subarray(at)])]) {
        expect(await ofBytes(bytes)).toMatchObject({ kind: 'refused', code: 'BAD_SIGNATURE' })
      }
    })
    await fc.assert(property, { numRuns: 100 })
  })

  const manySubpackets = Buffer.concat(Array.from({ length: 30_000 }, () => Uint8Array.of(1, 60)))
  const version4 = (hashed: Uint8Array, rest: Uint8Array = new Uint8Array()) =>
    packet(2, Buffer.concat([Uint8Array.of(4, 0, 22, 8, hashed.length >> 8, hashed.length & 0xff), hashed, rest]))
  const created = Uint8Array.of(5, 2, 0x60, 0, 0, 0)
  const nested = (depth: number): Uint8Array => {
    let inner: Uint8Array = Uint8Array.of(4, 0x19, 22, 8, 0, 0, 0, 0, 0, 0)
    for (let level = 0; level < depth && inner.length < 60_000; level += 1) {
      const front = Uint8Array.of(
        255,
        0,
        (inner.length + 1) >> 16,
        (inner.length + 1) >> 8,
        (inner.length + 1) & 0xff,
        32,
      )
      const hashed = Buffer.concat([created, front, inner])
      inner = Buffer.concat([
        Uint8Array.of(4, 0x19, 22, 8, hashed.length >> 8, hashed.length & 0xff),
        hashed,
        new Uint8Array(4),
      ])
    }
    return packet(2, inner)
  }

  test.each([
    ['a packet that says it has 4 GiB', () => Uint8Array.of(0xc2, 255, 255, 255, 255, 255, 4)],
    ['a packet in parts', () => Uint8Array.of(0xc2, 0xe1, 4, 0, 0xe1, 22, 8, 0)],
    ['a packet without a length', () => Uint8Array.of(0x8b, 4, 0, 22, 8)],
    ['a compressed packet', () => packet(8, Uint8Array.of(1, 0x4b, 4, 0))],
    ['a key', () => packet(6, right.subarray(3))],
    ['30,000 subpackets', () => version4(manySubpackets)],
    ['a subpacket that says it has 4 GiB', () => version4(Uint8Array.of(255, 255, 255, 255, 255, 2))],
    ['an empty subpacket', () => version4(Uint8Array.of(0))],
    ['two times', () => version4(Buffer.concat([created, created]), new Uint8Array(10))],
    ['a number of 65,535 bits that is not there', () => version4(created, Uint8Array.of(0, 0, 1, 2, 255, 255, 1))],
    ['a megabyte', () => Buffer.concat([right, new Uint8Array(2 ** 20)])],
    [
      'a number of a megabyte',
      () => {
        const body = Buffer.concat([
          version4(created, Uint8Array.of(0, 0, 1, 2, 255, 255)).subarray(3),
          new Uint8Array(2 ** 20),
        ])
        return Buffer.concat([Uint8Array.of(0xc2, 255), number32(body.length), body])
      },
    ],
    ['signatures one in the other', () => nested(5_000)],
  ])('%s', async (_, make) => {
    const verdict = await ofBytes(make())
    expect(verdict).toMatchObject({ kind: 'refused', code: 'BAD_SIGNATURE' })
    expect(verdict.kind === 'refused' && verdict.reason.length).toBeLessThan(300)
  })

  test('thousands of signatures', async () => {
    const many = Array.from({ length: 20_000 }, () => Buffer.from(right).toString('base64'))
    const bytes = withSignatureTags(plainPackage, () => true, strings(SignatureTag.OPENPGP, many))
    const verdict = await verifyPackage(bytes, undefined, { keyring, now })
    expect(verdict).toMatchObject({ kind: 'refused', reason: expect.stringContaining('there are 20000 of them') })
    expect(verdict.signatures).toHaveLength(1)
  })

  test('text that is no base64', async () => {
    for (const text of ['', ' ', '====', 'ä', 'A'.repeat(200_000)]) {
      const bytes = withSignatureTags(plainPackage, () => true, strings(SignatureTag.OPENPGP, [text]))
      expect(await verifyPackage(bytes, undefined, { keyring, now })).toMatchObject({ code: 'BAD_SIGNATURE' })
    }
  })

  test('what is no package', async () => {
    for (const bytes of [new Uint8Array(), plainPackage.subarray(0, 300), Buffer.from('<html>')]) {
      expect(await verifyPackage(bytes, undefined, { keyring, now })).toMatchObject({
        code: 'UNREADABLE',
        signatures: [],
      })
    }
  })
})
