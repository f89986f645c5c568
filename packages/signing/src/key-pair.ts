import { createHash, generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { PublicKeyAlgorithm } from './algorithms.ts'
import { integerBytes, number16, number32 } from './byte-writer.ts'
import { ed25519ObjectId, hashedKey } from './public-key.ts'

export type KeyPairKind = 'rsa4096' | 'ed25519'

/** A key pair as OpenPGP writes it, and what signs with it. */
export interface KeyPair {
  readonly algorithm: number
  /** Bodies of packets. The secret one is not protected. */
  readonly publicBody: Uint8Array
  readonly secretBody: Uint8Array
  /** The numbers of a signature whose hashed bytes are these, with SHA-256. */
  readonly sign: (hashed: Uint8Array) => Uint8Array
}

/** @param created seconds since 1970 */
export async function makeKeyPair(kind: KeyPairKind, created: number): Promise<KeyPair> {
  return kind === 'rsa4096' ? makeRsa(created) : makeEd25519(created)
}

async function makeRsa(created: number): Promise<KeyPair> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 4096 })
  const { n, e, d, p, q, qi } = numbersOf(privateKey)
  const algorithm = PublicKeyAlgorithm.rsa
  const publicBody = publicBodyOf(algorithm, created, integerBytes(n), integerBytes(e))
  return {
    ...{ algorithm, publicBody },
    // OpenPGP wants the inverse of its first prime, and node:crypto has that of its second: so they change places.
    secretBody: secretBodyOf(publicBody, [d, q, p, qi]),
    sign: (hashed) => integerBytes(sign('sha256', hashed, privateKey)),
  }
}

async function makeEd25519(created: number): Promise<KeyPair> {
  const { privateKey } = await promisify(generateKeyPair)('ed25519')
  const { x, d } = numbersOf(privateKey)
  const algorithm = PublicKeyAlgorithm.eddsa
  const curve = Buffer.from(ed25519ObjectId, 'hex')
  const point = integerBytes(Buffer.concat([Uint8Array.of(0x40), x]))
  const publicBody = publicBodyOf(algorithm, created, Uint8Array.of(curve.length), curve, point)
  return {
    ...{ algorithm, publicBody },
    secretBody: secretBodyOf(publicBody, [d]),
    sign: (hashed) => {
      const signature = sign(null, createHash('sha256').update(hashed).digest(), privateKey)
      return Buffer.concat([integerBytes(signature.subarray(0, 32)), integerBytes(signature.subarray(32))])
    },
  }
}

function publicBodyOf(algorithm: number, created: number, ...material: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Uint8Array.of(4), number32(created), Uint8Array.of(algorithm), ...material])
}

/** RFC 9580 5.5.3: nothing protects the numbers; their sum says whether they are whole. */
function secretBodyOf(publicBody: Uint8Array, numbers: readonly Uint8Array[]): Buffer {
  const material = Buffer.concat(numbers.map(integerBytes))
  const sum = material.reduce((total, byte) => (total + byte) & 0xffff, 0)
  return Buffer.concat([publicBody, Uint8Array.of(0), material, number16(sum)])
}

type NumberName = 'n' | 'e' | 'd' | 'p' | 'q' | 'qi' | 'x'

function numbersOf(key: KeyObject): Record<NumberName, Buffer> {
  const { n, e, d, p, q, qi, x } = key.export({ format: 'jwk' })
  const bytes = (text = '') => Buffer.from(text, 'base64url')
  return { n: bytes(n), e: bytes(e), d: bytes(d), p: bytes(p), q: bytes(q), qi: bytes(qi), x: bytes(x) }
}

/** What a key says about itself: its own signature over its own packets. */
export interface Statement {
  readonly type: number
  /** Seconds since 1970. */
  readonly created: number
  /** What is signed, in front of what the signature says itself. */
  readonly over: readonly Uint8Array[]
  readonly subpackets: readonly { readonly kind: number; readonly data: readonly number[] | Uint8Array }[]
}

/**
 * The body of a version 4 signature packet. None of its subpackets is marked as critical: rpm up to 4.18 refuses a key where one is that it
 * does not use itself, the key's expiry among them.
 */
export function selfSignature({ algorithm, publicBody, sign: signWith }: KeyPair, statement: Statement): Buffer {
  const { type, created, over, subpackets } = statement
  const fingerprint = createHash('sha1').update(hashedKey(publicBody)).digest()
  const hashedSubpackets = [
    { kind: 33, data: Buffer.concat([Uint8Array.of(4), fingerprint]) },
    { kind: 2, data: number32(created) },
    ...subpackets,
  ].map(subpacket)
  const issuer = subpacket({ kind: 16, data: fingerprint.subarray(-8) })
  const front = Uint8Array.of(4, type, algorithm, sha256)
  const hashed = Buffer.concat([front, withLength(Buffer.concat(hashedSubpackets))])
  const signed = Buffer.concat([...over, hashed, Uint8Array.of(4, 0xff), number32(hashed.length)])
  const digestStart = createHash('sha256').update(signed).digest().subarray(0, 2)
  return Buffer.concat([hashed, withLength(issuer), digestStart, signWith(signed)])
}

const sha256 = 8

function subpacket({ kind, data }: Statement['subpackets'][number]): Buffer {
  return Buffer.concat([Uint8Array.of(1 + data.length, kind), Uint8Array.from(data)])
}

function withLength(bytes: Uint8Array): Buffer {
  return Buffer.concat([number16(bytes.length), bytes])
}
