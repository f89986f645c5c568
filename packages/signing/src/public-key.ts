import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { PublicKeyAlgorithm, publicKeyAlgorithmName } from './algorithms.ts'
import { ByteReader, hexOf, padded } from './byte-reader.ts'
import { derBits, derInteger, derObjectId, derSequence } from './der.ts'
import { OpenPgpError } from './openpgp-error.ts'

/** A public key, as its packet says it. */
export interface PublicKey {
  readonly version: 4 | 6
  readonly algorithm: number
  /** For people: `RSA 4096`, `Ed25519`. */
  readonly kind: string
  /** 40 hexadecimal digits, and the last 16 of them; in version 6 64 digits, and the first 16. */
  readonly fingerprint: string
  readonly keyId: string
  /** Seconds since 1970. */
  readonly created: number
  /** Why nobody should rely on it any more. */
  readonly weakness: string | undefined
  /** What a key's signatures over itself are made of. */
  readonly body: Uint8Array
  /** What verifies with it; `undefined` for keys that only encrypt, or of algorithms that are not known here. */
  readonly verifier: Verifier | undefined
}

export interface Verifier {
  readonly key: KeyObject
  /**
   * Of each number of a signature, how long it is where it stands: numbers are written without zeros in front. Several stand
   * one behind the other.
   */
  readonly numberBytes: number
  /** EdDSA signs the digest as if it were the message; the others sign what was hashed. */
  readonly signsDigest: boolean
}

/**
 * Reads the body of a public key packet (RFC 9580 5.5.2). Version 3, that of PGP 2, no rpm reads.
 *
 * @throws OpenPgpError
 */
export function parsePublicKey(body: Uint8Array): PublicKey {
  const reader = new ByteReader(body)
  const version = reader.number(1)
  if (version !== 4 && version !== 6) {
    throw new OpenPgpError('UNSUPPORTED', `it is of version ${version}; keys of version 4 and 6 are read`)
  }
  const created = reader.number(4)
  const algorithm = reader.number(1)
  const material = version === 4 ? reader : new ByteReader(reader.take(reader.number(4)))
  const fingerprint = createHash(version === 4 ? 'sha1' : 'sha256')
    .update(hashedKey(body))
    .digest('hex')
  const keyId = version === 4 ? fingerprint.slice(-16) : fingerprint.slice(0, 16)
  return { version, algorithm, created, fingerprint, keyId, body, ...readMaterial(algorithm, material) }
}

/** A key as it is hashed for its fingerprint and for signatures over it (RFC 9580 5.5.4). */
export function hashedKey(body: Uint8Array): Uint8Array {
  const isVersion6 = body[0] === 6
  const front = Buffer.alloc(isVersion6 ? 5 : 3, isVersion6 ? 0x9b : 0x99)
  front.writeUIntBE(body.length, 1, front.length - 1)
  return Buffer.concat([front, body])
}

type Material = Pick<PublicKey, 'kind' | 'weakness' | 'verifier'>

function readMaterial(algorithm: number, reader: ByteReader): Material {
  switch (algorithm) {
    case PublicKeyAlgorithm.rsa:
    case PublicKeyAlgorithm.rsaSignOnly:
      return readRsa(reader)
    case PublicKeyAlgorithm.dsa:
      return readDsa(reader)
    case PublicKeyAlgorithm.ecdsa:
      return readEcdsa(reader)
    case PublicKeyAlgorithm.eddsa:
      return readEddsa(reader)
    case PublicKeyAlgorithm.ed25519:
      return readEd25519(reader)
    default:
      return { kind: publicKeyAlgorithmName(algorithm), weakness: undefined, verifier: undefined }
  }
}

/** Below this a modulus can be factored with means that exist: NIST SP 800-131A, and openpgp.js and Sequoia draw the line there. */
const strongBits = 2048

function readRsa(reader: ByteReader): Material {
  const modulus = reader.integer()
  const exponent = reader.integer()
  reader.end()
  const key = publicKeyOf({ kty: 'RSA', n: base64Url(modulus), e: base64Url(exponent) })
  const bits = bitsOf(modulus)
  return {
    kind: `RSA ${bits}`,
    // A modulus of 2047 bits is what some generators call 2048.
    weakness: bits < strongBits - 1 ? `RSA keys of ${bits} bits are too short` : undefined,
    verifier: { key, numberBytes: modulus.length, signsDigest: false },
  }
}

function readDsa(reader: ByteReader): Material {
  const [prime, order, generator, value] = [reader.integer(), reader.integer(), reader.integer(), reader.integer()]
  reader.end()
  const parameters = derSequence(derInteger(prime), derInteger(order), derInteger(generator))
  const der = derSequence(derSequence(derObjectId(dsaObjectId), parameters), derBits(derInteger(value)))
  const bits = bitsOf(prime)
  return {
    kind: `DSA ${bits}`,
    weakness: bits < strongBits ? `DSA keys of ${bits} bits are too short` : undefined,
    verifier: { key: publicKeyOfDer(der), numberBytes: order.length, signsDigest: false },
  }
}

/** 1.2.840.10040.4.1 */
const dsaObjectId = '2a8648ce380401'

const curves: ReadonlyMap<string, { readonly crv: string; readonly bytes: number }> = new Map([
  ['2a8648ce3d030107', { crv: 'P-256', bytes: 32 }],
  ['2b81040022', { crv: 'P-384', bytes: 48 }],
  ['2b81040023', { crv: 'P-521', bytes: 66 }],
])

function readEcdsa(reader: ByteReader): Material {
  const curve = curves.get(hexOf(reader.take(reader.number(1))))
  if (curve === undefined) return { kind: 'ECDSA', weakness: undefined, verifier: undefined }
  const { crv, bytes } = curve
  const point = reader.integer()
  reader.end()
  if (point.length !== 1 + 2 * bytes || point[0] !== 4) throw new OpenPgpError('MALFORMED', `no point of ${crv}`)
  const [x, y] = [point.subarray(1, 1 + bytes), point.subarray(1 + bytes)]
  const key = publicKeyOf({ kty: 'EC', crv, x: base64Url(x), y: base64Url(y) })
  return { kind: `ECDSA ${crv}`, weakness: undefined, verifier: { key, numberBytes: bytes, signsDigest: false } }
}

/** 1.3.6.1.4.1.11591.15.1 */
export const ed25519ObjectId = '2b06010401da470f01'
const ed25519Bytes = 32

function readEddsa(reader: ByteReader): Material {
  const objectId = hexOf(reader.take(reader.number(1)))
  const point = reader.integer()
  reader.end()
  if (objectId !== ed25519ObjectId) return { kind: 'EdDSA', weakness: undefined, verifier: undefined }
  // 0x40 says that what follows is no number but the point in its own form.
  if (point.length !== 1 + ed25519Bytes || point[0] !== 0x40) throw new OpenPgpError('MALFORMED', 'no point of Ed25519')
  return ed25519(point.subarray(1))
}

function readEd25519(reader: ByteReader): Material {
  const point = reader.take(ed25519Bytes)
  reader.end()
  return ed25519(point)
}

function ed25519(point: Uint8Array): Material {
  const key = publicKeyOf({ kty: 'OKP', crv: 'Ed25519', x: base64Url(point) })
  return { kind: 'Ed25519', weakness: undefined, verifier: { key, numberBytes: ed25519Bytes, signsDigest: true } }
}

function publicKeyOf(key: Record<string, string>): KeyObject {
  return orMalformed(() => createPublicKey({ key, format: 'jwk' }))
}

function publicKeyOfDer(key: Buffer): KeyObject {
  return orMalformed(() => createPublicKey({ key, format: 'der', type: 'spki' }))
}

/** OpenSSL refuses points that are not on their curve, and numbers that cannot be. */
function orMalformed(make: () => KeyObject): KeyObject {
  try {
    return make()
  } catch {
    throw new OpenPgpError('MALFORMED', 'its numbers are no key')
  }
}

function bitsOf(integer: Uint8Array): number {
  const [first] = integer
  return first === undefined ? 0 : 8 * integer.length - Math.clz32(first) + 24
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

/** The numbers of a signature one behind the other; `undefined` where one is longer than the key allows. */
export function signatureOf(
  numbers: readonly Uint8Array[],
  { numberBytes, signsDigest }: Verifier,
): Uint8Array | undefined {
  const [only, second] = numbers
  if (signsDigest && second === undefined) return only
  const parts = numbers.map((number) => padded(number, numberBytes))
  return parts.includes(undefined) ? undefined : Buffer.concat(parts.filter((part) => part !== undefined))
}
