/**
 * The header of one package by ranged requests, and its payload only where its signature can't be verified without.
 */
import { type ETag, type ObjectHead, type ObjectStore, readBody } from '@repokeeper/object-store'
import { locateHeaders } from '@repokeeper/rpm-parser'
import { cutOff, openPackage, packageHeaderBytesMax, tooLarge, unreadable } from './open-package.ts'
import type { PackageCheck, PackageVerifier } from './package-policy.ts'
import type { PassingVerdict } from './passing-package.ts'

export interface ReadRangesOptions {
  readonly signal?: AbortSignal
  /** What is asked for first; a second request brings exactly the rest. Default: 64 KiB. */
  readonly firstBytes?: number
  /** Bytes from the start of the file to the end of its header that may be held. Default: `packageHeaderBytesMax`. */
  readonly headerBytesMax?: number
  /** Where packages have to be signed. */
  readonly verifier?: PackageVerifier | undefined
  /** Whether a payload is read where the verdict needs it. Default: true. */
  readonly mayReadPayload?: boolean
}

export type RangesRead =
  | PassingVerdict
  /** The object is another one now, or gone. */
  | { readonly kind: 'changed' }

/** Which version of which object. */
type RangedObject = Pick<ObjectHead, 'key' | 'etag' | 'size'>

/** What is looked at first where nothing is known: most headers end before. */
export const firstBytesDefault = 64 * 1024

/**
 * Every request asks for the version that `head` has seen.
 *
 * @throws StoreError
 */
export async function readRanges(
  store: Pick<ObjectStore, 'get'>,
  head: RangedObject,
  options: ReadRangesOptions,
): Promise<RangesRead> {
  const { verifier, mayReadPayload = true } = options
  const first = await readFirstBytes(store, head, options)
  if (!(first instanceof Uint8Array)) return first
  const opened = openPackage(first, head.size, verifier)
  if (opened.kind === 'unreadable') return opened
  const { rpm, check } = opened
  if (check === undefined) return { kind: 'read', rpm, verdict: undefined }
  if (!check.payloadNeeded || !mayReadPayload) return { kind: 'read', rpm, verdict: check.headerVerdict() }
  const isWhole = await readPayload(store, head, first.length, check, options)
  return isWhole ? { kind: 'read', rpm, verdict: check.wholeVerdict() } : { kind: 'changed' }
}

/** @returns all bytes up to the end of the main header, and none behind */
async function readFirstBytes(
  store: Pick<ObjectStore, 'get'>,
  head: RangedObject,
  { headerBytesMax = packageHeaderBytesMax, firstBytes = firstBytesDefault, ...options }: ReadRangesOptions,
): Promise<Uint8Array | Exclude<RangesRead, { kind: 'read' }>> {
  let bytes: Buffer = Buffer.alloc(0)
  let wanted = firstBytes
  while (true) {
    const end = Math.min(wanted, head.size)
    if (end > bytes.length) {
      const more = await readRange(store, head.key, head.etag, { start: bytes.length, end }, options)
      if (more === 'changed') return { kind: 'changed' }
      bytes = Buffer.concat([bytes, more])
    }
    try {
      const located = locateHeaders(bytes)
      if (located.kind === 'complete') return Uint8Array.from(bytes.subarray(0, located.headerEnd))
      if (bytes.length >= head.size) return cutOff(head.size, located.bytesNeeded)
      wanted = located.bytesNeeded
      if (wanted > headerBytesMax) return tooLarge(wanted, headerBytesMax)
    } catch (error) {
      return unreadable(error)
    }
  }
}

async function readRange(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  etag: ETag,
  range: { readonly start: number; readonly end: number },
  options: Pick<ReadRangesOptions, 'signal'>,
): Promise<Uint8Array | 'changed'> {
  const { signal } = options
  const got = await store.get(key, { ...(signal && { signal }), range, ifMatch: etag })
  if (got.kind !== 'found') return 'changed'
  const length = range.end - range.start
  const bytes = await readBody(got.body, length)
  return bytes.length === length ? bytes : 'changed'
}

/** @returns whether all of it came */
async function readPayload(
  store: Pick<ObjectStore, 'get'>,
  { key, etag, size }: RangedObject,
  start: number,
  check: PackageCheck,
  { signal }: Pick<ReadRangesOptions, 'signal'>,
): Promise<boolean> {
  if (start === size) return true
  const got = await store.get(key, { ...(signal && { signal }), range: { start, end: size }, ifMatch: etag })
  if (got.kind !== 'found') return false
  let at = start
  for await (const chunk of got.body) {
    check.update(chunk)
    at += chunk.length
  }
  return at === size
}
