/**
 * One package from one repository into another, whatever stands there already.
 */
import { createHash } from 'node:crypto'
import {
  type CopySource,
  type ObjectHead,
  type ObjectStore,
  type PutCondition,
  StoreError,
} from '@repokeeper/object-store'
import type { OpenRepository } from './open-repository.ts'
import type { RemoveCandidate } from './remove-candidates.ts'
import { isSameObject } from './same-object.ts'

export type PackageCopy =
  | { readonly kind: 'copied' | 'replaced' | 'skipped'; readonly sha256: string }
  | { readonly kind: 'failed'; readonly code: string; readonly reason: string }
  | { readonly kind: 'not done' }

export interface CopyPackageOptions {
  /** Another file of this name may be replaced. */
  readonly replace: boolean
  /** Only looks; the outcome is what would be. */
  readonly dryRun: boolean
  /** The store ignores conditions: writes have none. */
  readonly singleWriter: boolean
  readonly signal: AbortSignal
}

/** Where it goes. */
interface Target {
  readonly store: ObjectStore
  readonly root: string
  readonly path: string
}

type Source = CopySource & { readonly sha256: string }

/** Others may write the same name meanwhile, each time. */
const looksMax = 5

/** A fault of a store is an outcome, because it need not concern the other packages. */
export async function copyPackage(
  candidate: RemoveCandidate,
  { location }: OpenRepository,
  target: Target,
  options: CopyPackageOptions,
): Promise<PackageCopy> {
  const { signal } = options
  if (signal.aborted) return { kind: 'not done' }
  try {
    const source = await lookAtSource(candidate, location.store, signal)
    if (!('store' in source)) return source
    for (let look = 1; look <= looksMax; look += 1) {
      const outcome = await lookAndCopy(source, target, options)
      if (outcome !== 'look again') return outcome
    }
    return { kind: 'failed', code: 'CONTENTION', reason: `others wrote it ${looksMax} times meanwhile; try again` }
  } catch (error) {
    if (signal.aborted) return { kind: 'not done' }
    if (error instanceof StoreError) return { kind: 'failed', code: error.code, reason: error.message }
    throw error
  }
}

/** The package that the metadata lists, as the bucket has it now, with its digest. */
async function lookAtSource(
  { object, listed }: RemoveCandidate,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<Source | Extract<PackageCopy, { kind: 'failed' }>> {
  const gone = { kind: 'failed', code: 'GONE', reason: 'it is listed, but not there any more' } as const
  const changed = {
    kind: 'failed',
    code: 'CHANGED',
    reason: 'it is another package now than the one that is listed; look again',
  } as const
  const head = object === undefined ? undefined : await store.head(object.key, { signal })
  if (head === undefined) return gone
  const expected = listed?.checksumType === 'sha256' ? listed.pkgid : undefined
  const sha256 = head.sha256 ?? (await digestOf(store, head, signal))
  if (sha256 === undefined || (expected !== undefined && expected !== sha256)) return changed
  const { key, etag, size } = head
  return { store, key, etag, size, sha256 }
}

/** `undefined`: it changed while it was read. */
async function digestOf(store: ObjectStore, head: ObjectHead, signal: AbortSignal): Promise<string | undefined> {
  const got = await store.get(head.key, { ifMatch: head.etag, signal })
  if (got.kind !== 'found') return undefined
  const hash = createHash('sha256')
  for await (const chunk of got.body) hash.update(chunk)
  return hash.digest('hex')
}

async function lookAndCopy(
  source: Source,
  { store, root, path }: Target,
  { replace, dryRun, singleWriter, signal }: CopyPackageOptions,
): Promise<PackageCopy | 'look again'> {
  const key = `${root}${path}`
  const { sha256 } = source
  const there = await store.head(key, { signal })
  let condition: PutCondition = { if: 'absent' }
  if (there !== undefined) {
    const same = await isSameObject(store, there, source, signal)
    if (same === 'changed') return 'look again'
    if (same) return { kind: 'skipped', sha256 }
    if (!replace) {
      const reason = 'another file of this name is there already; --replace puts this one in its place'
      return { kind: 'failed', code: 'DIFFERENT_FILE', reason }
    }
    condition = { if: 'unchanged', etag: there.etag }
  }
  const kind = there === undefined ? 'copied' : 'replaced'
  if (dryRun) return { kind, sha256 }
  const how = { contentType: 'application/x-rpm', signal }
  const { kind: outcome } = await store.copy(source, key, singleWriter ? { if: 'always' } : condition, how)
  switch (outcome) {
    case 'stored':
      return { kind, sha256 }
    case 'conflict':
      return 'look again'
    case 'changed':
      return { kind: 'failed', code: 'CHANGED', reason: 'it was replaced or removed while it was copied; look again' }
  }
}
