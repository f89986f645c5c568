/**
 * What has to be known of an entry that is not parsed: who it is, and which file it stands for.
 */
import { DocumentError } from './document-error.ts'
import { type DocumentKind, rpmNamespace } from './document-kind.ts'
import { type ChecksumType, type PkgId, parseChecksumType, parsePkgId } from './identity.ts'
import type { ScannedEntry } from './scan.ts'
import { parseStartTag, resolveReferences, type StartTag } from './start-tag.ts'
import { parseXmlTree, textOfElement } from './xml-tree.ts'

/** Of a primary entry. */
export interface PrimaryFacts {
  readonly pkgid: PkgId
  readonly checksumType: ChecksumType
  /** As written, references resolved; not checked, not normalised. */
  readonly href: string
  /** `xml:base` of the location: the package lies elsewhere, not below the repository's root. */
  readonly base?: string
  readonly name: string
  readonly epoch: string
  readonly version: string
  readonly release: string
  readonly arch: string
  /** Bytes of the file and its modification time in seconds since 1970; `undefined` where the entry does not say. */
  readonly size: number | undefined
  readonly modified: number | undefined
}

/**
 * @throws DocumentError `BROKEN_XML` or `UNEXPECTED_CONTENT` where the entry has no usable checksum, name or location
 */
export function readPrimaryFacts(entry: ScannedEntry): PrimaryFacts {
  const found = entry.plain ? findPlain(entry.bytes) : findParsed(entry.bytes)
  const where = found.location?.get('href') ?? found.name ?? '(no name)'
  const missing = (what: string): DocumentError =>
    new DocumentError('UNEXPECTED_CONTENT', `primary: the entry of ${JSON.stringify(where)} has no ${what}`)

  const checksumType = parseChecksumType(found.checksum?.get('type') ?? '')
  if (checksumType === undefined) throw missing('checksum of a known type')
  const pkgid = parsePkgId((found.checksumText ?? '').trim(), checksumType)
  if (pkgid === undefined) throw missing(`${checksumType} checksum of the right length`)
  const href = found.location?.get('href')
  if (href === undefined || href === '') throw missing('location')
  if (found.name === undefined) throw missing('name')
  const base = found.location?.get('xml:base')
  return {
    pkgid,
    checksumType,
    href,
    ...(base === undefined || base === '' ? {} : { base }),
    name: found.name,
    epoch: found.version?.get('epoch') || '0',
    version: found.version?.get('ver') ?? '',
    release: found.version?.get('rel') ?? '',
    arch: found.arch ?? '',
    size: wholeNumber(found.size?.get('package')),
    modified: wholeNumber(found.time?.get('file')),
  }
}

/** The pkgid of an entry of filelists or other, lower case. */
export function readPkgId(kind: Exclude<DocumentKind, 'primary'>, entry: ScannedEntry): string {
  const pkgid = tagAt(entry.bytes, 0).attributes.get('pkgid')
  if (pkgid === undefined || !/^[0-9A-Fa-f]{32,128}$/.test(pkgid)) {
    const start = JSON.stringify(entry.bytes.toString('utf8', 0, 80))
    throw new DocumentError('UNEXPECTED_CONTENT', `${kind}: an entry without a usable pkgid: ${start}`)
  }
  return pkgid.toLowerCase()
}

type Attributes = ReadonlyMap<string, string>

/** The elements that matter, wherever they stand in the entry; the first of each. */
interface Found {
  name?: string | undefined
  arch?: string | undefined
  version?: Attributes | undefined
  checksum?: Attributes | undefined
  checksumText?: string | undefined
  time?: Attributes | undefined
  size?: Attributes | undefined
  location?: Attributes | undefined
}

/** In an entry without comments and CDATA every `<` is a tag's, so that a search finds the elements. */
function findPlain(bytes: Buffer): Found {
  return {
    name: textOf(bytes, '<name'),
    arch: textOf(bytes, '<arch'),
    version: attributesOf(bytes, '<version'),
    checksum: attributesOf(bytes, '<checksum'),
    checksumText: textOf(bytes, '<checksum'),
    time: attributesOf(bytes, '<time'),
    size: attributesOf(bytes, '<size'),
    location: attributesOf(bytes, '<location'),
  }
}

function attributesOf(bytes: Buffer, mark: string): Attributes | undefined {
  const at = findTag(bytes, mark)
  return at === -1 ? undefined : tagAt(bytes, at).attributes
}

/** The text up to the next tag. */
function textOf(bytes: Buffer, mark: string): string | undefined {
  const at = findTag(bytes, mark)
  if (at === -1) return undefined
  const close = bytes.indexOf('>', at)
  if (bytes[close - 1] === slash) return ''
  const end = bytes.indexOf('<', close)
  if (close === -1 || end === -1) return undefined
  return resolveReferences(bytes.toString('utf8', close + 1, end))
}

function findTag(bytes: Buffer, mark: string): number {
  let at = bytes.indexOf(mark)
  while (at !== -1) {
    const next = bytes[at + mark.length]
    if (next === 0x20 || next === 0x3e || next === slash || next === 0x0a || next === 0x09 || next === 0x0d) return at
    at = bytes.indexOf(mark, at + mark.length)
  }
  return -1
}

const slash = 0x2f
/** A start tag of one of these elements longer than this is refused: no href comes near. */
const startTagBytesMax = 64 * 1024

/** Only the tag's own bytes become text: what is kept of it must not keep the rest of the entry. */
function tagAt(bytes: Buffer, at: number): StartTag {
  const end = Math.min(bytes.length, at + startTagBytesMax)
  let quote = 0
  for (let next = at; next < end; next += 1) {
    const byte = bytes[next]
    if (quote !== 0) quote = byte === quote ? 0 : quote
    else if (byte === 0x22 || byte === 0x27) quote = byte
    else if (byte === 0x3e) return parseStartTag(bytes.subarray(at, next + 1))
  }
  return parseStartTag(bytes.subarray(at, end))
}

/** An entry with comments, CDATA or the like goes through a real parser. */
function findParsed(bytes: Buffer): Found {
  const found: Found = {}
  for (const child of parseXmlTree(bytes, 'an entry of primary', { rpm: rpmNamespace }).children) {
    if (typeof child === 'string') continue
    const { name, attributes } = child
    if (name === 'name') found.name ??= textOfElement(child)
    else if (name === 'arch') found.arch ??= textOfElement(child)
    else if (name === 'version') found.version ??= attributes
    else if (name === 'checksum') {
      found.checksum ??= attributes
      found.checksumText ??= textOfElement(child)
    } else if (name === 'time') found.time ??= attributes
    else if (name === 'size') found.size ??= attributes
    else if (name === 'location') found.location ??= attributes
  }
  return found
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}
