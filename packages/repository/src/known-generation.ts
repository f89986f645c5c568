/**
 * The generations that are known of a repository, by its repomd.xml and the records of those before: what each names, and
 * when it was superseded.
 */
import { posix } from 'node:path'
import { parseLocation, type Repomd, type RepomdRecord } from '@repokeeper/repodata'

export interface KnownGeneration {
  /** By the store's clock. */
  readonly publishedAt: Date
  /** Of its repomd.xml, as in the name of its record. */
  readonly digest: string
  readonly revision: string | undefined
  /** Names directly below `repodata/` of what it names. Nothing where its repomd.xml cannot be parsed. */
  readonly names: readonly string[]
  /** The same, and what else a client could take its hrefs for: for what must not be deleted. */
  readonly namesInAnyReading: readonly string[]
}

/**
 * By so much two times that a store gives may differ from the order in which things happened: front ends of one store have a
 * clock each.
 */
export const clockToleranceMs = 60_000

export function knownGeneration(
  publishedAt: Date,
  digest: string,
  repomd: Pick<Repomd, 'revision' | 'records'> | undefined,
): KnownGeneration {
  if (repomd === undefined) return { publishedAt, digest, revision: undefined, names: [], namesInAnyReading: [] }
  const names = namesOf(repomd.records.flatMap(placeOf))
  const others = namesOf(repomd.records.flatMap(anyPlaceOf)).filter((name) => !names.includes(name))
  const namesInAnyReading = others.length === 0 ? names : [...names, ...others]
  return { publishedAt, digest, revision: repomd.revision, names, namesInAnyReading }
}

/** A generation, and since when another one stands in its place; `undefined`: since never. */
export interface DatedGeneration extends KnownGeneration {
  readonly supersededAt: Date | undefined
}

/** Each generation with the time of the first that was published after it, in the order of publication. */
export function dateGenerations(generations: readonly KnownGeneration[]): DatedGeneration[] {
  const ordered = generations.toSorted(comparePublication)
  let from = 0
  return ordered.map((generation, at) => {
    while (isLongBefore(ordered[from], generation)) from += 1
    return { ...generation, supersededAt: firstAfter(generation, ordered, from, at) }
  })
}

/** When the first generation was published that is later than a time, whichever of the store's clocks either is by. */
export function firstPublishedAfter(time: Date, ordered: readonly KnownGeneration[]): Date | undefined {
  let [low, high] = [0, ordered.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const { publishedAt } = ordered[middle] ?? { publishedAt: time }
    if (publishedAt.getTime() > time.getTime() + clockToleranceMs) high = middle
    else low = middle + 1
  }
  return ordered[low]?.publishedAt
}

/** @param from the first that is not long before the generation @param at where it stands itself */
function firstAfter(
  generation: KnownGeneration,
  ordered: readonly KnownGeneration[],
  from: number,
  at: number,
): Date | undefined {
  for (let index = from; index < ordered.length; index += 1) {
    const other = ordered[index]
    if (index === at || other === undefined || !isAfter(other, generation)) continue
    return other.publishedAt > generation.publishedAt ? other.publishedAt : generation.publishedAt
  }
  return undefined
}

/**
 * Whether one generation was published after the other. Where the store's times are too close to tell, the revision does, which
 * goes up with each publish (`nextRevision`); where that says nothing either, no: what nobody knows to be superseded is kept.
 */
function isAfter(other: KnownGeneration, generation: KnownGeneration): boolean {
  const apartMs = other.publishedAt.getTime() - generation.publishedAt.getTime()
  if (Math.abs(apartMs) > clockToleranceMs) return apartMs > 0
  const [later, earlier] = [revisionNumber(other), revisionNumber(generation)]
  return later !== undefined && earlier !== undefined && later > earlier
}

function isLongBefore(other: KnownGeneration | undefined, { publishedAt }: KnownGeneration): boolean {
  return other !== undefined && other.publishedAt.getTime() < publishedAt.getTime() - clockToleranceMs
}

function revisionNumber({ revision = '' }: KnownGeneration): number | undefined {
  return /^[0-9]{1,15}$/.test(revision) ? Number(revision) : undefined
}

/** By time, then revision, then digest: any order of the records gives the same. */
function comparePublication(a: KnownGeneration, b: KnownGeneration): number {
  const apartMs = a.publishedAt.getTime() - b.publishedAt.getTime()
  if (apartMs !== 0) return apartMs
  const apart = (revisionNumber(a) ?? -1) - (revisionNumber(b) ?? -1)
  if (apart !== 0) return apart
  return a.digest < b.digest ? -1 : 1
}

/** Where the document of a record lies, below the root; nowhere where that is not for us to say. */
function placeOf({ href, base }: Pick<RepomdRecord, 'href' | 'base'>): string[] {
  const place = href.replace(/^(?:\.\/)+/, '')
  return base === undefined && parseLocation(place) !== undefined ? [place] : []
}

/** A client may resolve `..`, take the href for percent-encoded, and `xml:base` may well be this repository's own URL. */
function anyPlaceOf({ href, base = '' }: Pick<RepomdRecord, 'href' | 'base'>): string[] {
  const places = [href, decoded(href)].map((place) => posix.normalize(place))
  return base === '' ? places : [...places, ...places.map((place) => place.replace(/^.*(?=repodata\/[^/]*$)/, ''))]
}

function decoded(href: string): string {
  try {
    return decodeURIComponent(href)
  } catch {
    return href
  }
}

function namesOf(places: readonly string[]): string[] {
  const names = places.flatMap((place) => /^repodata\/([^/]+)$/.exec(place)?.[1] ?? [])
  return [...new Set(names)]
}
