/**
 * What a clean-up deletes and what it keeps, with the reason. Pure, printable data; `--dry-run` prints the same.
 *
 * Every time in here is by the store's clock.
 */
import type { GenerationDirectory } from './generation-directories.ts'
import { parseRecordName } from './generation-record.ts'
import {
  clockToleranceMs,
  type DatedGeneration,
  dateGenerations,
  firstPublishedAfter,
  type KnownGeneration,
} from './known-generation.ts'
import { digestIn, type GenerationId } from './mirrorlist.ts'

/** An object directly below `repodata/`. */
export interface RepodataObject {
  /** Without its directory. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  readonly lastModified: Date
}

export interface CleanUpInput {
  readonly now: Date
  /** What repomd.xml says. */
  readonly current: KnownGeneration
  /** Of the generations before, in any order, and of this one. */
  readonly records: readonly KnownGeneration[]
  /** What lies directly below `repodata/`, in any order, listed after repomd.xml was read. */
  readonly listing: readonly RepodataObject[]
  /** What lies below `generations/`, listed after repomd.xml was read. */
  readonly directories: readonly GenerationDirectory[]
  /** Generations that the mirrorlist or a snapshot names. */
  readonly held: ReadonlySet<GenerationId>
  /** How long a client may use a repomd.xml after it was superseded. */
  readonly retentionMs: number
  /** So many of the newest generations keep what they name, the current one among them: 1 or more. */
  readonly keepGenerations: number
}

export interface PlannedDelete extends RepodataObject {
  /** `generation`: the directory of one, below `generations/`; its name is the id, its size that of all in it. */
  readonly kind: 'document' | 'generation' | 'record' | 'probe'
  /** Since when nothing names it. Of what is left of a probe, or of a lease: when it was written. */
  readonly since: Date
  /** Of a generation: who uses it or has left it, as far as the plan knows. */
  readonly marks?: readonly string[] | undefined
}

export type KeepReason =
  /** Named by repomd.xml, or it is that itself, its signature or the record of what it says. */
  | 'current'
  /** One of the generations to keep, or named by one. */
  | 'generation kept'
  /** The mirrorlist or a snapshot names it. */
  | 'held'
  /** Superseded, but not yet for the time of retention. */
  | 'retained'
  /** No generation is known to be newer: a publish under way may be about to name it. */
  | 'not superseded'
  /** No generation ever named it: somebody put it there. */
  | 'foreign'

export interface PlannedKeep extends RepodataObject {
  readonly why: KeepReason
  /** Since when nothing names it, where it is `retained`. */
  readonly since?: Date
}

export interface CleanUpPlan {
  /** In the order of deletion: documents, then directories of generations, then records, each the oldest first. */
  readonly delete: readonly PlannedDelete[]
  /** By name. */
  readonly keep: readonly PlannedKeep[]
}

/**
 * The rule: a document may go when each generation that named it has been superseded for the time of retention. One that no
 * known generation named may go when it has been older than some generation for as long: who wrote it had read a snapshot
 * before, so its compare-and-swap cannot succeed any more, and nobody else names what he did not create.
 *
 * What repomd.xml names always stays. What lies there and is neither a document of ours nor named by any known generation stays.
 */
export function planCleanUp(input: CleanUpInput): CleanUpPlan {
  const view = new GenerationView(input)
  const deletes: PlannedDelete[] = []
  const keeps: PlannedKeep[] = []
  for (const object of input.listing) {
    const fate = decide(object, view, input)
    if ('why' in fate) keeps.push({ ...object, ...fate })
    else deletes.push({ ...object, ...fate })
  }
  for (const directory of input.directories) {
    const { id, size, writtenAt, marks } = directory
    const object = { name: id, size, lastModified: writtenAt, marks }
    const fate = decideDirectory(directory, view, input)
    if ('why' in fate) keeps.push({ ...object, ...fate })
    else deletes.push({ ...object, ...fate })
  }
  return { delete: deletes.sort(compareDeletion), keep: keeps.sort((a, b) => (a.name < b.name ? -1 : 1)) }
}

type Fate = Pick<PlannedDelete, 'kind' | 'since'> | Pick<PlannedKeep, 'why' | 'since'>

/**
 * The directory of a generation goes by the same rule: when it has been superseded for the time of retention, or, where it was never published,
 * when it has been older than some generation for as long. Who left it, or was killed while he began to use it, gives it the time from there on.
 */
function decideDirectory(
  { id, writtenAt, claimedAt, leftAt }: GenerationDirectory,
  view: GenerationView,
  input: CleanUpInput,
): Fate {
  if (input.current.digest === digestIn(id)) return { why: 'current' }
  if (input.held.has(id)) return { why: 'held' }
  // Who begins to use it has time for that, however short the retention.
  if (claimedAt !== undefined && claimedAt.getTime() + claimMs >= input.now.getTime()) {
    return { why: 'retained', since: claimedAt }
  }
  const published = view.withDigest(digestIn(id))
  if (published.some((generation) => view.isKept(generation))) return { why: 'generation kept' }
  const superseded =
    published.length === 0
      ? // Who left it had been sent there: it was published, and is not any more, also where that is too close to tell by the times.
        (view.supersededSince(writtenAt) ?? leftAt)
      : published.map(({ supersededAt }) => supersededAt).reduce(laterOf)
  const used = [claimedAt, leftAt].filter((at) => at !== undefined)
  return afterRetention('generation', used.reduce<Date | undefined>(laterOf, superseded), input)
}

/** From the claim until the mirrorlist or a snapshot names it: two requests, or a signature by hand between them. Milliseconds. */
const claimMs = 15 * 60_000

function afterRetention(
  kind: PlannedDelete['kind'],
  since: Date | undefined,
  { now, retentionMs }: Pick<CleanUpInput, 'now' | 'retentionMs'>,
): Fate {
  if (since === undefined) return { why: 'not superseded' }
  return since.getTime() + retentionMs < now.getTime() ? { kind, since } : { why: 'retained', since }
}

function decide(object: RepodataObject, view: GenerationView, input: CleanUpInput): Fate {
  const { name, lastModified } = object
  const { now } = input
  if (name.startsWith('repomd.xml') || view.isCurrent(name)) return { why: 'current' }
  if (parseRecordName(name) !== undefined) {
    const generation = view.recordedAs(name)
    if (generation !== undefined && view.isKept(generation)) return { why: 'generation kept' }
    return afterRetention('record', generation?.supersededAt, input)
  }
  if (probeName.test(name)) {
    const isLeftOver = lastModified.getTime() + probeAgeMs < now.getTime()
    return isLeftOver ? { kind: 'probe', since: lastModified } : { why: 'not superseded' }
  }
  if (view.isNamedByKept(name)) return { why: 'generation kept' }
  if (name.endsWith('.rpm') || !(view.wasEverNamed(name) || documentName.test(name))) return { why: 'foreign' }
  return afterRetention('document', view.unnamedSince(object), input)
}

/**
 * As `documentHref` in publish.ts makes them, and as others do, and we did: without the part by chance. And as publish-records.ts names
 * what others do not name so.
 */
const documentName =
  /^[0-9a-f]{64}-(?:(?:[0-9a-f]{8}-)?(?:primary|filelists|other)\.xml\.gz|[0-9a-f]{8}-(?:comps\.xml(?:\.gz)?|updateinfo\.xml\.gz|modules\.yaml\.gz))$/
/** What a killed process left of a look at what the store can do (condition-probe.ts), or of its lease, which is renewed every minute (lease.ts). */
const probeName = /^repokeeper-(?:probe-[0-9a-f]{16}|lease\.json)$/
const probeAgeMs = 24 * 3600 * 1000

/** What the generations say of a name. */
class GenerationView {
  readonly #current: KnownGeneration
  readonly #currentNames: ReadonlySet<string>
  /** In the order of publication. */
  readonly #generations: readonly DatedGeneration[]
  readonly #kept: ReadonlySet<DatedGeneration>
  readonly #keptNames: ReadonlySet<string>
  readonly #byName = new Map<string, DatedGeneration[]>()
  readonly #byDigest: ReadonlyMap<string, readonly DatedGeneration[]>

  constructor({ current, records, keepGenerations }: CleanUpInput) {
    this.#current = current
    this.#currentNames = new Set(current.namesInAnyReading)
    // The record of the same repomd.xml is of the current generation itself, also one of an earlier time when it was that.
    const before = records.filter(({ digest }) => digest !== current.digest)
    this.#generations = dateGenerations([...before, current])
    this.#kept = newest(this.#generations, current, keepGenerations)
    this.#keptNames = new Set([...this.#kept].flatMap(({ namesInAnyReading }) => namesInAnyReading))
    this.#byDigest = Map.groupBy(this.#generations, ({ digest }) => digest)
    for (const generation of this.#generations) {
      for (const name of generation.names) {
        const found = this.#byName.get(name)
        if (found === undefined) this.#byName.set(name, [generation])
        else found.push(generation)
      }
    }
  }

  isCurrent(name: string): boolean {
    return this.#currentNames.has(name) || parseRecordName(name)?.digest === this.#current.digest
  }

  /** `undefined` where the record could not be read: another clean-up has taken it away meanwhile. */
  recordedAs(name: string): DatedGeneration | undefined {
    const parsed = parseRecordName(name)
    if (parsed === undefined) return undefined
    return this.withDigest(parsed.digest).find(
      ({ publishedAt }) => publishedAt.getTime() === parsed.publishedAt.getTime(),
    )
  }

  /** One that was published again has several times. */
  withDigest(digest: string): readonly DatedGeneration[] {
    return this.#byDigest.get(digest) ?? []
  }

  /** When the first generation was published that is newer than what was written then. */
  supersededSince(time: Date): Date | undefined {
    return firstPublishedAfter(time, this.#generations)
  }

  isKept(generation: DatedGeneration): boolean {
    return this.#kept.has(generation)
  }

  isNamedByKept(name: string): boolean {
    return this.#keptNames.has(name)
  }

  wasEverNamed(name: string): boolean {
    return this.#byName.has(name)
  }

  unnamedSince({ name, lastModified }: RepodataObject): Date | undefined {
    // A name that others use again and again (`primary.xml.gz`): what was written after a generation is not what that one named.
    const naming = (this.#byName.get(name) ?? []).filter(
      ({ publishedAt }) => lastModified.getTime() <= publishedAt.getTime() + clockToleranceMs,
    )
    if (naming.length === 0) return this.supersededSince(lastModified)
    return naming.map(({ supersededAt }) => supersededAt).reduce(laterOf)
  }
}

/** The current generation, those that are newer than it by now, and so many of the last before. */
function newest(
  generations: readonly DatedGeneration[],
  { digest }: KnownGeneration,
  count: number,
): ReadonlySet<DatedGeneration> {
  // Which was superseded last was the newest, also where two times are too close to tell which is which.
  const lastFirst = generations
    .filter((generation) => generation.supersededAt !== undefined && generation.digest !== digest)
    .toSorted((a, b) => endOf(b) - endOf(a) || b.publishedAt.getTime() - a.publishedAt.getTime())
  const standing = generations.filter(
    (generation) => generation.supersededAt === undefined || generation.digest === digest,
  )
  return new Set([...standing, ...lastFirst.slice(0, Math.max(0, count - 1))])
}

function endOf({ supersededAt }: DatedGeneration): number {
  return supersededAt?.getTime() ?? Number.POSITIVE_INFINITY
}

/** `undefined` is never, which is later than anything. */
function laterOf(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return undefined
  return a > b ? a : b
}

/** A clean-up that is cut off leaves a record too many, never a document whose record is gone. */
function compareDeletion(a: PlannedDelete, b: PlannedDelete): number {
  const order = turns.indexOf(turnOf(a)) - turns.indexOf(turnOf(b))
  return order || a.since.getTime() - b.since.getTime() || (a.name < b.name ? -1 : 1)
}

/** What is deleted before what. */
export const turns = ['objects', 'generations', 'records'] as const

export function turnOf({ kind }: Pick<PlannedDelete, 'kind'>): (typeof turns)[number] {
  if (kind === 'generation') return 'generations'
  return kind === 'record' ? 'records' : 'objects'
}
