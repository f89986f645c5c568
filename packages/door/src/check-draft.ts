/**
 * Whether what came is a package that may be let in: looked at as a worker would look at it in the bucket.
 */
import { DirectoryStore } from '@repokeeper/object-store'
import { type PackagePolicy, readPackage, verifierOf } from '@repokeeper/repository'
import type { Draft } from './receive-draft.ts'
import { type Scratch, scratchName } from './scratch.ts'

/** @returns why it is not to be let in, in a sentence; `undefined` where it may be @throws StoreError */
export async function checkDraft(
  draft: Draft,
  scratch: Scratch,
  policy: PackagePolicy,
  signal: AbortSignal,
): Promise<string | undefined> {
  const store = new DirectoryStore(scratch.directory)
  const head = await store.head(scratchName(draft.path), { signal })
  if (head === undefined) return 'it went away while it was looked at'
  // The digest was taken on the way in: only headers are read, and what its signature needs.
  const reading = await readPackage(store, { ...head, sha256: draft.sha256 }, { verifier: verifierOf(policy), signal })
  switch (reading.kind) {
    case 'package':
      return undefined
    case 'changed':
      return 'it changed while it was looked at'
    case 'large':
      return 'its headers are larger than a worker reads'
    case 'unreadable':
      return `it is no RPM package that could be listed: ${reading.reason} (${reading.code})`
    case 'untrusted':
      return `${reading.refusal.reason} (${reading.refusal.code})`
  }
}
