import { declaredType } from './declared-types.ts'
import type { HeaderEntry } from './header-entry.ts'
import { type HeaderExtent, indexEntryLength } from './header-extent.ts'
import { type Region, readRegion, regionTrailerLength } from './header-region.ts'
import type { HeaderLimits } from './limits.ts'
import { RpmError } from './rpm-error.ts'
import { signatureTagName } from './signature-tags.ts'
import { isStringType, itemBytes, parseTagType, TagType } from './tag-type.ts'
import { Tag, tagName } from './tags.ts'

/**
 * Turns a header's index into entries whose data are views over `bytes`. What librpm refuses is refused: lib/header.cc
 * `hdrblobVerifyInfo` (each entry) and `hdrblobImport` (all of them together). Linear in the header's size: entries may not
 * overlap, so that no byte is looked at twice.
 *
 * @param bytes the file from its first byte to the header's end, at least
 * @returns the entries that can be found, sorted by tag, the region's own entry included
 * @throws RpmError BAD_REGION, BAD_ENTRY, BAD_LAYOUT, LIMIT_EXCEEDED
 */
export function decodeEntries(bytes: Uint8Array, extent: HeaderExtent, limits: HeaderLimits): HeaderEntry[] {
  const region = readRegion(bytes, extent)
  const entries = readEntries(bytes, extent, region, limits)
  checkLayout(entries, extent, region)
  return visibleEntries(bytes, extent, entries, region).sort((a, b) => a.tag - b.tag)
}

/** The first number that is a tag; what is lower is a region (rpm: HEADER_I18NTABLE). */
const tagMin = Tag.HEADERI18NTABLE
/** rpm takes what is higher for a negative number. */
const tagMax = 0x7fffffff

function readEntries(
  bytes: Uint8Array,
  extent: HeaderExtent,
  region: Region | undefined,
  limits: HeaderLimits,
): HeaderEntry[] {
  const { dataStart, dataLength, end } = extent
  const view = new DataView(bytes.buffer, bytes.byteOffset, end)
  // Tags of the signature header have other types than their namesakes; v3 packages were never checked.
  const mustHaveDeclaredType = extent.kind === 'main' && region !== undefined
  const entries: HeaderEntry[] = []
  let previousEnd = 0
  for (let index = region === undefined ? 0 : 1; index < extent.entryCount; index++) {
    const at = extent.indexStart + index * indexEntryLength
    const tag = view.getUint32(at)
    const typeNumber = view.getUint32(at + 4)
    const offset = view.getInt32(at + 8)
    const count = view.getUint32(at + 12)
    const refuse = (reason: string): never => {
      const what = `tag ${tag}${nameOf(tag, extent)} (entry ${index} of the ${extent.kind} header)`
      throw new RpmError('BAD_ENTRY', `${what} ${reason}`, at)
    }

    if (tag < tagMin || tag > tagMax) return refuse(`is no tag: they go from ${tagMin} to ${tagMax}`)
    const type = parseTagType(typeNumber)
    if (type === undefined) return refuse(`has type ${typeNumber}, which does not exist`)
    if (count < 1 || count > dataLength) return refuse(`has a count of ${count} in ${dataLength} bytes of data`)
    if (offset < previousEnd) return refuse(`starts at ${offset}, before ${previousEnd}, where the one before it ends`)
    if (offset > dataLength) return refuse(`starts at ${offset}, behind the ${dataLength} bytes of data`)
    if (offset % (itemBytes(type) || 1) !== 0) return refuse(`starts at ${offset}, no multiple of ${itemBytes(type)}`)
    if (type !== TagType.BIN && count > limits.itemsMax) {
      const what = `tag ${tag}${nameOf(tag, extent)} of the ${extent.kind} header`
      throw new RpmError('LIMIT_EXCEEDED', `${what} has ${count} items; the limit is ${limits.itemsMax}`, at)
    }
    const declared = mustHaveDeclaredType ? declaredType(tag) : undefined
    if (declared !== undefined && declared !== type && !(isStringType(declared) && isStringType(type))) {
      return refuse(`has type ${typeNumber}; it must have type ${declared}`)
    }
    const start = dataStart + offset
    const length = dataLengthOf(bytes, type, count, start, end)
    if (length === undefined)
      return refuse(`starts at ${offset} and does not end within the ${dataLength} bytes of data`)
    previousEnd = offset + length
    if (region !== undefined && offset < region.dataLength && previousEnd > region.dataLength - regionTrailerLength) {
      return refuse(`ends at ${previousEnd}, in the region's trailer`)
    }
    entries.push({ tag, type, count, data: bytes.subarray(start, start + length) })
  }
  return entries
}

/** lib/header.cc `dataLength`; `undefined` where the data goes beyond `end` or a STRING is said to be several. */
function dataLengthOf(bytes: Uint8Array, type: TagType, count: number, start: number, end: number): number | undefined {
  const width = itemBytes(type)
  if (width > 0) return width * count <= end - start ? width * count : undefined
  if (type === TagType.STRING && count !== 1) return undefined
  let missing = count
  for (let position = start; position < end; position++) {
    if (bytes[position] === 0 && --missing === 0) return position + 1 - start
  }
  return undefined
}

/** The data area holds the entries in order, aligned, the region's trailer, and nothing else. */
function checkLayout(entries: readonly HeaderEntry[], extent: HeaderExtent, region: Region | undefined): void {
  let used = 0
  for (const { type, data } of entries) {
    const width = itemBytes(type) || 1
    used = Math.ceil(used / width) * width + data.length
  }
  if (region !== undefined) used += regionTrailerLength
  if (used !== extent.dataLength) {
    const message = `the entries of the ${extent.kind} header account for ${used} of its ${extent.dataLength} bytes of data`
    throw new RpmError('BAD_LAYOUT', message, extent.dataStart)
  }
}

/**
 * Entries behind the region ("dribbles": tags added after the package was built, by a signing tool for one) replace those
 * of the same tag within it. In packages only signature headers have any.
 */
function visibleEntries(
  bytes: Uint8Array,
  extent: HeaderExtent,
  entries: readonly HeaderEntry[],
  region: Region | undefined,
): HeaderEntry[] {
  if (region === undefined) return [wholeAsRegion, ...entries]
  const trailer = extent.dataStart + region.dataLength - regionTrailerLength
  const regionEntry: HeaderEntry = {
    tag: region.tag,
    type: TagType.BIN,
    count: regionTrailerLength,
    data: bytes.subarray(trailer, trailer + regionTrailerLength),
  }
  const inRegion = entries.slice(0, region.entryCount - 1)
  const dribbles = entries.slice(region.entryCount - 1)
  if (dribbles.length === 0) return [regionEntry, ...inRegion]
  const replaced = new Set(dribbles.map((entry) => entry.tag))
  return [regionEntry, ...inRegion.filter((entry) => !replaced.has(entry.tag)), ...dribbles]
}

/** librpm makes a v3 header's entries a region of their own; the entry counts where `findEntry` halves the list. */
const wholeAsRegion: HeaderEntry = {
  tag: Tag.HEADERIMAGE,
  type: TagType.BIN,
  count: regionTrailerLength,
  data: new Uint8Array(regionTrailerLength),
}

function nameOf(tag: number, { kind }: HeaderExtent): string {
  const name = kind === 'signature' ? signatureTagName(tag) : tagName(tag)
  return name === undefined ? '' : ` ${name}`
}
