/**
 * The first bytes of a file → the package that they begin, or why it is none that could be listed.
 */
import { parsePackage, RpmError, type RpmPackage, SignatureTag } from '@repokeeper/rpm-parser'
import type { PackageCheck, PackageVerifier } from './package-policy.ts'

export interface OpenedPackage {
  readonly kind: 'opened'
  readonly rpm: RpmPackage
  /** Where packages have to be signed: its header is verified. */
  readonly check: PackageCheck | undefined
}

/** No package, or a broken one: another attempt would find the same. */
export interface Unreadable {
  readonly kind: 'unreadable'
  readonly code: string
  readonly reason: string
}

/** Headers beyond this are refused: rpm's own limit is 256 MiB, real ones stay below some 40 MiB. */
export const packageHeaderBytesMax = 128 * 2 ** 20

/**
 * @param firstBytes from the first byte to the end of the main header
 * @param size of the whole file
 */
export function openPackage(
  firstBytes: Uint8Array,
  size: number,
  verifier: PackageVerifier | undefined,
): OpenedPackage | Unreadable {
  try {
    const rpm = parsePackage(firstBytes)
    const missing = missingBytes(rpm, size)
    if (missing > 0) {
      const reason = `it is cut off: ${missing} bytes of its payload are missing`
      return { kind: 'unreadable', code: 'CUT_OFF', reason }
    }
    return { kind: 'opened', rpm, check: verifier?.begin(rpm, firstBytes) }
  } catch (error) {
    return unreadable(error)
  }
}

/** What the parser says of bytes. Anything else is thrown on. */
export function unreadable(error: unknown): Unreadable {
  if (!(error instanceof RpmError)) throw error
  return { kind: 'unreadable', code: error.code, reason: error.message }
}

/** @returns `large` where who asked can do with more another time */
export function tooLarge(wanted: number, headerBytesMax: number): Unreadable | { readonly kind: 'large' } {
  if (headerBytesMax < packageHeaderBytesMax) return { kind: 'large' }
  const reason = `its headers are ${wanted} bytes long, more than the ${packageHeaderBytesMax} that are read`
  return { kind: 'unreadable', code: 'TOO_LARGE', reason }
}

export function cutOff(size: number, needed: number): Unreadable {
  const reason = `it is no RPM package, or cut off: it has ${size} bytes, its headers alone need ${needed}`
  return { kind: 'unreadable', code: 'CUT_OFF', reason }
}

/**
 * How many bytes a package lacks: its signature header says how long header and payload are together (RPMSIGTAG_SIZE,
 * RPMSIGTAG_LONGSIZE; packages of rpm 6 have neither). A client would only find out after the download.
 */
function missingBytes(rpm: RpmPackage, size: number): number {
  const promised = rpm.signature.bigint(SignatureTag.LONGSIZE) ?? rpm.signature.bigint(SignatureTag.SIZE)
  return promised === undefined ? 0 : rpm.headerRange.start + Number(promised) - size
}
