/**
 * repomd.xml: the list of what a generation consists of.
 */
import { DocumentError } from './document-error.ts'
import { type DocumentKind, documentKinds, rpmNamespace } from './document-kind.ts'
import type { WrittenDocument } from './document-writer.ts'
import { type ChecksumType, parseChecksumType } from './identity.ts'
import { childrenNamed, formatXmlTree, localName, parseXmlTree, textOfElement, type XmlElement } from './xml-tree.ts'

const repoNamespace = 'http://linux.duke.edu/metadata/repo'

/** A `<data>`. */
export interface RepomdRecord {
  readonly type: string
  /** Relative to the repository's root, as written. */
  readonly href: string
  readonly base?: string
  readonly checksum?: { readonly type: ChecksumType; readonly hex: string }
  /** Bytes, compressed and open; `undefined` where the record does not say. */
  readonly size: number | undefined
  readonly openSize: number | undefined
  /** The record as it was written, to be carried over. */
  readonly element: XmlElement
}

export interface Repomd {
  readonly revision: string | undefined
  readonly records: readonly RepomdRecord[]
  /** What stands beside the records: `repoid`, `tags`, and whatever else. Not `revision`. */
  readonly others: readonly XmlElement[]
  /** Namespaces that the root declares beyond the usual two. */
  readonly namespaces: ReadonlyMap<string, string>
}

/** Of a repository that has no metadata yet. */
export const emptyRepomd: Repomd = { revision: undefined, records: [], others: [], namespaces: new Map() }

/**
 * @param bytes in whatever encoding it declares
 * @throws DocumentError `UNEXPECTED_CONTENT`, and what `parseXmlTree` throws
 */
export function parseRepomd(bytes: Uint8Array): Repomd {
  const root = parseXmlTree(bytes, 'repomd.xml')
  if (localName(root.name) !== 'repomd') {
    throw new DocumentError('UNEXPECTED_CONTENT', `repomd.xml has the root <${root.name}>, expected <repomd>`)
  }
  const children = withoutPrefix(root).children.filter((child) => typeof child !== 'string')
  const [revision] = childrenNamed(root, 'revision')
  return {
    revision: revision === undefined ? undefined : textOfElement(revision).trim(),
    records: children.filter(({ name }) => name === 'data').map(readRecord),
    others: children.filter(({ name }) => name !== 'data' && name !== 'revision'),
    namespaces: foreignNamespaces(root),
  }
}

/** The record of one of the three documents. @throws DocumentError where it stands twice */
export function recordOf(repomd: Repomd, type: string): RepomdRecord | undefined {
  const found = repomd.records.filter((record) => record.type === type)
  if (found.length > 1) throw new DocumentError('UNEXPECTED_CONTENT', `repomd.xml names ${type} ${found.length} times`)
  return found[0]
}

/** A document that was written, and where it lies below the root. */
export interface NamedDocument extends Omit<WrittenDocument, 'compression'> {
  readonly href: string
  /** Seconds since 1970. */
  readonly timestamp: number
}

export interface FormattedRepomd {
  readonly bytes: Buffer
  /** Types of the records that would have gone stale and were dropped. */
  readonly dropped: readonly string[]
}

/**
 * The next repomd.xml: the three documents new, everything else carried over from the old one.
 * Order: primary, filelists, other, then the rest by type (createrepo_c repomd.c `cr_repomd_sort_records`).
 */
export function formatRepomd(
  old: Repomd,
  revision: string,
  documents: Readonly<Record<DocumentKind, NamedDocument>>,
): FormattedRepomd {
  const foreign = old.records.filter(({ type }) => !isOurs(type))
  const kept = foreign.filter(({ type }) => !recordGoesStale(type)).toSorted((a, b) => compareText(a.type, b.type))
  const keptOthers = old.others.filter(({ name }) => name !== 'contenthash')
  const records = [
    ...documentKinds.map((kind) => documentRecord(documents[kind])),
    ...kept.map(({ element }) => element),
  ]
  return {
    bytes: formatRoot(old, revision, [...keptOthers, ...records]),
    dropped: [
      ...foreign.filter(({ type }) => recordGoesStale(type)).map(({ type }) => type),
      ...(keptOthers.length < old.others.length ? ['contenthash'] : []),
    ],
  }
}

/** The same once more, of another revision. */
export function renewRepomd(old: Repomd, revision: string): Buffer {
  return formatRoot(old, revision, [...old.others, ...old.records.map(({ element }) => element)])
}

function formatRoot({ namespaces }: Repomd, revision: string, children: readonly XmlElement[]): Buffer {
  const root: XmlElement = {
    name: 'repomd',
    attributes: new Map([['xmlns', repoNamespace], ['xmlns:rpm', rpmNamespace], ...namespaces]),
    children: [textElement('revision', revision), ...children],
  }
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${formatXmlTree(root)}\n`)
}

/**
 * The revision of the next generation: the time in seconds, but always more than the last one, so that no two
 * generations of a repository are the same bytes, whatever a clock does.
 */
export function nextRevision(old: Repomd, nowSeconds: number): string {
  const last = /^[0-9]{1,15}$/.test(old.revision ?? '') ? Number(old.revision) : 0
  return String(Math.max(nowSeconds, last + 1))
}

function isOurs(type: string): boolean {
  return (documentKinds as readonly string[]).includes(type)
}

/** Says again what the three documents say, so it would be wrong after any change: sqlite, zchunk, deltas. */
export function recordGoesStale(type: string): boolean {
  return /^(primary|filelists|other)_(db|zck)$|^filelists-ext(_zck)?$|^(prestodelta|deltainfo)$/.test(type)
}

function readRecord(element: XmlElement): RepomdRecord {
  const type = element.attributes.get('type') ?? ''
  const [location] = childrenNamed(element, 'location')
  const [checksum] = childrenNamed(element, 'checksum')
  const href = location?.attributes.get('href') ?? ''
  if (isOurs(type) && href === '') {
    throw new DocumentError('UNEXPECTED_CONTENT', `repomd.xml does not say where ${type} lies`)
  }
  const base = location?.attributes.get('xml:base')
  const checksumType = parseChecksumType(checksum?.attributes.get('type') ?? '')
  const hex = checksum === undefined ? '' : textOfElement(checksum).trim().toLowerCase()
  return {
    type,
    href,
    ...(base === undefined || base === '' ? {} : { base }),
    ...(checksumType === undefined || hex === '' ? {} : { checksum: { type: checksumType, hex } }),
    size: wholeNumber(element, 'size'),
    openSize: wholeNumber(element, 'open-size'),
    element,
  }
}

function wholeNumber(element: XmlElement, name: string): number | undefined {
  const [child] = childrenNamed(element, name)
  const text = child === undefined ? '' : textOfElement(child).trim()
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}

/** A document that is none of the three: comps, say. */
export interface ForeignDocument extends Pick<NamedDocument, 'href' | 'timestamp' | 'sha256' | 'size'> {
  readonly type: string
  /** Of the uncompressed bytes; absent where it is not compressed. */
  readonly open?: { readonly sha256: string; readonly size: number }
}

/** Its record. */
export function foreignRecord({ type, open, ...document }: ForeignDocument): RepomdRecord {
  return readRecord(documentRecord({ ...document, kind: type, openSha256: open?.sha256, openSize: open?.size }))
}

interface RecordValues extends Pick<NamedDocument, 'href' | 'timestamp' | 'sha256' | 'size'> {
  readonly kind: string
  readonly openSha256?: string | undefined
  readonly openSize?: number | undefined
}

/** misc: xml_dump_repomd.c `cr_xml_dump_repomd_record`. */
function documentRecord(document: RecordValues): XmlElement {
  return {
    name: 'data',
    attributes: new Map([['type', document.kind]]),
    children: [
      { ...textElement('checksum', document.sha256), attributes: new Map([['type', 'sha256']]) },
      ...(document.openSha256 === undefined
        ? []
        : [{ ...textElement('open-checksum', document.openSha256), attributes: new Map([['type', 'sha256']]) }]),
      { name: 'location', attributes: new Map([['href', document.href]]), children: [] },
      textElement('timestamp', String(document.timestamp)),
      textElement('size', String(document.size)),
      ...(document.openSize === undefined ? [] : [textElement('open-size', String(document.openSize))]),
    ],
  }
}

function textElement(name: string, text: string): XmlElement {
  return { name, attributes: new Map(), children: [text] }
}

/** A prefix that stands for repomd's own namespace is taken off: ours is the default one. */
function withoutPrefix(root: XmlElement): XmlElement {
  const prefixes = [...root.attributes]
    .filter(([name, value]) => name.startsWith('xmlns:') && value === repoNamespace)
    .map(([name]) => `${name.slice('xmlns:'.length)}:`)
  if (prefixes.length === 0) return root
  const strip = (element: XmlElement): XmlElement => {
    const prefix = prefixes.find((one) => element.name.startsWith(one)) ?? ''
    const children = element.children.map((child) => (typeof child === 'string' ? child : strip(child)))
    return { name: element.name.slice(prefix.length), attributes: element.attributes, children }
  }
  return strip(root)
}

function foreignNamespaces(root: XmlElement): Map<string, string> {
  return new Map(
    [...root.attributes].filter(
      ([name, value]) => name.startsWith('xmlns:') && name !== 'xmlns:rpm' && value !== repoNamespace,
    ),
  )
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
