/** Packages with another signature header than they were signed with. */
import { type Header, parsePackage, SignatureTag } from '@repokeeper/rpm-parser'
import { binary, encodeHeader, string, strings, type TagValue } from '@repokeeper/rpm-parser/testing'

/** Main header and payload of a package. */
export function bodyOf(bytes: Uint8Array): { readonly header: Uint8Array; readonly payload: Uint8Array } {
  const { start, end } = parsePackage(bytes).headerRange
  return { header: bytes.subarray(start, end), payload: bytes.subarray(end) }
}

/** The package with a signature header of the kept tags and those that are added. */
export function withSignatureTags(
  bytes: Uint8Array,
  keep: (tag: number) => boolean,
  ...added: readonly TagValue[]
): Uint8Array {
  const { signature, headerRange } = parsePackage(bytes)
  const kept = [...signature.entries()].filter(({ tag }) => keep(tag)).flatMap(({ tag }) => copyOf(signature, tag))
  const header = encodeHeader([...kept, ...added], SignatureTag.HEADERSIGNATURES)
  const padding = new Uint8Array((8 - (header.length % 8)) % 8)
  const parts = [bytes.subarray(0, 96), header, padding, bytes.subarray(headerRange.start)]
  return Uint8Array.from(Buffer.concat(parts))
}

/** The signature packets of a tag, as they stand there. */
export function signatureBytes(bytes: Uint8Array, tag: number): Uint8Array {
  const found = parsePackage(bytes).signature.bytes(tag)
  if (found === undefined) throw new Error(`the package has no signature tag ${tag}`)
  return found
}

/** v6 packages hold their signatures as base64. */
export function openPgpTag(...signatures: readonly Uint8Array[]): TagValue {
  return strings(
    SignatureTag.OPENPGP,
    signatures.map((signature) => Buffer.from(signature).toString('base64')),
  )
}

/** With one bit of a byte turned. */
export function turned(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))
}

/** Digests and binary data are all that is copied here; sizes nobody asks for. */
function copyOf(signature: Header, tag: number): TagValue[] {
  const bytes = signature.bytes(tag)
  if (bytes !== undefined) return [binary(tag, bytes)]
  const text = signature.string(tag)
  return text === undefined ? [] : [string(tag, text)]
}
