import { type Header, SignatureTag } from '@repokeeper/rpm-parser'
import { OpenPgpError } from './openpgp-error.ts'
import { type OpenPgpSignature, readSignature, signatureBytesMax } from './signature-packet.ts'

/** What of a package a signature or a digest is over: the main header with its magic, all that follows it, or both. */
export type Coverage = 'header' | 'payload' | 'header and payload'

/** A signature that stands in a package. */
export interface FoundSignature {
  /** rpm's name of its tag. */
  readonly tag: 'OPENPGP' | 'RSA' | 'DSA' | 'PGP' | 'GPG'
  readonly covers: 'header' | 'header and payload'
  readonly content:
    | { readonly kind: 'read'; readonly signature: OpenPgpSignature }
    | { readonly kind: 'malformed' | 'unsupported'; readonly reason: string }
}

/** Nobody has more, and each costs a verification. */
const openPgpSignaturesMax = 16

/**
 * The signatures of a package (lib/rpmvs.cc `rpmvfyitems`). Before rpm 4 they were over header and payload, since then over the header, too,
 * and v6 packages hold several over the header. The tag says what rpm took the key for: RSA, or anything else; the signature says itself.
 */
export function findSignatures(signature: Header): readonly FoundSignature[] {
  return [...openPgpSignatures(signature), ...places.flatMap((place) => findAt(signature, place))]
}

interface Place extends Pick<FoundSignature, 'tag' | 'covers'> {
  readonly number: number
  /** In v6 packages these numbers have no meaning. */
  readonly isLegacy: boolean
}

const places: readonly Place[] = [
  { tag: 'RSA', number: SignatureTag.RSA, covers: 'header', isLegacy: false },
  { tag: 'DSA', number: SignatureTag.DSA, covers: 'header', isLegacy: false },
  { tag: 'PGP', number: SignatureTag.PGP, covers: 'header and payload', isLegacy: true },
  { tag: 'GPG', number: SignatureTag.GPG, covers: 'header and payload', isLegacy: true },
]

/** How rpm tells a v6 package by its signature header (lib/rpmvs.cc `rpmvsInit`): then legacy tags are passed over. */
export function isVersion6(signature: Header): boolean {
  return signature.has(SignatureTag.RESERVED) && signature.has(SignatureTag.SHA3_256)
}

function findAt(signature: Header, { tag, number, covers, isLegacy }: Place): FoundSignature[] {
  if (!signature.has(number) || (isLegacy && isVersion6(signature))) return []
  const bytes = signature.bytes(number)
  return [{ tag, covers, content: bytes === undefined ? malformed('it is no binary data') : read(bytes) }]
}

function openPgpSignatures(signature: Header): FoundSignature[] {
  const found = (content: FoundSignature['content']): FoundSignature => ({ tag: 'OPENPGP', covers: 'header', content })
  const count = signature.count(SignatureTag.OPENPGP)
  if (count > openPgpSignaturesMax) {
    return [found(malformed(`there are ${count} of them; ${openPgpSignaturesMax} are read at most`))]
  }
  return signature.stringArrayBytes(SignatureTag.OPENPGP).map((text) => found(readBase64(text)))
}

function readBase64(text: Uint8Array): FoundSignature['content'] {
  if (text.length > 2 * signatureBytesMax) return malformed(`it has ${text.length} characters`)
  const base64 = Buffer.from(text).toString('latin1').replaceAll(/\s/g, '')
  return /^[A-Za-z0-9+/]+={0,2}$/.test(base64) ? read(Buffer.from(base64, 'base64')) : malformed('it is no base64')
}

function read(bytes: Uint8Array): FoundSignature['content'] {
  try {
    return { kind: 'read', signature: readSignature(bytes) }
  } catch (error) {
    if (!(error instanceof OpenPgpError)) throw error
    return { kind: error.code === 'MALFORMED' ? 'malformed' : 'unsupported', reason: error.message }
  }
}

function malformed(reason: string): FoundSignature['content'] {
  return { kind: 'malformed', reason }
}
