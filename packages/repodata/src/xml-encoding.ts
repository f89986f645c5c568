/**
 * From the bytes of an XML document to its text: byte order marks, declarations, and what others still write.
 */
import { DocumentError } from './document-error.ts'

/**
 * The name of the encoding, in lower case: by the first bytes, else by the declaration, else UTF-8 (XML 1.0, appendix F).
 *
 * @param first at least four bytes, and the XML declaration where there is one
 */
export function findEncoding(first: Uint8Array): string {
  const hex = Buffer.from(first.subarray(0, 4)).toString('hex')
  const marked = marks.find(([mark]) => mark.test(hex))?.[1]
  if (marked !== undefined) return marked
  const start = Buffer.from(first.subarray(0, declarationBytesMax)).toString('latin1')
  return declared.exec(start)?.[1]?.toLowerCase() ?? 'utf-8'
}

/** UTF-8, or a part of it. */
export function isUtf8Name(encoding: string): boolean {
  return /^(?:utf-?8|us-ascii|ascii)$/.test(encoding)
}

/** Turns bytes into text, piece by piece. */
export interface XmlDecoder {
  /** @throws DocumentError `BROKEN_XML` where the bytes are not of the encoding */
  decode(bytes: Uint8Array): string
  /** What is left; throws where the document ends inside a character. */
  end(): string
}

/**
 * @param first as `findEncoding` wants it; is not decoded yet
 * @param what what the document is, for the error
 * @throws DocumentError `NOT_PATCHABLE` for an encoding that is not known here
 */
export function openXmlDecoder(first: Uint8Array, what: string): XmlDecoder {
  const encoding = findEncoding(first)
  if (latin1.test(encoding)) {
    return {
      decode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'),
      end: () => '',
    }
  }
  const decoder = openTextDecoder(encoding, what)
  let decoded = 0
  const decode = (bytes: Uint8Array, stream: boolean): string => {
    try {
      const text = decoder.decode(bytes, { stream })
      decoded += bytes.length
      return text
    } catch (cause) {
      const where = bytes.length === 0 ? 'at its end' : `between the bytes ${decoded} and ${decoded + bytes.length}`
      throw new DocumentError('BROKEN_XML', `${what} holds bytes that are not ${encoding}, ${where}`, { cause })
    }
  }
  return { decode: (bytes) => decode(bytes, true), end: () => decode(new Uint8Array(0), false) }
}

/**
 * The text of a document that comes in pieces. The declaration names the encoding: it must be there as a whole before anything is decoded.
 *
 * @param what what the document is, for the error
 * @throws DocumentError like `openXmlDecoder` and its decoder
 */
export async function* decodeXml(chunks: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<string> {
  let decoder: XmlDecoder | undefined
  let first: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (decoder !== undefined) {
      yield decoder.decode(chunk)
      continue
    }
    first = Buffer.concat([first, chunk])
    if (first.length < declarationBytesMax) continue
    decoder = openXmlDecoder(first, what)
    yield decoder.decode(first)
  }
  if (decoder === undefined) {
    decoder = openXmlDecoder(first, what)
    yield decoder.decode(first)
  }
  yield decoder.end()
}

const marks: readonly (readonly [RegExp, string])[] = [
  [/^efbbbf/, 'utf-8'],
  [/^(?:0000feff|fffe0000|0000003c|3c000000)/, 'utf-32'],
  [/^(?:feff|003c00)/, 'utf-16be'],
  [/^(?:fffe|3c00..00)/, 'utf-16le'],
]

/** The longest declaration that is looked for. */
const declarationBytesMax = 1024

const declared = /^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)["']/
/** A `TextDecoder` takes these names for windows-1252, where 0x80 to 0x9F mean something else. */
const latin1 = /^(?:iso[-_]?8859[-_]?1|latin-?1|l1)$/

function openTextDecoder(encoding: string, what: string): InstanceType<typeof TextDecoder> {
  const refuse = (why: string, cause?: unknown): DocumentError =>
    new DocumentError('NOT_PATCHABLE', `${what} is written in ${JSON.stringify(encoding)}, ${why}`, { cause })
  // The declaration could be read, so it is not.
  if (/^utf-?16$|^ucs-?[24]|^iso-10646-ucs/.test(encoding)) throw refuse('as it says, but its first bytes are not')
  const label = isUtf8Name(encoding) ? 'utf-8' : encoding
  let decoder: InstanceType<typeof TextDecoder>
  try {
    decoder = new TextDecoder(label, { fatal: true })
  } catch (cause) {
    throw refuse('which is not read here', cause)
  }
  // Likewise the names ISO-8859-9 and -11 are taken for what Windows made of them.
  if (label.startsWith('iso') && decoder.encoding.startsWith('windows')) throw refuse('which is not read here')
  return decoder
}
