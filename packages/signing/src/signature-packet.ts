import { hashAlgorithms, PublicKeyAlgorithm } from './algorithms.ts'
import { ByteReader, hexOf } from './byte-reader.ts'
import { OpenPgpError } from './openpgp-error.ts'
import { PacketTag, readPackets } from './packets.ts'

/** What a signature packet says. Nothing of it is proved until a SignatureCheck has. */
export interface OpenPgpSignature {
  readonly version: 3 | 4 | 6
  readonly type: number
  readonly publicKeyAlgorithm: number
  readonly hashAlgorithm: number
  /** Seconds since 1970, as all times here. */
  readonly created: number
  /** When the signature itself ends to hold. */
  readonly expires: number | undefined
  /** 16 hexadecimal digits; `undefined` where it does not say whose it is. */
  readonly issuer: string | undefined
  /** What is hashed before and behind the signed bytes. Only version 6 has a salt. */
  readonly salt: Uint8Array
  readonly trailer: Uint8Array
  /** The first two bytes of the digest, by which a damaged package shows without any key. */
  readonly digestStart: Uint8Array
  /** The numbers of the signature; none of an algorithm that is not known here. */
  readonly numbers: readonly Uint8Array[]
  /** Of a key's signature over itself. Only what is signed, too, is here. */
  readonly aboutKey: {
    /** Seconds from the key's creation; absent: it does not expire. */
    readonly expiresAfter?: number
    readonly flags?: number
    readonly revocationReason?: number
    /** A signing subkey's own consent, a signature packet's body. */
    readonly embedded?: Uint8Array
  }
}

export const SignatureType = {
  binary: 0x00,
  certificationFirst: 0x10,
  certificationLast: 0x13,
  subkeyBinding: 0x18,
  primaryKeyBinding: 0x19,
  directKey: 0x1f,
  keyRevocation: 0x20,
  subkeyRevocation: 0x28,
} as const

/** rpm's RPM_MAX_OPENPGP_BYTES: longer ones no rpm reads. */
export const signatureBytesMax = 65_535

/**
 * Reads exactly one signature packet and nothing behind it, as rpm does (rpmio/rpmpgp_internal.c `pgpPrtParams`). Linear in the
 * bytes, of which there are `signatureBytesMax` at most.
 *
 * @throws OpenPgpError
 */
export function readSignature(bytes: Uint8Array): OpenPgpSignature {
  if (bytes.length > signatureBytesMax) {
    throw new OpenPgpError('MALFORMED', `it has ${bytes.length} bytes; signatures have ${signatureBytesMax} at most`)
  }
  const [packet] = readPackets(bytes, 1)
  if (packet === undefined) throw new OpenPgpError('MALFORMED', 'it is empty')
  if (packet.tag !== PacketTag.signature) {
    throw new OpenPgpError('MALFORMED', `it is a packet of kind ${packet.tag}, and a signature is of kind 2`)
  }
  return parseSignature(packet.body)
}

/**
 * @param body of a signature packet
 * @throws OpenPgpError
 */
export function parseSignature(body: Uint8Array): OpenPgpSignature {
  const reader = new ByteReader(body)
  const version = reader.number(1)
  if (version === 3) return parseVersion3(reader)
  if (version === 4 || version === 6) return parseVersion4Or6(version, reader, body)
  throw new OpenPgpError('UNSUPPORTED', `it is of version ${version}; 3, 4 and 6 are read`)
}

/** RFC 4880 5.2.2: what packages of the years around 2000 have, and what many signing tools made until 2023. */
function parseVersion3(reader: ByteReader): OpenPgpSignature {
  const hashedLength = reader.number(1)
  if (hashedLength !== 5)
    throw new OpenPgpError('MALFORMED', `it says that ${hashedLength} bytes of it are hashed, not 5`)
  const trailer = reader.take(hashedLength)
  const hashed = new ByteReader(trailer)
  const type = hashed.number(1)
  const created = hashed.number(4)
  const issuer = hexOf(reader.take(8))
  const publicKeyAlgorithm = reader.number(1)
  const hashAlgorithm = reader.number(1)
  return {
    ...{
      version: 3,
      type,
      publicKeyAlgorithm,
      hashAlgorithm,
      created,
      expires: undefined,
      issuer,
      salt: noSalt,
      trailer,
    },
    digestStart: reader.take(2),
    numbers: readNumbers(reader, publicKeyAlgorithm),
    aboutKey: {},
  }
}

const noSalt = new Uint8Array()

/** RFC 9580 5.2.3. In version 6 lengths are longer, and a salt is hashed first. */
function parseVersion4Or6(version: 4 | 6, reader: ByteReader, body: Uint8Array): OpenPgpSignature {
  const lengthWidth = version === 4 ? 2 : 4
  const type = reader.number(1)
  const publicKeyAlgorithm = reader.number(1)
  const hashAlgorithm = reader.number(1)
  const hashed = readSubpackets(reader.take(reader.number(lengthWidth)))
  const hashedEnd = reader.position
  const unhashed = readSubpackets(reader.take(reader.number(lengthWidth)))
  const created = numberIn(only(hashed, Subpacket.created))
  if (created === undefined) throw new OpenPgpError('MALFORMED', 'it does not say when it was made')
  const expiresAfter = numberIn(only(hashed, Subpacket.expires))
  const trailer = Buffer.alloc(hashedEnd + 6)
  trailer.set(body.subarray(0, hashedEnd))
  trailer.set([version, 0xff], hashedEnd)
  trailer.writeUInt32BE(hashedEnd, hashedEnd + 2)
  return {
    ...{ version, type, publicKeyAlgorithm, hashAlgorithm, created },
    expires: expiresAfter === undefined || expiresAfter === 0 ? undefined : created + expiresAfter,
    issuer: issuerIn(hashed) ?? issuerIn(unhashed),
    trailer,
    digestStart: reader.take(2),
    salt: version === 6 ? readSalt(reader, hashAlgorithm) : noSalt,
    numbers: readNumbers(reader, publicKeyAlgorithm),
    aboutKey: aboutKeyIn(hashed, unhashed),
  }
}

/** RFC 9580 5.2.3: its length follows from the digest; another one would let a thief choose what is hashed. */
function readSalt(reader: ByteReader, hashAlgorithm: number): Uint8Array {
  const salt = reader.take(reader.number(1))
  const expected = hashAlgorithms.get(hashAlgorithm)?.saltBytes
  if (expected !== undefined && salt.length !== expected) {
    throw new OpenPgpError('MALFORMED', `its salt has ${salt.length} bytes, not ${expected}`)
  }
  return salt
}

const Subpacket = {
  created: 2,
  expires: 3,
  keyExpires: 9,
  issuer: 16,
  notation: 20,
  keyFlags: 27,
  revocationReason: 29,
  embedded: 32,
  issuerFingerprint: 33,
} as const

/** Those that may be marked as critical: they are read here, or say nothing about whether a signature holds. */
const understood: ReadonlySet<number> = new Set([
  ...[2, 3, 4, 7, 9, 11, 16, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 32, 33, 34, 35, 39],
])

interface SubpacketText {
  readonly kind: number
  readonly data: Uint8Array
}

function readSubpackets(bytes: Uint8Array): SubpacketText[] {
  const reader = new ByteReader(bytes)
  const subpackets: SubpacketText[] = []
  while (reader.remaining > 0) {
    const content = new ByteReader(reader.take(subpacketLength(reader)))
    const first = content.number(1)
    const kind = first & 0x7f
    const isCritical = (first & 0x80) !== 0
    if (isCritical && !understood.has(kind)) {
      throw new OpenPgpError('UNSUPPORTED', `it must not be believed by who does not know its subpacket ${kind}`)
    }
    subpackets.push({ kind, data: content.take(content.remaining) })
  }
  return subpackets
}

/** Like the length of a packet, but that every first byte from 192 to 254 begins one of two. */
function subpacketLength(reader: ByteReader): number {
  const first = reader.number(1)
  if (first < 192) return first
  return first < 255 ? (first - 192) * 256 + reader.number(1) + 192 : reader.number(4)
}

/** The one subpacket of a kind. Two of them would let each reader believe another one. */
function only(subpackets: readonly SubpacketText[], kind: number): Uint8Array | undefined {
  const [first, second] = subpackets.filter((subpacket) => subpacket.kind === kind)
  if (second !== undefined) throw new OpenPgpError('MALFORMED', `it has the subpacket ${kind} twice`)
  return first?.data
}

function numberIn(data: Uint8Array | undefined): number | undefined {
  if (data === undefined) return undefined
  const reader = new ByteReader(data)
  const number = reader.number(4)
  reader.end()
  return number
}

/** The key id is at the end of a fingerprint of version 4, and at the beginning of one of version 6. */
function issuerIn(subpackets: readonly SubpacketText[]): string | undefined {
  for (const { kind, data } of subpackets) {
    if (kind === Subpacket.issuer && data.length === 8) return hexOf(data)
    if (kind !== Subpacket.issuerFingerprint) continue
    if (data[0] === 4 && data.length === 21) return hexOf(data.subarray(-8))
    if (data[0] === 6 && data.length === 33) return hexOf(data.subarray(1, 9))
  }
  return undefined
}

function aboutKeyIn(
  hashed: readonly SubpacketText[],
  unhashed: readonly SubpacketText[],
): OpenPgpSignature['aboutKey'] {
  const expiresAfter = numberIn(only(hashed, Subpacket.keyExpires))
  const flags = only(hashed, Subpacket.keyFlags)
  const revocationReason = hashed.find(({ kind }) => kind === Subpacket.revocationReason)?.data[0]
  // It proves itself, so that gpg leaves it unhashed.
  const embedded = [...hashed, ...unhashed].find(({ kind }) => kind === Subpacket.embedded)?.data
  return {
    ...(expiresAfter === undefined || expiresAfter === 0 ? {} : { expiresAfter }),
    ...(flags === undefined ? {} : { flags: flags[0] ?? 0 }),
    ...(revocationReason === undefined ? {} : { revocationReason }),
    ...(embedded === undefined ? {} : { embedded }),
  }
}

const integersOf: ReadonlyMap<number, number> = new Map([
  [PublicKeyAlgorithm.rsa, 1],
  [PublicKeyAlgorithm.rsaSignOnly, 1],
  [PublicKeyAlgorithm.dsa, 2],
  [PublicKeyAlgorithm.ecdsa, 2],
  [PublicKeyAlgorithm.eddsa, 2],
])

const ed25519SignatureBytes = 64

function readNumbers(reader: ByteReader, algorithm: number): Uint8Array[] {
  const count = integersOf.get(algorithm)
  if (count === undefined && algorithm !== PublicKeyAlgorithm.ed25519) return []
  const numbers =
    count === undefined ? [reader.take(ed25519SignatureBytes)] : Array.from({ length: count }, () => reader.integer())
  reader.end()
  return numbers
}
