import { decodeEntries } from './decode-entries.ts'
import { Header } from './header.ts'
import { HeaderDraft } from './header-draft.ts'
import { type Lead, parseLead } from './lead.ts'
import { type HeaderLimits, rpmLimits } from './limits.ts'
import { locateExtents } from './locate-headers.ts'
import { mergeSignature } from './merge-signature.ts'
import { retrofit } from './retrofit.ts'
import { RpmError } from './rpm-error.ts'
import { Tag } from './tags.ts'

/** What the first bytes of a package file say. */
export interface RpmPackage {
  readonly lead: Lead
  /** The signature header as it stands in the file; ask it with `SignatureTag`. */
  readonly signature: Header
  /** The main header as librpm shows it, `Tag`: with the signature's tags, and old packages' tags made today's. */
  readonly header: Header
  /** Where the main header lies: createrepo_c's header-range. */
  readonly headerRange: { readonly start: number; readonly end: number }
  /** Whether SOURCEPACKAGE is set, which createrepo_c takes for "architecture src" (nosrc included). */
  readonly isSource: boolean
  /** 6: RPMFORMAT says so. 4: the header has an immutable region. 3: neither. */
  readonly format: 3 | 4 | 6
}

/**
 * Reads lead, signature header and main header. The result is what librpm's `rpmReadPackageFile` gives without checking
 * digests and signatures, which is how createrepo_c reads: signature tags merged into the main header (lib/package.cc
 * `headerMergeLegacySigs`), and packages of rpm 2 to 4.0 converted (`applyRetrofits`).
 *
 * @param firstBytes the file from its first byte to the end of the main header at least (`locateHeaders`); what is behind is
 *   ignored. The result keeps views of it: do not write to it afterwards.
 * @param limits rpm's own where not given
 * @throws RpmError the bytes are no RPM, end early, or form a header that librpm refuses
 */
export function parsePackage(firstBytes: Uint8Array, limits: Partial<HeaderLimits> = {}): RpmPackage {
  const allLimits: HeaderLimits = { ...rpmLimits, ...limits }
  // A Buffer's subarrays would be Buffers; what leaves this package are plain arrays.
  const bytes = new Uint8Array(firstBytes.buffer, firstBytes.byteOffset, firstBytes.byteLength)
  const extents = locateExtents(bytes, allLimits)
  if (extents.kind === 'more') {
    const message = `the headers are cut off: ${extents.bytesNeeded} bytes are needed, there are ${bytes.length}`
    throw new RpmError('TRUNCATED', message, bytes.length)
  }
  const signature = decodeEntries(bytes, extents.signature, allLimits)
  const main = new HeaderDraft(decodeEntries(bytes, extents.header, allLimits))
  mergeSignature(main, signature)
  retrofit(main)
  return {
    lead: parseLead(bytes),
    signature: new Header(signature),
    header: new Header(main.entries),
    headerRange: { start: extents.header.start, end: extents.header.end },
    isSource: main.soleNumber(Tag.SOURCEPACKAGE) !== 0,
    format: main.soleNumber(Tag.RPMFORMAT) >= 6 ? 6 : main.has(Tag.HEADERIMMUTABLE) ? 4 : 3,
  }
}
