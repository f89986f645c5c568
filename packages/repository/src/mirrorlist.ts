/**
 * The mirrorlist: two URLs, first that of one generation's own directory, then that of the repository's root.
 *
 * dnf and zypper take the metadata from the first, repomd.xml and its signature and documents of one generation. Each package they ask for
 * there, are told 404, and find it at the second. Lines that begin with `#` both pass over.
 */
import { createHash } from 'node:crypto'
import { DocumentError, parseRepomd } from '@repokeeper/repodata'
import type { RepositoryRoot } from './roots.ts'

/** `1764362496-0f3c9a7be1d24586`: the revision, and the first 16 hex digits of the SHA-256 of repomd.xml. */
export type GenerationId = string & { readonly __brand: 'GenerationId' }

export interface Mirrorlist {
  /** The URL of the repository's root, with a `/` at its end. */
  readonly baseUrl: string
  readonly generation: GenerationId
  /** A person has said that it is to stay as it is. */
  readonly isPinned: boolean
  /** Lines that somebody added, mirrors of theirs say: they stay behind ours. Absent: none. */
  readonly others?: readonly string[]
}

export const mirrorlistBytesMax = 2 ** 16
/** RFC 2483 has a type for lists of URIs; browsers show this one. */
export const mirrorlistType = 'text/plain; charset=utf-8'

export function mirrorlistKey(root: RepositoryRoot): string {
  return `${root}mirrorlist`
}

/** Anyone can compute it. @returns `undefined` where these bytes are no repomd.xml */
export function generationIdOf(repomd: Uint8Array): GenerationId | undefined {
  const digest = createHash('sha256').update(repomd).digest('hex').slice(0, 16)
  try {
    const { revision = '' } = parseRepomd(repomd)
    // Those of other tools may be any text.
    return `${/^[0-9]{1,20}$/.test(revision) ? revision : '0'}-${digest}` as GenerationId
  } catch (error) {
    if (error instanceof DocumentError) return undefined
    throw error
  }
}

export function parseGenerationId(text: string): GenerationId | undefined {
  return /^[0-9]{1,20}-[0-9a-f]{16}$/.test(text) ? (text as GenerationId) : undefined
}

/** As in the name of its record. */
export function digestIn(id: GenerationId): string {
  return id.slice(-16)
}

export function formatMirrorlist({ baseUrl, generation, isPinned, others = [] }: Mirrorlist): string {
  const first = isPinned
    ? `${pinned}${generation} by "repokeeper rollback"; with --resume it follows what is published again`
    : `# generation ${generation}`
  return [first, `${baseUrl}generations/${generation}/`, baseUrl, ...others].map((line) => `${line}\n`).join('')
}

const pinned = '# pinned to generation '

/** @returns `undefined` where somebody else wrote it, for mirrors of theirs: none of its lines leads to a generation */
export function parseMirrorlist(bytes: Uint8Array): Mirrorlist | undefined {
  const lines = Buffer.from(bytes)
    .toString()
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  for (const line of lines) {
    const [, baseUrl, id = ''] = /^([^#\s]\S*\/)generations\/([^/]+)\/$/.exec(line) ?? []
    const generation = parseGenerationId(id)
    if (baseUrl === undefined || generation === undefined) continue
    const isOurs = (one: string): boolean => one === line || one === baseUrl || /^# (?:generation|pinned to) /.test(one)
    const others = lines.filter((one) => !isOurs(one))
    const isPinned = lines.some((one) => one.startsWith(pinned))
    return { baseUrl, generation, isPinned, ...(others.length > 0 && { others }) }
  }
  return undefined
}
