/**
 * Observe: a key → what the bucket holds now. Never the event, never a memory: the object itself.
 */
import { type ObjectHead, StoreError } from '@repokeeper/object-store'
import { compareLocations, type ListedPackage, type PackageLookup, pathOf } from '@repokeeper/repodata'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { modifiedSeconds, type PackageReader, type ReadOutcome } from './package-reader.ts'

export type Observation = {
  readonly path: string
  /** The entries of the snapshot that stand for the object at this path. */
  readonly listed: readonly ListedPackage[]
} & (
  | { readonly kind: 'absent' }
  /** The object is what the metadata lists, digest, size and time: its header need not be read. */
  | { readonly kind: 'listed'; readonly head: ObjectHead }
  | ({ readonly head: ObjectHead } & ReadOutcome)
  /** The store could not say: nothing is decided on this key now. */
  | { readonly kind: 'fault'; readonly error: StoreError }
)

export interface ObserveOptions {
  /** What is listed as it is, is read all the same: the policy may be another one now. */
  readonly readListed?: boolean
}

/** An object that changes while it is read is observed again so often. */
const observationsMax = 10

/**
 * One object that the store cannot give harms itself only. In the order of the paths, so that each block of the metadata is read once.
 *
 * @param paths below the repository's root
 * @throws StoreError where it can give none of them
 */
export async function observeAll(
  location: RepositoryLocation,
  paths: Iterable<string>,
  lookup: PackageLookup,
  reader: PackageReader,
  context: RepositoryContext,
  options: ObserveOptions = {},
): Promise<Observation[]> {
  const observations = await inParallel(
    [...paths].sort(compareLocations),
    context.packageReadsMax,
    async (path): Promise<Observation> => {
      try {
        return await observe(location, path, lookup, reader, context, options)
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        return { kind: 'fault', path, listed: [], error }
      }
    },
  )
  const [first] = observations
  if (first?.kind === 'fault' && observations.every(({ kind }) => kind === 'fault')) throw first.error
  return observations
}

/** @throws StoreError */
export async function observe(
  location: RepositoryLocation,
  path: string,
  lookup: PackageLookup,
  reader: PackageReader,
  context: RepositoryContext,
  { readListed = false }: ObserveOptions = {},
): Promise<Observation> {
  const listed = await listedAt(location, path, lookup, context)
  for (let look = 1; ; look += 1) {
    const head = await location.store.head(`${location.root}${path}`, withSignal(context))
    if (head === undefined) return { kind: 'absent', path, listed }
    if (!readListed && isListed(head, path, listed)) return { kind: 'listed', path, listed, head }
    const outcome = await reader.read(path, head)
    if (outcome.kind !== 'changed') return { path, listed, head, ...outcome }
    if (look === observationsMax) {
      const reason = `it changed ${observationsMax} times while it was read`
      return { kind: 'unreadable', path, listed, head, code: 'CHANGES_ALL_THE_TIME', reason, pkgid: undefined }
    }
  }
}

/**
 * An entry belongs to the object at the path that it spells. One that is percent-encoded by another tool belongs to the
 * decoded path only where nothing lies at the path as it is written.
 */
async function listedAt(
  location: RepositoryLocation,
  path: string,
  lookup: PackageLookup,
  context: RepositoryContext,
): Promise<readonly ListedPackage[]> {
  const exact = await lookup.at(path)
  const decoded = await inParallel(await lookup.atDecoded(path), 1, async (listed) => {
    const head = await location.store.head(`${location.root}${pathOf(listed) ?? ''}`, withSignal(context))
    return head === undefined ? [listed] : []
  })
  return [...exact, ...decoded.flat()]
}

function isListed(head: ObjectHead, path: string, listed: readonly ListedPackage[]): boolean {
  const [only, ...more] = listed
  return (
    only !== undefined &&
    more.length === 0 &&
    only.href === path &&
    only.checksumType === 'sha256' &&
    only.pkgid === head.sha256 &&
    only.size === head.size &&
    only.modified === modifiedSeconds(head)
  )
}
