/**
 * Who needs a generation beyond its time: the mirrorlist, and snapshots, each a mirrorlist with a name of its own below `snapshots/`.
 */
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { readMirrorlist } from './generations.ts'
import { inParallel } from './in-parallel.ts'
import { type GenerationId, mirrorlistBytesMax, parseMirrorlist } from './mirrorlist.ts'
import { readSmall } from './repomd-follower.ts'
import { RepositoryError } from './repository-error.ts'
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

/**
 * @param onUnreadable is called where what a snapshot is of cannot be told; by default it is thrown, for nobody would know what must stay
 * @throws StoreError, RepositoryError `BROKEN_METADATA`
 */
export async function readGenerationHolders(
  location: RepositoryLocation,
  context: Pick<RepositoryContext, 'signal'>,
  onUnreadable: (name: string, error: RepositoryError) => void = (_, error) => {
    throw error
  },
): Promise<GenerationHolders> {
  const { store, root } = location
  const names: string[] = []
  for await (const { key } of store.list(snapshotsPrefix(root), withSignal(context))) {
    const [, name] = /^([^/]+)\/mirrorlist$/.exec(key.slice(snapshotsPrefix(root).length)) ?? []
    if (name !== undefined && isSnapshotName(name)) names.push(name)
    if (names.length > snapshotsMax) throw tooMany(location)
  }
  const snapshots = new Map<string, GenerationId>()
  await inParallel(names, atATime, async (name) => {
    const there = await readSmall(store, snapshotKey(root, name), mirrorlistBytesMax, context)
    if (there === undefined) return
    const generation = parseMirrorlist(there.bytes)?.generation
    if (generation === undefined) onUnreadable(name, unreadable(location, name))
    else snapshots.set(name, generation)
  })
  const mirrorlist = (await readMirrorlist(location, context))?.mirrorlist
  return { named: mirrorlist?.generation, isPinned: mirrorlist?.isPinned === true, snapshots }
}

function tooMany(location: RepositoryLocation): RepositoryError {
  const repository = describeLocation(location)
  const message = `${repository}: there are more than ${snapshotsMax} snapshots: delete those that nobody installs from ("repokeeper snapshot ${repository} NAME --delete")`
  return new RepositoryError('BROKEN_METADATA', message, repository)
}

function unreadable(location: RepositoryLocation, name: string): RepositoryError {
  const key = snapshotKey(location.root, name)
  const message = `${location.store.name}/${key} was changed, and names no generation any more: put it back as it was, or delete it and with it the snapshot ${name}`
  return new RepositoryError('BROKEN_METADATA', message, describeLocation(location))
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

/** A generation that a person keeps, and by what, for people: `snapshot 2026-11`, `pinned generation ID`. */
export interface KeptGeneration {
  readonly id: GenerationId
  readonly keptBy: readonly string[]
}

export function keptGenerations({ named, isPinned, snapshots }: GenerationHolders): KeptGeneration[] {
  const keepers = new Map<GenerationId, string[]>()
  if (named !== undefined && isPinned) keepers.set(named, [`pinned generation ${named}`])
  for (const [name, id] of [...snapshots].toSorted()) keepers.set(id, [...(keepers.get(id) ?? []), `snapshot ${name}`])
  return [...keepers].map(([id, keptBy]) => ({ id, keptBy }))
}

/** What a clean-up has to leave. */
export function heldGenerations({ named, snapshots }: GenerationHolders): ReadonlySet<GenerationId> {
  return new Set([...(named === undefined ? [] : [named]), ...snapshots.values()])
}
