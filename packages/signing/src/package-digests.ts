import { createHash, type Hash } from 'node:crypto'
import { type Header, SignatureTag, Tag } from '@repokeeper/rpm-parser'
import { hexOf } from './byte-reader.ts'
import { type Coverage, isVersion6 } from './package-signatures.ts'

export interface DigestFinding {
  /** rpm's name of its tag. */
  readonly tag: string
  readonly algorithm: string
  readonly covers: Coverage
  /** unchecked: it is over the payload, which was not read. */
  readonly status: 'ok' | 'bad' | 'unchecked'
  readonly sentence: string
}

/** A digest that stands in a package, on the way to be compared. */
export class DigestCheck {
  readonly #digest: FoundDigest
  readonly #hash: Hash

  constructor(digest: FoundDigest) {
    this.#digest = digest
    this.#hash = createHash(digest.hash)
  }

  get covers(): Coverage {
    return this.#digest.covers
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes)
  }

  unchecked(): DigestFinding {
    return this.#finding('unchecked', 'not compared: the payload was not read')
  }

  /** To be called once, behind the last of the bytes. */
  settle(): DigestFinding {
    const found = this.#hash.digest('hex')
    const { expected } = this.#digest
    if (expected.includes(found)) return this.#finding('ok', 'as promised')
    return this.#finding('bad', `${expected.join(' or ') || 'nothing that is a digest'} is promised, ${found} is found`)
  }

  #finding(status: DigestFinding['status'], sentence: string): DigestFinding {
    const { tag, algorithm, covers } = this.#digest
    return { tag, algorithm, covers, status, sentence }
  }
}

interface FoundDigest {
  readonly tag: string
  readonly algorithm: string
  /** As node:crypto calls it. */
  readonly hash: string
  readonly covers: Coverage
  /** In lower case; any of them will do. */
  readonly expected: readonly string[]
}

/**
 * The digests of a package (lib/rpmvs.cc `rpmvfyitems`): of the header in the signature header, of header and payload likewise, of the
 * payload in the main header, by which a signature of the header is one of the payload, too. What rpm does not know is passed over.
 *
 * A payload may have two digests of one algorithm, as it was built and as it lies there now; one of them has to be right
 * (`getAlt`). An algorithm's own tag (5093) is not asked, as rpm does not ask it: it is SHA-256.
 */
export function findDigests(signature: Header, header: Header): readonly FoundDigest[] {
  return [...signatureDigests(signature), ...payloadDigests(header)]
}

/** Whether the header says what the payload has to be. */
export function hasPayloadDigest(header: Header): boolean {
  return payloadDigests(header).some(({ expected }) => expected.length > 0)
}

function signatureDigests(signature: Header): FoundDigest[] {
  const rows = [
    { tag: 'SHA3_256', algorithm: 'SHA3-256', hash: 'sha3-256', number: SignatureTag.SHA3_256 },
    { tag: 'SHA256', algorithm: 'SHA256', hash: 'sha256', number: SignatureTag.SHA256 },
    { tag: 'SHA1', algorithm: 'SHA1', hash: 'sha1', number: SignatureTag.SHA1 },
  ]
  const ofHeader = rows
    .filter(({ number }) => signature.has(number))
    .map(({ number, ...row }): FoundDigest => {
      return { ...row, covers: 'header', expected: hexTexts([signature.string(number) ?? '']) }
    })
  if (!signature.has(SignatureTag.MD5) || isVersion6(signature)) return ofHeader
  const md5 = hexOf(signature.bytes(SignatureTag.MD5) ?? new Uint8Array())
  return [...ofHeader, { tag: 'MD5', algorithm: 'MD5', hash: 'md5', covers: 'header and payload', expected: [md5] }]
}

function payloadDigests(header: Header): FoundDigest[] {
  const rows = [
    { tag: 'PAYLOADSHA256', algorithm: 'SHA256', hash: 'sha256', tags: [Tag.PAYLOADSHA256, Tag.PAYLOADSHA256ALT] },
    { tag: 'PAYLOADSHA512', algorithm: 'SHA512', hash: 'sha512', tags: [Tag.PAYLOADSHA512, Tag.PAYLOADSHA512ALT] },
    {
      tag: 'PAYLOADSHA3_256',
      algorithm: 'SHA3-256',
      hash: 'sha3-256',
      tags: [Tag.PAYLOADSHA3_256, Tag.PAYLOADSHA3_256ALT],
    },
  ]
  return rows.flatMap(({ tags: [main, alternative], ...row }): FoundDigest[] => {
    if (main === undefined || !header.has(main)) return []
    const texts = [main, alternative].flatMap((tag) => (tag === undefined ? [] : textsOf(header, tag)))
    return [{ ...row, covers: 'payload', expected: hexTexts(texts) }]
  })
}

/** There is one of each; the tag is an array only because a payload might once come in parts. */
const textsMax = 16

function textsOf(header: Header, tag: number): readonly string[] {
  return header.count(tag) > textsMax ? [] : header.strings(tag)
}

/** In either case, as rpm compares them. */
function hexTexts(texts: readonly string[]): readonly string[] {
  return texts.filter((text) => /^[0-9a-f]{40,128}$/i.test(text)).map((text) => text.toLowerCase())
}
