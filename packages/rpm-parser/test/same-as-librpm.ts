import { type Header, Tag, TagType } from '../src/index.ts'
import type { LibrpmEntry } from './librpm.ts'

/** A header in the shape of librpm's answer. */
export function asLibrpmShows(header: Header): LibrpmEntry[] {
  return [...header.entries()].map(({ tag }) => [tag, header.typeOf(tag) ?? 0, header.count(tag), values(header, tag)])
}

/** Leaves out what rpm 6 and older versions of librpm read differently; this package reads as rpm 6. */
export function comparable(entries: readonly LibrpmEntry[]): LibrpmEntry[] {
  const isV6 = entries.some(([tag]) => tag === Tag.RPMFORMAT)
  return entries.filter(([tag]) => !sinceRpm6.has(tag) && !(isV6 && ignoredInV6.has(tag)))
}

/** Tags of the signature header that are shown in the main one since rpm 6. */
const sinceRpm6: ReadonlySet<number> = new Set([Tag.OPENPGP, Tag.SHA3_256HEADER])

/** Tags that rpm 6 does not take from a v6 package's signature header, where their numbers (1000 and up) are illegal. */
const ignoredInV6: ReadonlySet<number> = new Set([Tag.SIGSIZE, Tag.SIGPGP, Tag.SIGMD5, Tag.SIGGPG, Tag.ARCHIVESIZE])

function values(header: Header, tag: number): readonly string[] {
  switch (header.typeOf(tag)) {
    case TagType.STRING:
    case TagType.STRING_ARRAY:
    case TagType.I18NSTRING:
      return header.stringArrayBytes(tag).map((bytes) => Buffer.from(bytes).toString('latin1'))
    case TagType.BIN:
      return [Buffer.from(header.bytes(tag) ?? []).toString('hex')]
    default:
      return header.bigints(tag).map(String)
  }
}
