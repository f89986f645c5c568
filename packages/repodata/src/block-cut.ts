/**
 * Where a block of a document ends.
 *
 * The rule asks nothing but the locations from the block's start on, so that the blocks are a function of the set of
 * packages, whatever way led to it, and lie at the same packages in primary, filelists and other. After a change the ends
 * fall together with the old ones again within a few blocks.
 */
import { crc32 } from 'node:zlib'

export const blockLimits = {
  /** Below this many packages no block ends: smaller ones compress badly. */
  packagesMin: 128,
  /** At this many it ends whatever the locations are: what is inflated for one change stays small. */
  packagesMax: 1024,
  /** Between the two, one location in this many ends a block: 384 packages on average, some 1 MB of primary. */
  oneIn: 256,
  /** Bytes of entries, open, after which a block goes on in a further piece: memory holds pieces, never a block of large packages. */
  pieceBytes: 2 ** 20,
} as const

/** @param packages how many packages the block holds, the one at `location` included */
export function endsBlock(location: string, packages: number): boolean {
  if (packages >= blockLimits.packagesMax) return true
  return packages >= blockLimits.packagesMin && crc32(location) % blockLimits.oneIn === 0
}
