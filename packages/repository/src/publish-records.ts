/**
 * Documents that are none of the three (comps, modules, updateinfo): put beside the metadata, and named by the compare-and-swap of every
 * publish. No package changes, so there is nothing to look at again afterwards, and no pledge; record and signature are as always.
 */
import { documentKinds, foreignRecord, type Repomd, type RepomdRecord, type ScratchFile } from '@repokeeper/repodata'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { keepFollowers } from './generations.ts'
import { renewGeneration } from './publish.ts'
import { RepositoryError } from './repository-error.ts'
import { readRepomd } from './snapshot.ts'

/** A document that is written but not published. */
export interface DraftRecord {
  /** That of its record: `updateinfo`. */
  readonly type: string
  /** What its name ends with: `updateinfo.xml.gz`; clean-up-plan.ts knows these. */
  readonly name: string
  readonly contentType: string
  /** The caller's. */
  readonly file: ScratchFile
  readonly sha256: string
  /** Of the uncompressed bytes; absent where it is not compressed. */
  readonly open?: { readonly sha256: string; readonly size: number }
}

export interface RecordsChange {
  /** Types of records that make way for the drafts. */
  readonly replaces: ReadonlySet<string>
  readonly drafts: readonly DraftRecord[]
}

/** Lost races before giving up, and the longest wait after one. */
const conflictsMax = 30
const pauseMs = 2_000
/** The name that a document gets is taken: so many other names are tried. */
const namesMax = 10

/**
 * @param plan what is to change about what is published now; asked again after each lost race
 * @returns the revision that was published; `undefined` where it all says so already
 * @throws RepositoryError `MISSING_DOCUMENT` where there is no repository, `CONTENTION`, `SIGNED`; StoreError, and what `plan` throws
 */
export async function publishRecords(
  location: RepositoryLocation,
  plan: (repomd: Repomd) => Promise<RecordsChange>,
  context: RepositoryContext,
): Promise<string | undefined> {
  const repository = describeLocation(location)
  for (let conflicts = 0; conflicts < conflictsMax; conflicts += 1) {
    const { stored, repomd } = await readRepomd(location, context)
    if (stored === undefined) {
      const message = `${repository} has no repodata/repomd.xml that could name anything; "repokeeper rebuild" writes one`
      throw new RepositoryError('MISSING_DOCUMENT', message, repository)
    }
    const change = await plan(repomd)
    if (says(repomd, change)) {
      // Who published it may have died before its signature and the mirrorlist followed.
      await keepFollowers(location, context)
      return undefined
    }
    const placed: RepomdRecord[] = []
    for (const draft of change.drafts) placed.push(await placeRecord(location, draft, context))
    const left = repomd.records.filter(({ type }) => !change.replaces.has(type))
    const records = inOrder([...left, ...placed])
    const outcome = await renewGeneration(location, { stored, repomd: { ...repomd, records } }, context)
    if (outcome.kind === 'published') return outcome.revision
    await context.sleep(context.random() * pauseMs, context.signal)
  }
  const message = `${repository}: ${conflictsMax} publishes in a row were lost to others; try again`
  throw new RepositoryError('CONTENTION', message, repository)
}

function says({ records }: Repomd, { replaces, drafts }: RecordsChange): boolean {
  const there = records.filter(({ type }) => replaces.has(type))
  const isThere = ({ type, sha256 }: DraftRecord): boolean =>
    there.some((record) => record.type === type && record.checksum?.hex === sha256)
  return there.length === drafts.length && drafts.every(isThere)
}

/** Always created here and now, as every document: one that stands there already may be about to be cleaned up (publish.ts). */
async function placeRecord(
  location: RepositoryLocation,
  { type, name, contentType, file, sha256, open }: DraftRecord,
  context: RepositoryContext,
): Promise<RepomdRecord> {
  const { size } = file
  for (let attempt = 0; attempt < namesMax; attempt += 1) {
    const salt = Math.floor(context.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
    const href = `repodata/${sha256}-${salt}-${name}`
    const outcome = await location.store.put(
      `${location.root}${href}`,
      { size, open: () => file.bytes(), path: file.path },
      context.singleWriter ? { if: 'always' } : { if: 'absent' },
      { sha256, contentType, cacheControl: 'public, max-age=31536000, immutable', ...withSignal(context) },
    )
    const timestamp = Math.floor(context.now().getTime() / 1000)
    if (outcome.kind === 'stored') {
      return foreignRecord({ type, href, timestamp, sha256, size, ...(open === undefined ? {} : { open }) })
    }
  }
  throw new Error(`${describeLocation(location)}: ${namesMax} names for one document are all taken`)
}

/** As every publish has them (repomd.ts `formatRepomd`): the three first, then by type. */
function inOrder(records: readonly RepomdRecord[]): RepomdRecord[] {
  const rank = ({ type }: RepomdRecord): number => {
    const at = (documentKinds as readonly string[]).indexOf(type)
    return at === -1 ? documentKinds.length : at
  }
  const byType = (a: RepomdRecord, b: RepomdRecord): number => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0)
  return records.toSorted((a, b) => rank(a) - rank(b) || (rank(a) === documentKinds.length ? byType(a, b) : 0))
}
