/**
 * What has to be known of an entry that is not parsed: who it is, and which file it stands for.
 */
import { DocumentError } from './document-error.ts'
import { type DocumentKind, rpmNamespace } from './document-kind.ts'
import { type ChecksumType, type PkgId, parseChecksumType, parsePkgId } from './identity.ts'
import type { ScannedEntry } from './scan.ts'
import { foldLineEnds, parseStartTag, resolveReferences, type StartTag } from './start-tag.ts'
import { endsName, tagEnd } from './tag-bytes.ts'
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
  const pkgid = tagAt(entry.bytes, 0, tagEnd(entry.bytes, 0)).attributes.get('pkgid')
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

/**
 * In an entry without comments and CDATA every `<` is a tag's: from tag to tag, until all is found. What stands deeper is passed
 * over, or an element inside `<format>` could speak for the package.
 */
function findPlain(bytes: Buffer): Found {
  const found: Found = {}
  let missing: number = childNames.length
  let depth = 0
  let at = 0
  while (at !== -1 && missing > 0) {
    const end = tagEnd(bytes, at)
    if (end === -1) break
    if (bytes[at + 1] === slash) depth -= 1
    else {
      if (depth === 1 && noteChild(found, bytes, at, end)) missing -= 1
      if (bytes[end - 2] !== slash) depth += 1
    }
    if (depth === 0) break
    at = bytes.indexOf(lessThan, end)
  }
  return found
}

/** Whether it is one of the elements that matter, and the first of its name. */
function noteChild(found: Found, bytes: Buffer, at: number, end: number): boolean {
  const name = childNames.find((one) => isNamed(bytes, at, one))
  if (name === undefined || found[name] !== undefined) return false
  if (name === 'name' || name === 'arch') found[name] = textBehind(bytes, end)
  else found[name] = tagAt(bytes, at, end).attributes
  if (name === 'checksum') found.checksumText = textBehind(bytes, end)
  return true
}

const childNames = ['name', 'arch', 'version', 'checksum', 'time', 'size', 'location'] as const

/** Whether the tag that begins at `at` has this name, of ASCII alone. */
function isNamed(bytes: Buffer, at: number, name: string): boolean {
  for (let index = 0; index < name.length; index += 1)
    if (bytes[at + 1 + index] !== name.charCodeAt(index)) return false
  return endsName(bytes[at + 1 + name.length])
}

/** All text of the element whose start tag ends at `end`, that of elements within it too. */
function textBehind(bytes: Buffer, end: number): string {
  let text = ''
  let depth = bytes[end - 2] === slash ? 0 : 1
  let at = end
  while (depth > 0) {
    const next = bytes.indexOf(lessThan, at)
    const nextEnd = next === -1 ? -1 : tagEnd(bytes, next)
    if (nextEnd === -1) break
    text += resolveReferences(foldLineEnds(bytes.toString('utf8', at, next)))
    if (bytes[next + 1] === slash) depth -= 1
    else if (bytes[nextEnd - 2] !== slash) depth += 1
    at = nextEnd
  }
  return text
}

const lessThan = 0x3c
const slash = 0x2f
/** A start tag of one of these elements longer than this is refused: no href comes near. */
const startTagBytesMax = 64 * 1024

/** Only the tag's own bytes become text: what is kept of it must not keep the rest of the entry. */
function tagAt(bytes: Buffer, at: number, end: number): StartTag {
  return parseStartTag(bytes.subarray(at, Math.min(end, at + startTagBytesMax)))
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
