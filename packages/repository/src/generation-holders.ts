/**
 * Who needs a generation beyond its time: the mirrorlist, and snapshots, each a mirrorlist with a name of its own below `snapshots/`.
 */
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { readMirrorlist } from './generations.ts'
import { inParallel } from './in-parallel.ts'
import { type GenerationId, mirrorlistBytesMax, parseMirrorlist } from './mirrorlist.ts'
import { readSmall } from './repomd-follower.ts'
import type { RepositoryRoot } from './roots.ts'

export interface GenerationHolders {
  /** What the mirrorlist names; `undefined` where there is none. */
  readonly named: GenerationId | undefined
  /** A person has pinned it. */
  readonly isPinned: boolean
  /** Name of each snapshot → its generation. */
  readonly snapshots: ReadonlyMap<string, GenerationId>
}

/** Nobody makes more; each costs a request. */
const snapshotsMax = 10_000
const atATime = 16

/** @throws StoreError */
export async function readGenerationHolders(
  location: RepositoryLocation,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<GenerationHolders> {
  const { store, root } = location
  const names: string[] = []
  for await (const { key } of store.list(snapshotsPrefix(root), withSignal(context))) {
    const [, name] = /^([^/]+)\/mirrorlist$/.exec(key.slice(snapshotsPrefix(root).length)) ?? []
    if (name !== undefined && isSnapshotName(name)) names.push(name)
    if (names.length > snapshotsMax) throw new RangeError(`${root}: there are more than ${snapshotsMax} snapshots`)
  }
  const snapshots = new Map<string, GenerationId>()
  await inParallel(names, atATime, async (name) => {
    const there = await readSmall(store, snapshotKey(root, name), mirrorlistBytesMax, context)
    const generation = there === undefined ? undefined : parseMirrorlist(there.bytes)?.generation
    if (generation !== undefined) snapshots.set(name, generation)
  })
  const mirrorlist = (await readMirrorlist(location, context))?.mirrorlist
  return { named: mirrorlist?.generation, isPinned: mirrorlist?.isPinned === true, snapshots }
}

export function snapshotsPrefix(root: RepositoryRoot): string {
  return `${root}snapshots/`
}

export function snapshotKey(root: RepositoryRoot, name: string): string {
  return `${snapshotsPrefix(root)}${name}/mirrorlist`
}

/** It stands in URLs and in the section of a `.repo` file. */
export function isSnapshotName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(text)
}

/** What a clean-up has to leave. */
export function heldGenerations({ named, snapshots }: GenerationHolders): ReadonlySet<GenerationId> {
  return new Set([...(named === undefined ? [] : [named]), ...snapshots.values()])
}
