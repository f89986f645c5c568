/**
 * Where a repository can be had: a mirrorlist (addresses, one a line) or a metalink (XML, with the digest of repomd.xml).
 */
import {
  childrenNamed,
  DocumentError,
  localName,
  parseXmlTree,
  textOfElement,
  type XmlElement,
} from '@repokeeper/repodata'
import { parseWebUrl } from './web-source.ts'

export interface MirrorList {
  readonly kind: 'mirrorlist' | 'metalink'
  /** The best first. */
  readonly bases: readonly URL[]
  /** repomd.xml is one of these; empty: nothing is said. */
  readonly repomds: readonly RepomdFacts[]
}

export interface RepomdFacts {
  readonly size: number | undefined
  /** In hex, with the strongest algorithm that is known; `undefined`: only the size is said. */
  readonly digest: { readonly type: 'sha512' | 'sha384' | 'sha256' | 'sha1' | 'md5'; readonly hex: string } | undefined
}

/** Those of distributions have some 100 addresses. */
const basesMax = 100

/** @returns `undefined` where the text is neither: a page for people, say */
export function parseMirrorList(bytes: Uint8Array): MirrorList | undefined {
  const text = Buffer.from(bytes).toString()
  const list = /<(?:\w+:)?metalink[\s>]/.test(text.slice(0, 4_096)) ? parseMetalink(bytes) : parseLines(text)
  return list === undefined || list.bases.length === 0 ? undefined : list
}

function parseLines(text: string): MirrorList | undefined {
  const lines = text.split('\n').map((line) => line.trim())
  const said = lines.filter((line) => line !== '' && !line.startsWith('#'))
  // Some lists also have addresses that nobody can reach by http; what is no address at all is no list.
  if (!said.every((line) => /^[a-z]+:\/\/\S+$/i.test(line))) return undefined
  return { kind: 'mirrorlist', bases: said.flatMap((line) => parseWebUrl(line) ?? []).slice(0, basesMax), repomds: [] }
}

/** RFC 5854, and version 3 as Fedora's MirrorManager writes it. */
function parseMetalink(bytes: Uint8Array): MirrorList | undefined {
  const root = readXml(bytes)
  if (root === undefined || localName(root.name) !== 'metalink') return undefined
  const files = [root, ...childrenNamed(root, 'files')].flatMap((parent) => childrenNamed(parent, 'file'))
  const file = files.find(({ attributes }) => attributes.get('name') === 'repomd.xml')
  if (file === undefined) return undefined
  const resources = [file, ...childrenNamed(file, 'resources')].flatMap((parent) => childrenNamed(parent, 'url'))
  const ranked = resources.flatMap((url, at) => {
    const base = baseOf(textOfElement(url).trim())
    return base === undefined ? [] : [{ base, rank: rankOf(url), at }]
  })
  const bases = ranked.toSorted((a, b) => a.rank - b.rank || a.at - b.at).map(({ base }) => base)
  // MirrorManager: repomd.xml of the days before, which some mirrors still have.
  const alternates = childrenNamed(file, 'alternates').flatMap((parent) => childrenNamed(parent, 'alternate'))
  return { kind: 'metalink', bases: bases.slice(0, basesMax), repomds: [file, ...alternates].flatMap(factsOf) }
}

function readXml(bytes: Uint8Array): XmlElement | undefined {
  try {
    return parseXmlTree(bytes, 'the metalink')
  } catch (error) {
    if (error instanceof DocumentError) return undefined
    throw error
  }
}

function baseOf(text: string): URL | undefined {
  const repomd = 'repodata/repomd.xml'
  return text.endsWith(`/${repomd}`) ? parseWebUrl(text.slice(0, -repomd.length)) : undefined
}

/** Low is good: RFC 5854 counts `priority` from 1, version 3 has a `preference` up to 100. */
function rankOf({ attributes }: XmlElement): number {
  const number = (name: string): number | undefined => {
    const text = attributes.get(name) ?? ''
    return /^[0-9]{1,6}$/.test(text) ? Number(text) : undefined
  }
  return number('priority') ?? 100 - (number('preference') ?? 0)
}

const strongestFirst = ['sha512', 'sha384', 'sha256', 'sha1', 'md5'] as const

function factsOf(file: XmlElement): RepomdFacts[] {
  const [sizeElement] = childrenNamed(file, 'size')
  const sizeText = sizeElement === undefined ? '' : textOfElement(sizeElement).trim()
  const size = /^[0-9]{1,15}$/.test(sizeText) ? Number(sizeText) : undefined
  const hashes = [file, ...childrenNamed(file, 'verification')].flatMap((parent) => childrenNamed(parent, 'hash'))
  const byType = new Map(
    hashes.map((hash) => [
      (hash.attributes.get('type') ?? '').toLowerCase().replace('-', ''),
      textOfElement(hash).trim().toLowerCase(),
    ]),
  )
  const type = strongestFirst.find((one) => byType.has(one))
  const digest = type === undefined ? undefined : { type, hex: byType.get(type) ?? '' }
  return size === undefined && digest === undefined ? [] : [{ size, digest }]
}
