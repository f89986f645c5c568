/**
 * Which blocks of a generation stay as they are, and what becomes of the others: from primary, and then the same in all three documents.
 */
import { endsBlock } from './block-cut.ts'
import type { BlockLookup } from './block-lookup.ts'
import { compareLocations, type Location } from './identity.ts'
import type { ListedPackage } from './package-index.ts'
import type { NewPackage } from './patch-document.ts'

/** Blocks `first` to `first + count` of the old documents. */
export type BlockStep = { readonly first: number; readonly count: number } & (
  | { readonly kind: 'copied' }
  | {
      readonly kind: 'rewritten'
      /** Of every entry that the old blocks hold, in order. */
      readonly pkgids: readonly string[]
      /** What is to stand in their place, in order. */
      readonly entries: readonly (KeptEntry | NewPackage)[]
    }
)

/** The entry at `at` of the old blocks, counted from 0. */
export interface KeptEntry {
  readonly kind: 'kept'
  readonly at: number
  readonly listed: ListedPackage
}

/**
 * @param gone ordinals of the packages that are left out
 * @param added at most one for a location
 * @throws DocumentError where a block that is touched cannot be read
 */
export async function planBlocks(
  lookup: BlockLookup,
  gone: ReadonlySet<number>,
  added: readonly NewPackage[],
): Promise<BlockStep[]> {
  const newOf = new Map<number, NewPackage[]>()
  for (const one of added.toSorted((a, b) => compareLocations(a.location, b.location))) {
    const block = lookup.blockOf(one.location)
    const before = newOf.get(block)
    if (before === undefined) newOf.set(block, [one])
    else before.push(one)
  }
  const touched = new Set([...newOf.keys(), ...[...gone].map((ordinal) => lookup.blockOfOrdinal(ordinal))])

  const blocks = lookup.primary.table.blocks.length
  if (blocks === 0) return [{ kind: 'rewritten', first: 0, count: 0, pkgids: [], entries: newOf.get(-1) ?? [] }]
  const steps: BlockStep[] = []
  let at = 0
  while (at < blocks) {
    const first = at
    while (at < blocks && !touched.has(at)) at += 1
    if (at > first) steps.push({ kind: 'copied', first, count: at - first })
    if (at === blocks) break
    const step = await planRewrite(lookup, at, touched, gone, newOf)
    steps.push(step)
    at += step.count
  }
  return steps
}

/** From a block that is touched on, until an end of the new blocks falls together with one of the old ones before a block that is not. */
async function planRewrite(
  lookup: BlockLookup,
  first: number,
  touched: ReadonlySet<number>,
  gone: ReadonlySet<number>,
  newOf: ReadonlyMap<number, readonly NewPackage[]>,
): Promise<Extract<BlockStep, { kind: 'rewritten' }>> {
  const pkgids: string[] = []
  const entries: (KeptEntry | NewPackage)[] = []
  let inBlock = 0
  const put = (entry: KeptEntry | NewPackage, location: string): void => {
    entries.push(entry)
    inBlock += 1
    if (endsBlock(location, inBlock)) inBlock = 0
  }
  let at = first
  do {
    const fresh = [...(newOf.get(at) ?? [])].reverse()
    for (const listed of await lookup.packagesIn(at)) {
      for (let one = fresh.at(-1); one !== undefined && precedes(one.location, listed); one = fresh.at(-1)) {
        put(one, one.location)
        fresh.pop()
      }
      if (!gone.has(listed.ordinal)) put({ kind: 'kept', at: pkgids.length, listed }, listed.href)
      pkgids.push(listed.pkgid)
    }
    for (const one of fresh.reverse()) put(one, one.location)
    at += 1
  } while (at < lookup.primary.table.blocks.length && (inBlock > 0 || touched.has(at)))
  return { kind: 'rewritten', first, count: at - first, pkgids, entries }
}

function precedes(location: Location, { href }: ListedPackage): boolean {
  return compareLocations(location, href) <= 0
}
