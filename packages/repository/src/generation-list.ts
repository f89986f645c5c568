/**
 * The generations that a person can go back to: those that were published and whose directories are kept.
 */
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import type { GenerationDirectory } from './generation-directories.ts'
import { generationLocation } from './generation-directory.ts'
import { readGenerationHolders } from './generation-holders.ts'
import { inParallel } from './in-parallel.ts'
import { type DatedGeneration, dateGenerations } from './known-generation.ts'
import { digestIn, type GenerationId } from './mirrorlist.ts'
import { RepositoryError } from './repository-error.ts'
import { readForCleanUp } from './retention.ts'
import { signatureKey } from './signature.ts'
import { readSnapshot } from './snapshot.ts'

export interface ListedGeneration {
  readonly id: GenerationId
  readonly revision: string
  /** When it was published, by the store's clock. */
  readonly since: Date
  /** When another took its place; `undefined`: none has, or nobody knows any more. */
  readonly until: Date | undefined
  /** `undefined` where its metadata cannot be read. */
  readonly packages: number | undefined
  /** Bytes of its directory. */
  readonly size: number
  readonly isSigned: boolean
  /** What is published now. */
  readonly isCurrent: boolean
  /** What the mirrorlist names, and so what clients see; whether a person has pinned it there. */
  readonly isNamed: boolean
  readonly isPinned: boolean
  readonly snapshots: readonly string[]
}

/** Each reads a document, and looks at some objects. */
const atATime = 4

/**
 * The newest first. A directory that a lost race left is none: it was never published.
 *
 * @throws RepositoryError `BROKEN_METADATA`, StoreError
 */
export async function listGenerations(
  location: RepositoryLocation,
  context: RepositoryContext,
): Promise<ListedGeneration[]> {
  const { current, records, directories } = await readForCleanUp(location, context)
  const holders = await readGenerationHolders(location, context)
  const before = records.filter(({ digest }) => digest !== current.digest)
  const known = new Map(dateGenerations([...before, current]).map((one) => [one.digest, one]))
  const snapshotsOf = Map.groupBy(holders.snapshots.keys(), (name) => holders.snapshots.get(name))
  // One that clients were sent to until a while ago was published as well, whether or not its record is there still.
  const wasPublished = ({ id, leftAt }: GenerationDirectory): boolean =>
    known.has(digestIn(id)) || id === holders.named || snapshotsOf.has(id) || leftAt !== undefined
  const kept = directories.filter((one) => one.isWhole && wasPublished(one))
  const listed = await inParallel(kept, atATime, async ({ id, size, writtenAt }): Promise<ListedGeneration> => {
    const generation: DatedGeneration | undefined = known.get(digestIn(id))
    const isNamed = id === holders.named
    return {
      id,
      revision: id.slice(0, id.indexOf('-')),
      since: generation?.publishedAt ?? writtenAt,
      until: generation?.supersededAt,
      ...(await lookInto(location, id, context)),
      size,
      isCurrent: digestIn(id) === current.digest,
      isNamed,
      isPinned: isNamed && holders.isPinned,
      snapshots: (snapshotsOf.get(id) ?? []).toSorted(),
    }
  })
  return listed.toSorted((a, b) => b.since.getTime() - a.since.getTime() || (a.id < b.id ? 1 : -1))
}

async function lookInto(
  location: RepositoryLocation,
  id: GenerationId,
  context: RepositoryContext,
): Promise<Pick<ListedGeneration, 'packages' | 'isSigned'>> {
  const own = generationLocation(location, id)
  const isSigned = (await own.store.head(signatureKey(own.root), withSignal(context))) !== undefined
  try {
    const { lookup } = await readSnapshot(own, { ...context, onEvent: () => {} })
    return { packages: lookup.count, isSigned }
  } catch (error) {
    if (!(error instanceof RepositoryError)) throw error
    return { packages: undefined, isSigned }
  }
}
