import { indexEntryLength, introLength } from '../header-extent.ts'
import { itemBytes, TagType } from '../tag-type.ts'
import type { TagValue } from './tag-value.ts'

/**
 * Writes a header as rpmbuild does: entries and data in the order of the tags, data aligned and without gaps.
 *
 * @param tags in any order; those without items are left out, as rpm has no empty tags
 * @param regionTag 62 or 63: all of it lies in a region of that tag; `undefined`: none, as in v3 packages
 * @returns the header with its magic and counts, without padding behind it
 */
export function encodeHeader(tags: readonly TagValue[], regionTag?: number): Uint8Array {
  const sorted = tags.filter(({ count }) => count > 0).sort((a, b) => a.tag - b.tag)
  const entryCount = sorted.length + (regionTag === undefined ? 0 : 1)
  const offsets: number[] = []
  let dataLength = 0
  for (const { type, data } of sorted) {
    const alignment = itemBytes(type) || 1
    const offset = Math.ceil(dataLength / alignment) * alignment
    offsets.push(offset)
    dataLength = offset + data.length
  }
  const trailerOffset = dataLength
  if (regionTag !== undefined) dataLength += indexEntryLength

  const dataStart = introLength + entryCount * indexEntryLength
  const bytes = new Uint8Array(dataStart + dataLength)
  const view = new DataView(bytes.buffer)
  let position = 0
  const putWords = (...words: readonly number[]) => {
    for (const word of words) {
      view.setUint32(position, word)
      position += 4
    }
  }
  putWords(0x8eade801, 0, entryCount, dataLength)
  if (regionTag !== undefined) putWords(regionTag, TagType.BIN, trailerOffset, indexEntryLength)
  for (const [index, { tag, type, count, data }] of sorted.entries()) {
    const offset = offsets[index] ?? 0
    putWords(tag, type, offset, count)
    bytes.set(data, dataStart + offset)
  }
  position = dataStart + trailerOffset
  if (regionTag !== undefined) putWords(regionTag, TagType.BIN, -entryCount * indexEntryLength, indexEntryLength)
  return bytes
}
