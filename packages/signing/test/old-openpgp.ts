/** OpenPGP as it was written around 2000, which no tool of today writes: signatures of version 3, over keys and over packages. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { writeArmor } from '../src/armor.ts'
import { integerBytes, number32, packetBytes } from '../src/byte-writer.ts'
import { hashedKey } from '../src/public-key.ts'

export interface OldKey {
  readonly keyId: string
  readonly armored: string
  /** A version 3 signature packet of type 0. */
  readonly sign: (bytes: Uint8Array, hash: 'MD5' | 'SHA1' | 'SHA256', seconds: number) => Uint8Array
}

export function makeOldKey(userId: string, createdSeconds: number): OldKey {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const body = publicKeyBody(publicKey, createdSeconds)
  const keyId = createHash('sha1').update(hashedKey(body)).digest().subarray(-8)
  const make = (type: number, parts: readonly Uint8Array[], hash: keyof typeof hashNumbers, seconds: number) =>
    version3(type, parts, { hash, seconds, keyId, privateKey })
  const user = Buffer.from(userId)
  const certification = make(0x10, [hashedKey(body), user], 'SHA1', createdSeconds)
  const packets = Buffer.concat([packetBytes(6, body), packetBytes(13, user), certification])
  return {
    keyId: keyId.toString('hex'),
    armored: writeArmor('PUBLIC KEY BLOCK', packets),
    sign: (bytes, hash, seconds) => make(0x00, [bytes], hash, seconds),
  }
}

const hashNumbers = { MD5: 1, SHA1: 2, SHA256: 8 } as const

function version3(
  type: number,
  parts: readonly Uint8Array[],
  by: { hash: keyof typeof hashNumbers; seconds: number; keyId: Uint8Array; privateKey: KeyObject },
): Uint8Array {
  const trailer = Buffer.concat([Uint8Array.of(type), number32(by.seconds)])
  const message = Buffer.concat([...parts, trailer])
  const digest = createHash(by.hash).update(message).digest()
  const signature = sign(by.hash, message, by.privateKey)
  return packetBytes(
    2,
    Buffer.concat([
      Uint8Array.of(3, trailer.length),
      trailer,
      by.keyId,
      Uint8Array.of(1, hashNumbers[by.hash]),
      digest.subarray(0, 2),
      integerBytes(signature),
    ]),
  )
}

function publicKeyBody(key: KeyObject, createdSeconds: number): Uint8Array {
  const { n = '', e = '' } = key.export({ format: 'jwk' })
  const numbers = [n, e].map((number) => integerBytes(Buffer.from(number, 'base64url')))
  return Buffer.concat([Uint8Array.of(4), number32(createdSeconds), Uint8Array.of(1), ...numbers])
}
