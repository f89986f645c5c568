import { type HeaderExtent, indexEntryLength } from './header-extent.ts'
import { RpmError } from './rpm-error.ts'
import { TagType } from './tag-type.ts'
import { Tag } from './tags.ts'

/**
 * The part of a header that was there when the package was built or signed. Its entry is the first of the index; behind its
 * data stands a trailer, an index entry again, whose offset is minus the length of the region's index.
 */
export interface Region {
  readonly tag: number
  /** Entries of the region, its own included. */
  readonly entryCount: number
  /** Bytes of the region's data, its trailer included. */
  readonly dataLength: number
}

export const regionTrailerLength = indexEntryLength

/**
 * Reads a header's region (lib/header.cc `hdrblobVerifyRegion`). The main header of a package must be all region.
 *
 * @returns `undefined` where the header has none: v3 packages, and signature headers of that time
 * @throws RpmError BAD_REGION
 */
export function readRegion(bytes: Uint8Array, extent: HeaderExtent): Region | undefined {
  const { kind, indexStart, dataStart, entryCount, dataLength } = extent
  const refuse = (reason: string, at: number): never => {
    throw new RpmError('BAD_REGION', `the ${kind} header's region ${reason}`, at)
  }
  if (entryCount < 1) throw new RpmError('BAD_REGION', `the ${kind} header has no entries`, extent.start + 8)
  const regionTag = kind === 'signature' ? Tag.HEADERSIGNATURES : Tag.HEADERIMMUTABLE
  const view = new DataView(bytes.buffer, bytes.byteOffset, extent.end)

  const first = readIndexEntry(view, indexStart)
  if (first.tag !== regionTag) return undefined
  if (!isRegionEntry(first)) return refuse(`has type ${first.type} and count ${first.count}, not 7 and 16`, indexStart)
  const regionDataLength = first.offset + regionTrailerLength
  if (first.offset < 0 || regionDataLength > dataLength) {
    return refuse(`says its trailer is at ${first.offset} of ${dataLength} bytes of data`, indexStart + 8)
  }

  const trailerStart = dataStart + first.offset
  const trailer = readIndexEntry(view, trailerStart)
  // Old packages have the tag of rpm's database, HEADERIMAGE, in the signature's trailer.
  const isTrailerTag = trailer.tag === regionTag || (kind === 'signature' && trailer.tag === Tag.HEADERIMAGE)
  if (!isTrailerTag || !isRegionEntry(trailer)) {
    return refuse(`has no trailer at byte ${trailerStart}: tag ${trailer.tag}, type ${trailer.type}`, trailerStart)
  }
  const regionEntries = -trailer.offset / indexEntryLength
  if (!Number.isInteger(regionEntries) || regionEntries < 1 || regionEntries > entryCount) {
    return refuse(`says ${-trailer.offset} bytes of index; the header has ${entryCount} entries`, trailerStart + 8)
  }
  if (kind === 'main' && (regionEntries !== entryCount || regionDataLength !== dataLength)) {
    const covered = `${regionEntries} of ${entryCount} entries and ${regionDataLength} of ${dataLength} bytes of data`
    return refuse(`covers ${covered}; in a package it covers all`, trailerStart)
  }
  return { tag: regionTag, entryCount: regionEntries, dataLength: regionDataLength }
}

interface IndexEntry {
  readonly tag: number
  readonly type: number
  readonly offset: number
  readonly count: number
}

function readIndexEntry(view: DataView, at: number): IndexEntry {
  return {
    tag: view.getUint32(at),
    type: view.getUint32(at + 4),
    offset: view.getInt32(at + 8),
    count: view.getUint32(at + 12),
  }
}

function isRegionEntry(entry: IndexEntry): boolean {
  return entry.type === TagType.BIN && entry.count === regionTrailerLength
}
