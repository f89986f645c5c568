/**
 * The header and the digest of one package, both of one version of the object.
 */
import { createHash } from 'node:crypto'
import { type ETag, type GetOptions, type ObjectHead, type ObjectStore, readBody } from '@repokeeper/object-store'
import { locateHeaders, parsePackage, RpmError, type RpmPackage, SignatureTag } from '@repokeeper/rpm-parser'

export type PackageReading =
  | { readonly kind: 'package'; readonly rpm: RpmPackage; readonly sha256: string }
  /** No package, or a broken one: another attempt would find the same. */
  | { readonly kind: 'unreadable'; readonly code: string; readonly reason: string; readonly sha256: string | undefined }

/** What is looked at first of a package that is streamed whole: most headers end before. */
const firstBytes = 64 * 1024

/**
 * Where the store says the digest, only the header is read, by ranges; else the whole object is streamed once, for header
 * and digest together, in constant memory. Every request asks for the version that `head` has seen.
 *
 * @returns `changed` where the object is another one now, or gone; `large` where its headers need more than `headerBytesMax`
 * @throws StoreError
 */
export async function readPackage(
  store: Pick<ObjectStore, 'get'>,
  head: ObjectHead,
  options: ReadPackageOptions,
): Promise<PackageReading | { readonly kind: 'changed' } | { readonly kind: 'large' }> {
  const { sha256 } = head
  const read =
    sha256 === undefined ? await streamWhole(store, head, options) : await readRanges(store, head, sha256, options)
  if (read.kind !== 'read') return read
  try {
    const rpm = parsePackage(read.firstBytes)
    const missing = missingBytes(rpm, head.size)
    if (missing > 0) {
      const reason = `it is cut off: ${missing} bytes of its payload are missing`
      return { kind: 'unreadable', code: 'CUT_OFF', reason, sha256: read.sha256 }
    }
    return { kind: 'package', rpm, sha256: read.sha256 }
  } catch (error) {
    return { ...unreadable(error), sha256: read.sha256 }
  }
}

export interface ReadPackageOptions {
  readonly signal?: AbortSignal
  /** What is asked for first where the store knows the digest; a second request brings exactly the rest. Default: 64 KiB. */
  readonly firstBytes?: number
  /** Bytes from the start of the file to the end of its header that may be held. Default: `packageHeaderBytesMax`. */
  readonly headerBytesMax?: number
}

/** Headers beyond this are refused: rpm's own limit is 256 MiB, real ones stay below some 40 MiB. */
export const packageHeaderBytesMax = 128 * 2 ** 20

type Read =
  | { readonly kind: 'large' }
  | { readonly kind: 'read'; readonly firstBytes: Uint8Array; readonly sha256: string }
  | { readonly kind: 'changed' }
  | Extract<PackageReading, { kind: 'unreadable' }>

async function readRanges(
  store: Pick<ObjectStore, 'get'>,
  head: ObjectHead,
  sha256: string,
  { headerBytesMax = packageHeaderBytesMax, firstBytes: wantedFirst = firstBytes, ...options }: ReadPackageOptions,
): Promise<Read> {
  let bytes: Buffer = Buffer.alloc(0)
  let wanted = wantedFirst
  while (true) {
    const end = Math.min(wanted, head.size)
    if (end > bytes.length) {
      const more = await readRange(store, head.key, head.etag, { start: bytes.length, end }, options)
      if (more === 'changed') return { kind: 'changed' }
      bytes = Buffer.concat([bytes, more])
    }
    try {
      const located = locateHeaders(bytes)
      if (located.kind === 'complete') return { kind: 'read', firstBytes: upTo(bytes, located.headerEnd), sha256 }
      if (bytes.length >= head.size) return { ...cutOff(head.size, located.bytesNeeded), sha256 }
      wanted = located.bytesNeeded
      if (wanted > headerBytesMax) return tooLarge(wanted, headerBytesMax, sha256)
    } catch (error) {
      return { ...unreadable(error), sha256 }
    }
  }
}

async function readRange(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  etag: ETag,
  range: { readonly start: number; readonly end: number },
  options: Pick<GetOptions, 'signal'>,
): Promise<Uint8Array | 'changed'> {
  const got = await store.get(key, { ...options, range, ifMatch: etag })
  if (got.kind !== 'found') return 'changed'
  const length = range.end - range.start
  const bytes = await readBody(got.body, length)
  return bytes.length === length ? bytes : 'changed'
}

async function streamWhole(
  store: Pick<ObjectStore, 'get'>,
  head: ObjectHead,
  { headerBytesMax = packageHeaderBytesMax, ...options }: ReadPackageOptions,
): Promise<Read> {
  const got = await store.get(head.key, { ...options, ifMatch: head.etag })
  if (got.kind !== 'found') return { kind: 'changed' }
  const hash = createHash('sha256')
  let kept: Uint8Array[] = []
  let keptBytes = 0
  let wanted = firstBytes
  let located: ReturnType<typeof locateHeaders> | undefined
  let fault: Omit<Extract<PackageReading, { kind: 'unreadable' }>, 'sha256'> | undefined
  let length = 0
  for await (const chunk of got.body) {
    hash.update(chunk)
    length += chunk.length
    if (located?.kind === 'complete' || fault !== undefined) continue
    kept.push(chunk)
    keptBytes += chunk.length
    if (keptBytes < wanted && length < head.size) continue
    const bytes = Buffer.concat(kept)
    kept = [bytes]
    try {
      located = locateHeaders(bytes)
      if (located.kind === 'more') wanted = located.bytesNeeded
      if (wanted > headerBytesMax) {
        if (headerBytesMax < packageHeaderBytesMax) return { kind: 'large' }
        fault = headerTooLarge(wanted)
        kept = []
      }
    } catch (error) {
      fault = unreadable(error)
      kept = []
    }
  }
  if (length !== head.size) return { kind: 'changed' }
  const sha256 = hash.digest('hex')
  if (fault !== undefined) return { ...fault, sha256 }
  if (located?.kind !== 'complete') return { ...cutOff(length, located?.bytesNeeded ?? firstBytes), sha256 }
  return { kind: 'read', firstBytes: upTo(Buffer.concat(kept), located.headerEnd), sha256 }
}

/** A copy: what is behind the header must not be kept in memory for it. */
function upTo(bytes: Uint8Array, end: number): Uint8Array {
  return Uint8Array.from(bytes.subarray(0, end))
}

function unreadable(error: unknown): Omit<Extract<PackageReading, { kind: 'unreadable' }>, 'sha256'> {
  if (!(error instanceof RpmError)) throw error
  return { kind: 'unreadable', code: error.code, reason: error.message }
}

function tooLarge(wanted: number, headerBytesMax: number, sha256: string): Read {
  return headerBytesMax < packageHeaderBytesMax ? { kind: 'large' } : { ...headerTooLarge(wanted), sha256 }
}

function headerTooLarge(wanted: number): Omit<Extract<PackageReading, { kind: 'unreadable' }>, 'sha256'> {
  const reason = `its headers are ${wanted} bytes long, more than the ${packageHeaderBytesMax} that are read`
  return { kind: 'unreadable', code: 'TOO_LARGE', reason }
}

function cutOff(size: number, needed: number): Omit<Extract<PackageReading, { kind: 'unreadable' }>, 'sha256'> {
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
