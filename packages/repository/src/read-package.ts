/**
 * The header and the digest of one package, both of one version of the object, and whether the policy lets it in.
 */
import { createHash } from 'node:crypto'
import type { ObjectHead, ObjectStore } from '@repokeeper/object-store'
import type { RpmPackage } from '@repokeeper/rpm-parser'
import type { Unreadable } from './open-package.ts'
import { type PackageSigner, type PolicyRefusal, refusalOf } from './package-policy.ts'
import { PassingPackage } from './passing-package.ts'
import { type RangesRead, type ReadRangesOptions, readRanges } from './read-ranges.ts'

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
  { headerBytesMax, verifier, signal }: ReadPackageOptions,
): Promise<PackageReading | NotRead> {
  const got = await store.get(head.key, { ...(signal && { signal }), ifMatch: head.etag })
  if (got.kind !== 'found') return { kind: 'changed' }
  const hash = createHash('sha256')
  const passing = new PassingPackage(head.size, { headerBytesMax, verifier })
  for await (const chunk of got.body) {
    hash.update(chunk)
    passing.update(chunk)
    if (passing.verdict?.kind === 'large') return { kind: 'large' }
  }
  if (passing.length !== head.size) return { kind: 'changed' }
  return settle(passing.end(), hash.digest('hex'))
}
