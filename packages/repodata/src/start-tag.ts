/**
 * One start tag, read from its bytes: for the few tags that are looked at without parsing a document.
 */
import { DocumentError } from './document-error.ts'

export interface StartTag {
  /** With its prefix, as written. */
  readonly name: string
  /** Values as a parser gives them: white space folded, references resolved. Names as written. */
  readonly attributes: ReadonlyMap<string, string>
}

/**
 * @param bytes from `<` on; what follows the tag's `>` is ignored
 * @throws DocumentError `BROKEN_XML` where this is no tag, or an attribute stands twice or has no value
 */
export function parseStartTag(bytes: Uint8Array): StartTag {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  const name = /^<([^\t\n\r />"'=<]+)/.exec(text)?.[1]
  if (name === undefined) throw broken(text)
  const attributes = new Map<string, string>()
  let at = name.length + 1
  while (true) {
    attributePattern.lastIndex = at
    const match = attributePattern.exec(text)
    if (match === null) break
    const key = match[1] ?? ''
    if (attributes.has(key)) throw broken(text)
    attributes.set(key, resolveReferences(foldWhiteSpace(match[2] ?? match[3] ?? '')))
    at = attributePattern.lastIndex
  }
  if (!/^[\t\n\r ]*\/?>/.test(text.slice(at))) throw broken(text)
  return { name, attributes }
}

/** What a parser makes of line ends (XML 1.0, 2.11), before references are resolved. */
export function foldLineEnds(text: string): string {
  return text.includes('\r') ? text.replaceAll(/\r\n?/g, '\n') : text
}

/** In an attribute, each line end or tab is a space (XML 1.0, 3.3.3). */
function foldWhiteSpace(value: string): string {
  return /[\t\n\r]/.test(value) ? value.replaceAll(/\r\n|[\t\n\r]/g, ' ') : value
}

/** Resolves the five predefined entities and character references. An entity that is not known stays as it is written. */
export function resolveReferences(text: string): string {
  if (!text.includes('&')) return text
  return text.replaceAll(/&(?:#([0-9]{1,8})|#x([0-9A-Fa-f]{1,6})|([a-z]+));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return predefined[name] ?? whole
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}

/** White space is XML's own (production 3): to JavaScript a byte order mark is some, too, which XML allows in names. */
const attributePattern = /[\t\n\r ]+([^\t\n\r />"'=<]+)[\t\n\r ]*=[\t\n\r ]*(?:"([^"<]*)"|'([^'<]*)')/y
const predefined: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function broken(text: string): DocumentError {
  return new DocumentError('BROKEN_XML', `not a start tag: ${JSON.stringify(text.slice(0, 80))}`)
}
