import { declaredType } from './declared-types.ts'
import type { HeaderDraft } from './header-draft.ts'
import { findEntry, type HeaderEntry } from './header-entry.ts'
import { RpmError } from './rpm-error.ts'
import { SignatureTag } from './signature-tags.ts'
import { Tag, tagName } from './tags.ts'

/**
 * Shows the tags of the signature header in the main one, under the numbers that they have there, as librpm does when it
 * reads a package (lib/package.cc `headerMergeLegacySigs`). So ARCHIVESIZE can be asked of the main header.
 *
 * @throws RpmError BAD_SIGNATURE_TAG where a tag stands in both headers, or has the wrong type or count
 */
export function mergeSignature(draft: HeaderDraft, signature: readonly HeaderEntry[]): void {
  const isV6 = draft.soleNumber(Tag.RPMFORMAT) >= 6
  for (const { from, to, mayBeInMainHeader } of merged) {
    if (!draft.has(to)) continue
    if (!isV6 && mayBeInMainHeader && findEntry(signature, from) === undefined) continue
    throw refusal(to, 'stands in the main header; its place is the signature header')
  }
  for (const { from, to, count } of merged) {
    // v6 packages have no signature tags that share a number with one of the main header.
    if (isV6 && from >= Tag.NAME) continue
    const entry = findEntry(signature, from)
    if (entry === undefined) continue
    if (entry.type !== declaredType(to)) {
      throw refusal(to, `has type ${entry.type} in the signature header; it must have type ${declaredType(to)}`)
    }
    if (entry.count > itemsMax) throw refusal(to, `has a count of ${entry.count}; the limit is ${itemsMax}`)
    if (count !== undefined && entry.count !== count) throw refusal(to, `has a count of ${entry.count}, not ${count}`)
    draft.put({ ...entry, tag: to })
  }
}

/** rpm's own limit. */
const itemsMax = 16 * 1024 * 1024

interface MergedTag {
  readonly from: number
  readonly to: number
  readonly count?: number
  /** Up to v4 some tags may stand in either header, but not in both. */
  readonly mayBeInMainHeader?: true
}

const merged: readonly MergedTag[] = [
  { from: SignatureTag.SIZE, to: Tag.SIGSIZE, count: 1 },
  { from: SignatureTag.PGP, to: Tag.SIGPGP },
  { from: SignatureTag.MD5, to: Tag.SIGMD5, count: 16 },
  { from: SignatureTag.GPG, to: Tag.SIGGPG },
  { from: SignatureTag.PAYLOADSIZE, to: Tag.ARCHIVESIZE, count: 1, mayBeInMainHeader: true },
  { from: SignatureTag.FILESIGNATURES, to: Tag.FILESIGNATURES, mayBeInMainHeader: true },
  { from: SignatureTag.FILESIGNATURELENGTH, to: Tag.FILESIGNATURELENGTH, count: 1, mayBeInMainHeader: true },
  { from: SignatureTag.VERITYSIGNATURES, to: Tag.VERITYSIGNATURES },
  { from: SignatureTag.VERITYSIGNATUREALGO, to: Tag.VERITYSIGNATUREALGO, count: 1 },
  { from: SignatureTag.SHA1, to: Tag.SHA1HEADER, count: 1 },
  { from: SignatureTag.SHA256, to: Tag.SHA256HEADER, count: 1 },
  { from: SignatureTag.SHA3_256, to: Tag.SHA3_256HEADER, count: 1 },
  { from: SignatureTag.DSA, to: Tag.DSAHEADER },
  { from: SignatureTag.RSA, to: Tag.RSAHEADER },
  { from: SignatureTag.LONGSIZE, to: Tag.LONGSIGSIZE, count: 1 },
  { from: SignatureTag.LONGARCHIVESIZE, to: Tag.LONGARCHIVESIZE, count: 1 },
  { from: SignatureTag.OPENPGP, to: Tag.OPENPGP },
]

function refusal(tag: number, reason: string): RpmError {
  return new RpmError('BAD_SIGNATURE_TAG', `tag ${tag} ${tagName(tag) ?? ''} ${reason}`)
}
