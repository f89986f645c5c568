/**
 * Search: the packages that are published and that a query finds, the nearest first. Primary is read as a stream, from the cache where it
 * lies there, so that memory holds an entry at a time and of what is found no more than is asked for.
 */
import { setImmediate as otherWork } from 'node:timers/promises'
import {
  type Bounded,
  cutText,
  type DependencyDetail,
  formatDependency,
  matchEntry,
  type PackageQuery,
  type PrimaryFacts,
  parsePackageQuery,
  readEntries,
  readPrimaryDetails,
  type ScannedEntry,
  type StoredDocument,
  showNevra,
} from '@repokeeper/repodata'
import { compareEvr } from '@repokeeper/rpm-parser'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { readPrimary } from './snapshot.ts'

export interface SearchOptions {
  /** A few: each is looked for in every package. */
  readonly words: string
  /** Packages that are told of. */
  readonly hitsMax: number
  /** Whoever asks has gone. What is being fetched is fetched to its end, for a publish may be waiting for the same. */
  readonly givenUp: AbortSignal
}

export interface PackageHit {
  /** Without an epoch of 0, as dnf prints it. */
  readonly nevra: string
  /** The href, and `xml:base` where the package lies elsewhere. */
  readonly location: string
  readonly base: string | undefined
  /** Bytes of the file. */
  readonly size: number | undefined
  /** Seconds since 1970: when it was built, and when its file was modified. */
  readonly built: number | undefined
  readonly modified: number | undefined
  readonly summary: string
  /** As rpm writes them: `glibc >= 2.34`. */
  readonly requires: Bounded<string>
  readonly provides: Bounded<string>
}

export interface SearchReport {
  readonly revision: string | undefined
  /** All that are listed, and of these all that were found. */
  readonly packages: number
  readonly found: number
  /** The nearest of them. */
  readonly hits: readonly PackageHit[]
}

/** What is told of one package: a kernel provides thousands of symbols, and nobody reads them in an answer. */
export const hitLimits = { dependencies: 50, dependencyCharacters: 200, summaryCharacters: 500, placeCharacters: 2_000 }

/** Bytes of entries that are looked through before others have their turn: some milliseconds of work. */
const turnBytes = 2 ** 18

/**
 * @returns `undefined` where nothing is published
 * @throws what `readSnapshot` throws, the reason of `givenUp`, and a TypeError where there is no word to look for
 */
export async function searchPackages(
  location: RepositoryLocation,
  context: RepositoryContext,
  options: SearchOptions,
): Promise<SearchReport | undefined> {
  const query = parsePackageQuery(options.words)
  if (query === undefined) throw new TypeError('there is no word to look for')
  const read = (document: StoredDocument): Promise<Findings> => look(document, query, options)
  const { etag, repomd, primary } = await readPrimary(location, context, read, new Findings(0))
  if (etag === undefined) return undefined
  return { revision: repomd.revision, packages: primary.count, found: primary.found, hits: primary.hits }
}

async function look(
  primary: StoredDocument,
  query: PackageQuery,
  { hitsMax, givenUp }: SearchOptions,
): Promise<Findings> {
  const findings = new Findings(hitsMax)
  let bytes = 0
  for await (const entry of readEntries('primary', primary)) {
    bytes += entry.bytes.length
    if (bytes >= turnBytes) {
      bytes = 0
      await otherWork()
      givenUp.throwIfAborted()
    }
    findings.count += 1
    const match = matchEntry(entry, query)
    if (match !== undefined) findings.add(match, entry)
  }
  givenUp.throwIfAborted()
  return findings
}

interface Place {
  readonly rank: number
  readonly facts: PrimaryFacts
}

class Findings {
  readonly #most: number
  /** The nearest first. */
  readonly #kept: (Place & { readonly hit: PackageHit })[] = []
  /** Entries that were looked at, and those that were found. */
  count = 0
  found = 0

  constructor(most: number) {
    this.#most = most
  }

  get hits(): PackageHit[] {
    return this.#kept.map(({ hit }) => hit)
  }

  add(place: Place, entry: ScannedEntry): void {
    this.found += 1
    const farther = this.#kept.findIndex((kept) => compareNearness(place, kept) < 0)
    const at = farther === -1 ? this.#kept.length : farther
    if (at >= this.#most) return
    this.#kept.splice(at, 0, { ...place, hit: describe(entry) })
    this.#kept.splice(this.#most)
  }
}

/** Of packages that are equally near by name, and of those of one name the newest first. */
function compareNearness({ rank, facts: a }: Place, { rank: otherRank, facts: b }: Place): number {
  return (
    rank - otherRank ||
    compare(a.name, b.name) ||
    -compareEvr(a, b) ||
    compare(a.arch, b.arch) ||
    compare(a.href, b.href)
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function describe(entry: ScannedEntry): PackageHit {
  const { facts, summary, built, dependencies } = readPrimaryDetails(entry)
  const { href, base, size, modified } = facts
  return {
    nevra: cutText(showNevra(facts), hitLimits.placeCharacters),
    location: cutText(href, hitLimits.placeCharacters),
    base: base === undefined ? undefined : cutText(base, hitLimits.placeCharacters),
    size,
    built,
    modified,
    summary: cutText(summary, hitLimits.summaryCharacters),
    requires: textsOf(dependencies.requires),
    provides: textsOf(dependencies.provides),
  }
}

function textsOf(dependencies: Bounded<DependencyDetail> | undefined): Bounded<string> {
  const { first = [], count = 0 } = dependencies ?? {}
  const told = first.slice(0, hitLimits.dependencies)
  return { first: told.map((one) => cutText(formatDependency(one), hitLimits.dependencyCharacters)), count }
}
