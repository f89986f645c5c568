import { hexOf } from './byte-reader.ts'
import { OpenPgpError } from './openpgp-error.ts'
import { type Packet, PacketTag } from './packets.ts'
import { hashedKey, type PublicKey, parsePublicKey } from './public-key.ts'
import { isGoodSignature } from './signature-check.ts'
import { type OpenPgpSignature, parseSignature, SignatureType } from './signature-packet.ts'

/** A primary key or a subkey, with what the primary key has signed about it. */
export interface CertifiedKey extends PublicKey {
  readonly isPrimary: boolean
  readonly primaryFingerprint: string
  /** The first user id of the primary key. */
  readonly userId: string
  /** Seconds since 1970; `undefined`: never. Of a subkey that of its primary key counts, too. */
  readonly expires: number | undefined
  readonly revocation: Revocation | undefined
  /** Why its signatures count for nothing: it may not sign, or does not belong to its primary key. */
  readonly unusable: string | undefined
}

export interface Revocation {
  /**
   * Seconds since 1970: signatures made before may be believed. 0 where the reason is that somebody else has the key, or none is told:
   * then those that it made before cannot be told from those of the thief, who writes into them what time he likes (RFC 9580 5.2.3.31).
   */
  readonly since: number
  readonly reason: string
}

/** The packets of one certificate: its primary key, and what follows. Of several copies of it one behind the other. */
export type CertificatePackets = readonly [Packet, ...Packet[]]

/** More signatures of others over a key than this nobody needs to read: each costs time. */
const selfSignaturesMax = 200

/**
 * What a certificate says about its keys, as of its latest signatures over itself. By which digest they were made does not matter:
 * who put the certificate into the keyring vouches for it, and they only say what it may do and until when. Signatures of others
 * are not looked at.
 *
 * Subkeys have to be bound as rpm wants it since CVE-2021-3521: by a signature of the primary key that says they sign, and by one of
 * their own.
 *
 * @throws OpenPgpError where the primary key cannot be read
 */
export function readCertificate([primaryPacket, ...packets]: CertificatePackets): readonly [
  CertifiedKey,
  ...CertifiedKey[],
] {
  const key = parsePublicKey(primaryPacket.body)
  const sections = sectionsOf(packets, key)
  const primary = certifyPrimary(key, sections)
  const subkeys = sections
    .filter(({ packet }) => packet?.tag === PacketTag.publicSubkey)
    .flatMap((section) => certifySubkey(primary, section) ?? [])
  return [primary, ...subkeys]
}

/** A packet and the signatures of the primary key that follow it; without a packet: those over the primary key itself. */
interface Section {
  readonly packet: Packet | undefined
  readonly signatures: OpenPgpSignature[]
}

/**
 * Unreadable signatures, which may be of others, and packets that mean nothing here are passed over. What stands there twice, because
 * two files had the same certificate, is one.
 */
function sectionsOf(packets: readonly Packet[], { keyId }: PublicKey): readonly Section[] {
  let section: Section = { packet: undefined, signatures: [] }
  const sections = new Map([['', section]])
  for (const packet of packets) {
    if (packet.tag === PacketTag.signature) {
      const signature = orUndefined(() => parseSignature(packet.body))
      if (signature?.issuer === keyId && section.signatures.length < selfSignaturesMax)
        section.signatures.push(signature)
    } else if (startsSection.has(packet.tag)) {
      const name = `${packet.tag} ${hexOf(packet.body)}`
      section = sections.get(name) ?? { packet, signatures: [] }
      sections.set(name, section)
    } else if (packet.tag === PacketTag.publicKey) {
      section = sections.get('') ?? section
    }
  }
  return [...sections.values()]
}

const startsSection: ReadonlySet<number> = new Set([PacketTag.userId, PacketTag.userAttribute, PacketTag.publicSubkey])

function certifyPrimary(key: PublicKey, sections: readonly Section[]): CertifiedKey {
  const [direct] = sections
  const users = sections.filter(({ packet }) => packet?.tag === PacketTag.userId)
  // RFC 9580 10.1.1: in version 6 a user id's signature says nothing about the key.
  const telling = key.version === 6 ? sections.slice(0, 1) : sections
  const selfSignatures = telling.flatMap(({ packet, signatures }) =>
    signatures.filter((signature) => isSelfSignature(signature, key, packet)),
  )
  const latest = latestOf(selfSignatures)
  const revocations = (direct?.signatures ?? []).filter(
    (signature) =>
      signature.type === SignatureType.keyRevocation && isGoodSignature(signature, key, hashedKey(key.body)),
  )
  return {
    ...key,
    isPrimary: true,
    primaryFingerprint: key.fingerprint,
    userId: textOf(users[0]?.packet),
    expires: expiryOf(key, latest),
    revocation: revocationOf(revocations),
    unusable: whyNot(key, latest, 'it does not vouch for a user id of its own'),
  }
}

function certifySubkey(primary: CertifiedKey, { packet, signatures }: Section): CertifiedKey | undefined {
  const key = packet && orUndefined(() => parsePublicKey(packet.body))
  if (key === undefined) return undefined
  const bound = [hashedKey(primary.body), hashedKey(key.body)]
  const ofType = (type: number) =>
    signatures.filter((signature) => signature.type === type && isGoodSignature(signature, primary, ...bound))
  const binding = latestOf(ofType(SignatureType.subkeyBinding))
  const consents = binding !== undefined && hasConsented(binding, key, bound)
  return {
    ...key,
    isPrimary: false,
    primaryFingerprint: primary.fingerprint,
    userId: primary.userId,
    expires: first([primary.expires, expiryOf(key, binding)]),
    revocation: earliest([primary.revocation, revocationOf(ofType(SignatureType.subkeyRevocation))]),
    unusable:
      whyNot(key, binding, 'its primary key does not vouch for it') ??
      (consents ? undefined : 'it does not say itself that it belongs to its primary key'),
  }
}

function isSelfSignature(signature: OpenPgpSignature, key: PublicKey, packet: Packet | undefined): boolean {
  if (packet === undefined) {
    return signature.type === SignatureType.directKey && isGoodSignature(signature, key, hashedKey(key.body))
  }
  if (packet.tag !== PacketTag.userId) return false
  const { type } = signature
  if (type < SignatureType.certificationFirst || type > SignatureType.certificationLast) return false
  const user = signature.version === 3 ? [packet.body] : [userFront(packet.body), packet.body]
  return isGoodSignature(signature, key, hashedKey(key.body), ...user)
}

/** RFC 9580 5.2.4: from version 4 on the user id's length is hashed, too. */
function userFront(body: Uint8Array): Uint8Array {
  const front = Buffer.alloc(5, 0xb4)
  front.writeUInt32BE(body.length, 1)
  return front
}

function hasConsented({ aboutKey }: OpenPgpSignature, key: PublicKey, bound: readonly Uint8Array[]): boolean {
  const { embedded } = aboutKey
  const consent = embedded && orUndefined(() => parseSignature(embedded))
  return consent?.type === SignatureType.primaryKeyBinding && isGoodSignature(consent, key, ...bound)
}

/** Of two of the same second the one that stands last. */
function latestOf(signatures: readonly OpenPgpSignature[]): OpenPgpSignature | undefined {
  return signatures.reduce<OpenPgpSignature | undefined>(
    (latest, signature) => (latest === undefined || signature.created >= latest.created ? signature : latest),
    undefined,
  )
}

/** What vouches for a key may end before the key does. */
function expiryOf({ created }: PublicKey, signature: OpenPgpSignature | undefined): number | undefined {
  const after = signature?.aboutKey.expiresAfter
  return first([after === undefined ? undefined : created + after, signature?.expires])
}

function first(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

const maySign = 0x02

/** What keys are that only certify others or encrypt. */
export const notForSigning = 'it may not sign'

/**
 * Keys of PGP and of the first years of gpg have no flags: their primary keys sign. A subkey has to say so
 * (rpm `pgpPrtParamsSubkeys`).
 */
function whyNot(key: PublicKey, signature: OpenPgpSignature | undefined, unbound: string): string | undefined {
  const unknown = key.verifier === undefined ? `its signatures (${key.kind}) are not verified here` : undefined
  if (signature === undefined) return unknown ?? unbound
  const flags = signature.aboutKey.flags ?? (signature.type === SignatureType.subkeyBinding ? 0 : maySign)
  return (flags & maySign) === 0 ? notForSigning : unknown
}

/** RFC 9580 5.2.3.31: after these a key's earlier signatures stay what they are. */
const harmless: ReadonlyMap<number, string> = new Map([
  [1, 'another one took its place'],
  [3, 'it was retired'],
])

function revocationOf(signatures: readonly OpenPgpSignature[]): Revocation | undefined {
  const revocations = signatures.map(({ created, aboutKey }): Revocation => {
    const reason = harmless.get(aboutKey.revocationReason ?? 0)
    if (reason !== undefined) return { since: created, reason }
    return { since: 0, reason: aboutKey.revocationReason === 2 ? 'somebody else may have it' : 'no reason is told' }
  })
  return earliest(revocations)
}

function earliest(revocations: readonly (Revocation | undefined)[]): Revocation | undefined {
  return revocations.filter((one) => one !== undefined).toSorted((a, b) => a.since - b.since)[0]
}

function textOf(packet: Packet | undefined): string {
  return packet === undefined ? '' : new TextDecoder().decode(packet.body)
}

function orUndefined<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof OpenPgpError)) throw error
    return undefined
  }
}
