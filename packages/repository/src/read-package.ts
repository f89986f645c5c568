/**
 * The header and the digest of one package, both of one version of the object, and whether the policy lets it in.
 */
import { createHash } from 'node:crypto'
import type { ObjectHead, ObjectStore } from '@repokeeper/object-store'
import { type HeaderLocation, locateHeaders, type RpmPackage } from '@repokeeper/rpm-parser'
import {
  cutOff,
  type OpenedPackage,
  openPackage,
  packageHeaderBytesMax,
  tooLarge,
  type Unreadable,
  unreadable,
} from './open-package.ts'
import { type PackageSigner, type PolicyRefusal, refusalOf } from './package-policy.ts'
import { firstBytesDefault, type RangesRead, type ReadRangesOptions, readRanges } from './read-ranges.ts'

export type PackageReading =
  | {
      readonly kind: 'package'
      readonly rpm: RpmPackage
      readonly sha256: string
      /** Where packages have to be signed. */
      readonly signer: PackageSigner | undefined
    }
  | (Unreadable & { readonly sha256: string })
  /** A package, but not signed as it has to be. */
  | { readonly kind: 'untrusted'; readonly refusal: PolicyRefusal; readonly sha256: string }

export type ReadPackageOptions = Omit<ReadRangesOptions, 'mayReadPayload'>

/**
 * Where the store says the digest, only the header is read, by ranges; else the whole object is streamed once, for header,
 * digest and signature together, in constant memory. Every request asks for the version that `head` has seen.
 *
 * @returns `changed` where the object is another one now, or gone; `large` where its headers need more than `headerBytesMax`
 * @throws StoreError
 */
export async function readPackage(
  store: Pick<ObjectStore, 'get'>,
  head: ObjectHead,
  options: ReadPackageOptions,
): Promise<PackageReading | NotRead> {
  const { sha256 } = head
  if (sha256 === undefined) return streamWhole(store, head, options)
  return settle(await readRanges(store, head, options), sha256)
}

type NotRead = { readonly kind: 'changed' } | { readonly kind: 'large' }

function settle(read: RangesRead, sha256: string): PackageReading | NotRead {
  if (read.kind === 'changed' || read.kind === 'large') return read
  if (read.kind === 'unreadable') return { ...read, sha256 }
  const { rpm, verdict } = read
  if (verdict?.kind === 'refused') return { kind: 'untrusted', refusal: refusalOf(verdict), sha256 }
  return { kind: 'package', rpm, sha256, signer: verdict?.by }
}

async function streamWhole(
  store: Pick<ObjectStore, 'get'>,
  head: ObjectHead,
  { headerBytesMax = packageHeaderBytesMax, verifier, signal }: ReadPackageOptions,
): Promise<PackageReading | NotRead> {
  const got = await store.get(head.key, { ...(signal && { signal }), ifMatch: head.etag })
  if (got.kind !== 'found') return { kind: 'changed' }
  const hash = createHash('sha256')
  let kept: Uint8Array[] = []
  let keptBytes = 0
  let wanted = firstBytesDefault
  let opened: OpenedPackage | Unreadable | undefined
  let length = 0
  for await (const chunk of got.body) {
    hash.update(chunk)
    length += chunk.length
    if (opened !== undefined) {
      if (opened.kind === 'opened') opened.check?.update(chunk)
      continue
    }
    kept.push(chunk)
    keptBytes += chunk.length
    if (keptBytes < wanted && length < head.size) continue
    const bytes = Buffer.concat(kept)
    kept = [bytes]
    const located = locate(bytes)
    if (located.kind === 'unreadable') opened = located
    else if (located.kind === 'complete') {
      // A copy: what is behind the header must not be kept in memory for it.
      opened = openPackage(Uint8Array.from(bytes.subarray(0, located.headerEnd)), head.size, verifier)
      if (opened.kind === 'opened') opened.check?.update(bytes.subarray(located.headerEnd))
    } else {
      wanted = located.bytesNeeded
      if (wanted > headerBytesMax) {
        const fault = tooLarge(wanted, headerBytesMax)
        if (fault.kind === 'large') return fault
        opened = fault
      }
    }
    if (opened !== undefined) kept = []
  }
  if (length !== head.size) return { kind: 'changed' }
  const sha256 = hash.digest('hex')
  const end = opened ?? cutOff(length, wanted)
  if (end.kind === 'unreadable') return settle(end, sha256)
  return settle({ kind: 'read', rpm: end.rpm, verdict: end.check?.wholeVerdict() }, sha256)
}

function locate(bytes: Uint8Array): HeaderLocation | Unreadable {
  try {
    return locateHeaders(bytes)
  } catch (error) {
    return unreadable(error)
  }
}
