import { type HeaderExtent, headerExtent, introLength } from './header-extent.ts'
import { checkLeadMagic, leadLength } from './lead.ts'
import { type HeaderLimits, rpmLimits } from './limits.ts'

export type HeaderLocation =
  /** The first `bytesNeeded` bytes of the file say more; it may take several rounds, at most four. */
  | { readonly kind: 'more'; readonly bytesNeeded: number }
  /** The headers lie within the given bytes: `headerStart` and `headerEnd` are createrepo_c's header-range. */
  | {
      readonly kind: 'complete'
      readonly signatureStart: 96
      readonly headerStart: number
      readonly headerEnd: number
    }

/**
 * Where the headers of a package end, as far as its first bytes can say. For ranged reads: fetch a guess (64 KiB holds the
 * headers of most packages), ask, fetch `bytesNeeded`, ask again. The headers' content is not looked at.
 *
 * @param firstBytes the file from its first byte on, any number of bytes, none included
 * @param limits rpm's own where not given; `bytesNeeded` never goes beyond them
 * @throws RpmError NOT_AN_RPM, BAD_MAGIC, LIMIT_EXCEEDED, as soon as the bytes cannot be an RPM
 */
export function locateHeaders(firstBytes: Uint8Array, limits: Partial<HeaderLimits> = {}): HeaderLocation {
  const extents = locateExtents(firstBytes, { ...rpmLimits, ...limits })
  if (extents.kind === 'more') return extents
  return {
    kind: 'complete',
    signatureStart: leadLength,
    headerStart: extents.header.start,
    headerEnd: extents.header.end,
  }
}

export type HeaderExtents =
  | { readonly kind: 'more'; readonly bytesNeeded: number }
  | { readonly kind: 'complete'; readonly signature: HeaderExtent; readonly header: HeaderExtent }

export function locateExtents(firstBytes: Uint8Array, limits: HeaderLimits): HeaderExtents {
  checkLeadMagic(firstBytes)
  const signature = headerExtent(firstBytes, leadLength, 'signature', limits)
  if (signature === undefined) return { kind: 'more', bytesNeeded: leadLength + introLength }
  const headerStart = paddedTo8(signature.end)
  const header = headerExtent(firstBytes, headerStart, 'main', limits)
  if (header === undefined) return { kind: 'more', bytesNeeded: headerStart + introLength }
  if (firstBytes.length < header.end) return { kind: 'more', bytesNeeded: header.end }
  return { kind: 'complete', signature, header }
}

/** The main header starts at a multiple of 8 (lead and intro are multiples of 8, so counting from the file's start is right). */
function paddedTo8(offset: number): number {
  return Math.ceil(offset / 8) * 8
}
