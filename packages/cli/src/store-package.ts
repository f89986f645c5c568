/**
 * One package into the bucket, whatever stands there already.
 */
import { type ObjectHead, type ObjectStore, type PutCondition, StoreError } from '@repokeeper/object-store'
import type { LocalPackage } from './local-package.ts'
import { isSameObject } from './same-object.ts'

export type StoreOutcome =
  | { readonly kind: 'added' }
  /** Another file of this name made way. */
  | { readonly kind: 'replaced' }
  /** The very same bytes are there already. */
  | { readonly kind: 'skipped' }
  | { readonly kind: 'failed'; readonly code: string; readonly reason: string }

export interface StoreOptions {
  /** Another file of this name may be replaced. */
  readonly replace: boolean
  /** Only looks; the outcome is what would be. */
  readonly dryRun: boolean
  /** The store ignores conditions: writes have none. */
  readonly singleWriter: boolean
  readonly signal: AbortSignal
  /** Called with the bytes sent so far. */
  readonly onProgress: (bytesSent: number) => void
}

/** Others may write the same name meanwhile, each time. */
const looksMax = 5

/** @throws the signal's reason; a fault of the store is an outcome, because it need not concern the other packages. */
export async function storePackage(
  store: ObjectStore,
  key: string,
  local: LocalPackage,
  options: StoreOptions,
): Promise<StoreOutcome> {
  try {
    for (let look = 1; look <= looksMax; look += 1) {
      const outcome = await lookAndStore(store, key, local, options)
      if (outcome !== 'look again') return outcome
    }
    const reason = `others wrote it ${looksMax} times meanwhile; try again`
    return { kind: 'failed', code: 'CONTENTION', reason }
  } catch (error) {
    options.signal.throwIfAborted()
    if (error instanceof StoreError) return { kind: 'failed', code: error.code, reason: error.message }
    // Reading the file itself.
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
      return { kind: 'failed', code: error.code, reason: error.message }
    }
    throw error
  }
}

async function lookAndStore(
  store: ObjectStore,
  key: string,
  local: LocalPackage,
  options: StoreOptions,
): Promise<StoreOutcome | 'look again'> {
  const { signal, singleWriter } = options
  const there = await look(store, key, options)
  let condition: PutCondition = { if: 'absent' }
  if (there !== undefined && !(there instanceof StoreError)) {
    const same = await isSameObject(store, there, local, signal)
    if (same === 'changed') return 'look again'
    if (same) return { kind: 'skipped' }
    if (!options.replace) {
      const reason = 'another file of this name is there already; --replace puts this one in its place'
      return { kind: 'failed', code: 'DIFFERENT_FILE', reason }
    }
    condition = { if: 'unchanged', etag: there.etag }
  }
  const kind = condition.if === 'absent' ? 'added' : 'replaced'
  if (options.dryRun) return { kind }
  const { sha256, size, open } = local
  const put = await store.put(key, { size, open }, singleWriter ? { if: 'always' } : condition, {
    sha256,
    contentType: 'application/x-rpm',
    signal,
    onProgress: options.onProgress,
  })
  if (put.kind === 'stored') return { kind }
  if (!(there instanceof StoreError)) return 'look again'
  const reason = `a file of this name is there already, and whether it is the same cannot be told: ${there.message}`
  return { kind: 'failed', code: 'MAY_NOT_LOOK', reason }
}

/** An error: these credentials may put objects, but not look at them. That is enough for what is not there yet. */
async function look(
  store: ObjectStore,
  key: string,
  { replace, dryRun, singleWriter, signal }: StoreOptions,
): Promise<ObjectHead | undefined | StoreError> {
  try {
    return await store.head(key, { signal })
  } catch (error) {
    const needsNoLook = !replace && !dryRun && !singleWriter
    if (needsNoLook && error instanceof StoreError && error.code === 'ACCESS_DENIED') return error
    throw error
  }
}
