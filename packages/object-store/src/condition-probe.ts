import { parseETag } from './etag.ts'
import type { ETag, ObjectStore, PutCondition } from './port.ts'
import { StoreError } from './port.ts'

export type ConditionProbe =
  /** Writers may rely on compare-and-swap. */
  | { readonly kind: 'honoured' }
  /** The store accepts the condition and writes regardless: two writers lose each other's work in silence. */
  | { readonly kind: 'ignored'; readonly which: 'if absent' | 'if unchanged' }
  /** The store refuses the condition, or refuses writes although it holds. */
  | { readonly kind: 'unsupported'; readonly which: 'if absent' | 'if unchanged'; readonly reason: string }

/**
 * Finds out whether a store does what the conditions of `put` say, by writes that have to be refused.
 *
 * Works on one small object, `<prefix>repokeeper-probe-<random>`, which is deleted afterwards, also on failure. The name ends in
 * nothing that a repository cares for.
 *
 * @param prefix where the credentials may write; empty or ending in a slash.
 * @param options `random` gives numbers from 0 to 1, as `Math.random` does.
 */
export async function probeConditions(
  store: ObjectStore,
  prefix: string,
  { random }: { readonly random: () => number },
): Promise<ConditionProbe> {
  const key = `${prefix}repokeeper-probe-${hex(random)}${hex(random)}`
  try {
    return await probe(store, key)
  } finally {
    await store.delete(key)
  }
}

async function probe(store: ObjectStore, key: string): Promise<ConditionProbe> {
  const nowhere = parseETag('00000000000000000000000000000000')
  const first = await insist(store, key, 'first', { if: 'absent' }, undefined)
  if (first.kind === 'unsupported') return first
  const current = first.kind === 'stored' ? first.etag : first.there
  if (current === undefined) {
    return { kind: 'unsupported', which: 'if absent', reason: 'a write to a new name was refused' }
  }
  const again = await attempt(store, key, 'again', { if: 'absent' })
  if (again.kind === 'stored') return { kind: 'ignored', which: 'if absent' }
  if (again.kind === 'unsupported') return again

  const next = await insist(store, key, 'second', { if: 'unchanged', etag: current }, current)
  if (next.kind === 'unsupported') return next
  const head = await store.head(key)
  if (next.kind === 'conflict' && (next.there === undefined || next.there === current)) {
    return {
      kind: 'unsupported',
      which: 'if unchanged',
      reason: 'a write was refused although its ETag was the current one',
    }
  }
  for (const etag of [current, nowhere]) {
    const stale = await attempt(store, key, 'third', { if: 'unchanged', etag })
    if (stale.kind === 'stored') return { kind: 'ignored', which: 'if unchanged' }
    if (stale.kind === 'unsupported') return stale
  }
  await store.delete(key)
  const gone = await attempt(store, key, 'fourth', { if: 'unchanged', etag: head?.etag ?? current })
  if (gone.kind === 'stored') return { kind: 'ignored', which: 'if unchanged' }
  return gone.kind === 'unsupported' ? gone : { kind: 'honoured' }
}

/** A refusal may pass: S3 answers 409 while another write of the key is under way. */
const refusalsMax = 4

/**
 * A write whose condition holds. Where it is refused and nothing has changed, it is tried again; else the refusal is that of a write which took
 * effect while its answer was lost.
 * @param before the ETag until then
 */
async function insist(
  store: ObjectStore,
  key: string,
  text: string,
  condition: PutCondition,
  before: ETag | undefined,
) {
  for (let refusals = 1; ; refusals += 1) {
    const outcome = await attempt(store, key, text, condition)
    if (outcome.kind !== 'conflict') return outcome
    const there = (await store.head(key))?.etag
    if (there !== before || refusals === refusalsMax) return { kind: outcome.kind, there }
  }
}

async function attempt(store: ObjectStore, key: string, text: string, condition: PutCondition) {
  try {
    return await store.put(key, new TextEncoder().encode(text), condition)
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'UNSUPPORTED')) throw error
    const which = condition.if === 'absent' ? ('if absent' as const) : ('if unchanged' as const)
    return { kind: 'unsupported' as const, which, reason: error.message }
  }
}

function hex(random: () => number): string {
  return Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0')
}
