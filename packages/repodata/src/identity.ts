/**
 * The identities of this field, minted here and nowhere else: a string that carries one of these brands has been looked at.
 */

/** The digest of a whole package file, lower-case hex: what primary's `<checksum pkgid="YES">` and `package@pkgid` hold. */
export type PkgId = string & { readonly __brand: 'PkgId' }

/** Where a package lies, relative to the repository's root: the `href` of primary's `<location>`, not percent-encoded. */
export type Location = string & { readonly __brand: 'Location' }

/** The names that createrepo_c knows (checksum.c `cr_checksum_type`), as they are written in `checksum@type`. */
const checksumLengths = { md5: 32, sha: 40, sha1: 40, sha224: 56, sha256: 64, sha384: 96, sha512: 128 } as const

export type ChecksumType = keyof typeof checksumLengths

/** `undefined` for a type that nobody writes. Upper case is accepted and folded. */
export function parseChecksumType(text: string): ChecksumType | undefined {
  const folded = text.toLowerCase()
  return Object.hasOwn(checksumLengths, folded) ? (folded as ChecksumType) : undefined
}

/** `undefined` where the text is no hex digest of that type's length. Upper case is accepted and folded. */
export function parsePkgId(text: string, type: ChecksumType): PkgId | undefined {
  const folded = text.toLowerCase()
  return folded.length === checksumLengths[type] && /^[0-9a-f]+$/.test(folded) ? (folded as PkgId) : undefined
}

/** The pkgid of a package whose SHA-256 is known. Throws a `TypeError` where the text is none. */
export function sha256PkgId(hex: string): PkgId {
  const pkgid = parsePkgId(hex, 'sha256')
  if (pkgid === undefined) throw new TypeError(`not a SHA-256 in hex: ${JSON.stringify(hex)}`)
  return pkgid
}

/**
 * A location from text, or `undefined` where publishing it could lead a client out of the repository or break the
 * document: empty, absolute, with a scheme, an empty, `.` or `..` segment (encoded ones, too), or characters that XML cannot hold.
 */
export function parseLocation(text: string): Location | undefined {
  if (text === '' || unpublishable.test(text) || hasLoneSurrogate(text)) return undefined
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text)) return undefined
  return text.split('/').some((segment) => segment === '' || dots.test(segment)) ? undefined : (text as Location)
}

/** Written `%2e`, a dot is one all the same to whoever resolves an href (URL standard, "double-dot URL path segment"). */
const dots = /^(?:\.|%2e){1,2}$/i

/** C0, DEL, and what XML 1.0 (production 2, Char) leaves out. A tab or line end in an href would be folded by every parser. */
const unpublishable = /[\u0000-\u001f\u007f\ufffe\uffff]/

function hasLoneSurrogate(text: string): boolean {
  return !text.isWellFormed()
}

/** The order of entries: the bytes of the locations as UTF-8. JavaScript's own order differs beyond the basic plane. */
export function compareLocations(a: string, b: string): number {
  if (a === b) return 0
  if (surrogates.test(a) || surrogates.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : 1
}

const surrogates = /[\ud800-\udfff]/
