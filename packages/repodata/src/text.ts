/**
 * Text as createrepo_c writes it: what an RPM header's bytes become in XML.
 */

import { isUtf8 } from 'node:buffer'

/** Text that can stand in XML, and what had to go to make it so. */
export interface CleanText {
  readonly text: string
  /** Control characters (or other characters that XML 1.0 cannot hold) were dropped. */
  readonly dropped: boolean
}

/**
 * A header string's bytes → text.
 *
 * Valid UTF-8 stays as it is. Otherwise the whole string is Latin-1 and the bytes 0x80 to 0xBF are dropped
 * (createrepo_c xml_dump.c `cr_latin1_to_utf8`). C0 controls other than tab, LF and CR are dropped; createrepo_c refuses
 * the whole package for them (`cr_Package_contains_forbidden_control_chars`).
 */
export function cleanText(bytes: Uint8Array): CleanText {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const latin1 = buffer.toString('latin1')
  if (plain.test(latin1)) return { text: latin1, dropped: false }
  const text = isUtf8(buffer) ? buffer.toString('utf8') : latin1.replaceAll(/[\u0080-\u00bf]/g, '')
  const clean = text.replaceAll(notXml, '')
  return { text: clean, dropped: clean.length !== text.length }
}

const plain = /^[\t\n\r\u0020-\u007e]*$/
/** XML 1.0, production 2 (Char), turned round; lone surrogates cannot come out of valid UTF-8. */
const notXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

/** One character a byte: what the rules compare, before any text is made of it. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** Element content. `>` is escaped too and CR is a reference, as libxml2 does (`xmlEscapeEntities`). */
export function escapeText(text: string): string {
  if (!/[&<>\r]/.test(text)) return text
  return text.replaceAll(/[&<>\r]/g, (character) => entities[character] ?? character)
}

/** The value of a double-quoted attribute; white space other than a space is a reference, or parsers would fold it. */
export function escapeAttribute(text: string): string {
  if (!/[&<>"\t\n\r]/.test(text)) return text
  return text.replaceAll(/[&<>"\t\n\r]/g, (character) => entities[character] ?? character)
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}
