/**
 * A mirror: what is wanted of an upstream and is not there yet comes into a repository, which stays the repository that it is. Nothing is
 * deleted but what `prune` is asked for. Publishing the packages is the caller's.
 */
import { parseRepositoryRoot, type RepositoryContext, type RepositoryLocation } from '@repokeeper/repository'
import type { Keyring } from '@repokeeper/signing'
import { Bandwidth } from './bandwidth.ts'
import { type BroughtPackage, bringPackages } from './bring-packages.ts'
import { discardDocuments, type FetchedDocument } from './fetch-documents.ts'
import { lookAtRepository } from './look-at-repository.ts'
import { type MirrorPlan, planMirror } from './mirror-plan.ts'
import {
  type Checksum,
  changeMirrorRecord,
  type MirrorRecord,
  readMirrorRecord,
  readOtherMirrors,
} from './mirror-record.ts'
import { gateOf, type PackageGate } from './package-gate.ts'
import { type PrunedPackage, pruneDropped } from './prune-dropped.ts'
import { type Companion, companions, type ReadUpstream, readUpstream, type UpstreamPackage } from './read-upstream.ts'
import type { ReplicaTime } from './replica.ts'
import { type PackageSelection, selectPackages } from './select-packages.ts'
import { settlePlaces } from './settle-places.ts'
import { unitePublished } from './union-record.ts'
import type { Upstream } from './upstream.ts'

export interface MirrorOptions {
  /** Only what is signed by one of these keys is taken. `undefined`: signatures are not looked at. */
  readonly keyring: Keyring | undefined
  readonly selection: PackageSelection
  /** Below the root of the repository, with a slash at its end; or nothing. Packages lie there as they do upstream. */
  readonly directory: string
  /** Another file of the same name makes way. */
  readonly replaces: boolean
  /** Comps, modules and updateinfo come along. */
  readonly bringsDocuments: boolean
  /** Files at the same time; 1 and more. */
  readonly concurrency: number
  readonly bytesPerSecond: number | undefined
  /** Packages are copied by the store of the repository, where upstream lies in a store. */
  readonly copiesInStore: boolean
  /** A directory of the caller's for documents on their way. */
  readonly scratch: string
  readonly time: ReplicaTime
  readonly signal: AbortSignal
  readonly onBrought: (brought: BroughtPackage) => void
}

interface MirrorParts {
  readonly upstream: Upstream
  readonly read: ReadUpstream
  readonly location: RepositoryLocation
  /** Of the repository's repomd.xml. */
  readonly recordTypes: ReadonlySet<string>
  readonly others: ReadonlyMap<string, Checksum>
  readonly record: MirrorRecord
  readonly bandwidth: Bandwidth | undefined
  /** That of the repository's policy. */
  readonly gate: PackageGate | undefined
  readonly options: MirrorOptions
}

const allCompanions = Object.keys(companions) as Companion[]

export class Mirror {
  readonly plan: MirrorPlan
  readonly #parts: MirrorParts

  private constructor(plan: MirrorPlan, parts: MirrorParts) {
    this.plan = plan
    this.#parts = parts
  }

  /**
   * Looks at both sides and changes nothing.
   * @returns the caller's to close @throws TransferError, WebError, StoreError, RepositoryError
   */
  static async look(
    upstream: Upstream,
    location: RepositoryLocation,
    context: RepositoryContext,
    options: MirrorOptions,
  ): Promise<Mirror> {
    const { bytesPerSecond, time, signal, directory, selection } = options
    const clock = { now: time.now, sleep: (milliseconds: number) => time.sleep(milliseconds, signal) }
    const bandwidth = bytesPerSecond === undefined ? undefined : new Bandwidth(bytesPerSecond, clock)
    const { held, recordTypes } = await lookAtRepository(location, context)
    const record = await readMirrorRecord(location, upstream.name)
    const others = await readOtherMirrors(location, upstream.name, context)
    const read = await readUpstream(upstream, { ...options, bandwidth })
    const selected = selectPackages(read.packages, read.inModules, selection)
    const places = settlePlaces(selected.map((one) => ({ ...one, path: `${directory}${one.path}` })))
    const plan = planMirror({ ...places, held, record, others })
    const gate = gateOf(context, ({ path, checksum }) => isSame(record.refused.get(`${directory}${path}`), checksum))
    return new Mirror(plan, { upstream, read, location, recordTypes, others, record, bandwidth, gate, options })
  }

  /** What of upstream the repository's documents are not united with yet. */
  get newDocuments(): Companion[] {
    return [...this.#newDocuments().keys()]
  }

  /**
   * Before anything comes: it is written down what will have come from upstream, also if this process is killed.
   * @throws TransferError, StoreError
   */
  async begin(context: RepositoryContext): Promise<void> {
    const coming = [...this.plan.fetch, ...(this.#parts.options.replaces ? this.plan.different : [])]
    const { doubt } = this.plan
    await this.#remember(context, ({ packages, wanted }) => ({
      packages: withAll(packages, [...coming, ...this.#inCommon()]),
      // Also a run that is killed leaves what the next one is compared with.
      wanted: doubt === undefined ? this.#wantedPaths().size : wanted,
    }))
  }

  /**
   * Unites comps, modules and updateinfo, and publishes them. To be called before packages come: what belongs to a module must not be seen
   * without it.
   * @returns the revision; `undefined` where nothing had to be
   * @throws TransferError, RepositoryError, StoreError
   */
  async bringDocuments(context: RepositoryContext): Promise<string | undefined> {
    const { location, upstream } = this.#parts
    const documents = this.#newDocuments()
    if (documents.size === 0) return undefined
    const revision = await unitePublished(location, upstream.name, documents, context)
    const digests = [...documents].map(([companion, { checksum }]) => [companion, checksum.hex] as const)
    await this.#remember(context, (before) => ({
      documents: { ...before.documents, ...Object.fromEntries(digests) },
    }))
    return revision
  }

  /** One failure harms itself only. @returns in no order @throws StoreError of the repository */
  async bringPackages(): Promise<BroughtPackage[]> {
    const { directory, replaces } = this.#parts.options
    const { store, root } = this.#parts.location
    const target = { store, root: parseRepositoryRoot(`${root}${directory}`) }
    const { fetch, check, different, impossible } = this.plan
    const files = [...fetch, ...check, ...different]
    const below = files.map((file) => ({ ...file, path: file.path.slice(directory.length) }))
    const { read, upstream, bandwidth, gate, options } = this.#parts
    const brought = await bringPackages(below, {
      ...{ ...options, target, bandwidth, gate, replaces },
      sourcesOf: ({ base }) => (base === undefined ? read.sources : [upstream.elsewhere(new URL(base))]),
      onBrought: (one) => options.onBrought(inRepository(one, directory)),
    })
    const failed = impossible.map(({ file, reason }) => ({ file, outcome: { kind: 'failed', reason } as const }))
    for (const one of failed) options.onBrought(one)
    return [...brought.map((one) => inRepository(one, directory)), ...failed]
  }

  /**
   * What was dropped goes, where it is still what a mirror brought, and no snapshot or pinned generation lists it.
   * @throws StoreError, RepositoryError where it cannot be told what these list
   */
  async prune(context: RepositoryContext): Promise<PrunedPackage[]> {
    const { location, upstream } = this.#parts
    // Another mirror may have come to want it while packages came.
    const others = await readOtherMirrors(location, upstream.name, context)
    const dropped = this.plan.dropped.filter(({ path }) => !others.has(path))
    return pruneDropped(location, dropped, context)
  }

  /**
   * When all is done: what did not come did not come, what is gone is gone.
   * @param believed upstream is as it should be: what it has now is what the next run is compared with
   * @throws TransferError, StoreError
   */
  async end(
    brought: readonly BroughtPackage[],
    pruned: readonly PrunedPackage[],
    believed: boolean,
    context: RepositoryContext,
  ): Promise<void> {
    const { dropped } = this.plan
    // What was never to be had says nothing of the file that has its path.
    const hopeless = new Set(this.plan.impossible.map(({ file }) => file))
    const missed = brought.filter(({ file, outcome }) => isMissed(outcome) && !hopeless.has(file))
    const undecided = new Set(dropped.map(({ path }) => path))
    // What another mirror wants is its affair from now on.
    const wanted = this.#wantedPaths()
    await this.#remember(context, ({ packages, wanted: before, refused }) => {
      const left = new Map(packages)
      for (const { file } of missed) left.delete(file.path)
      for (const { path } of pruned) left.delete(path)
      for (const path of this.#parts.record.packages.keys()) {
        if (!wanted.has(path) && !undecided.has(path)) left.delete(path)
      }
      return {
        packages: left,
        wanted: believed ? wanted.size : before,
        refused: refusedNow(refused, brought, wanted),
      }
    })
  }

  /** Upstream stays open: it is the caller's. */
  async close(): Promise<void> {
    await discardDocuments(this.#parts.read.documents)
  }

  #wantedPaths(): Set<string> {
    const { fetch, check, different, kept, impossible } = this.plan
    const files = [...fetch, ...check, ...different, ...kept, ...impossible.map(({ file }) => file)]
    return new Set(files.map(({ path }) => path))
  }

  /** There already, and another mirror has brought it: it is of both. */
  #inCommon(): UpstreamPackage[] {
    const { kept, check } = this.plan
    return [...kept, ...check].filter(({ path, checksum }) => {
      return isSame(this.#parts.others.get(path), checksum)
    })
  }

  #newDocuments(): Map<Companion, FetchedDocument> {
    const { read, record, recordTypes, options } = this.#parts
    const found = new Map<Companion, FetchedDocument>()
    for (const companion of options.bringsDocuments ? allCompanions : []) {
      const types: readonly string[] = companions[companion]
      const document = read.documents.find(({ type }) => types.includes(type))
      const isUnited = record.documents[companion] === document?.checksum.hex
      // Somebody may have taken it out of repomd.xml since.
      const isThere = types.some((type) => recordTypes.has(type))
      if (document !== undefined && !(isUnited && isThere)) found.set(companion, document)
    }
    return found
  }

  #remember(
    context: RepositoryContext,
    change: (before: MirrorRecord) => Partial<Omit<MirrorRecord, 'upstream'>>,
  ): Promise<void> {
    const { name } = this.#parts.upstream
    return changeMirrorRecord(this.#parts.location, name, (before) => ({ ...before, ...change(before) }), context)
  }
}

function inRepository({ file, outcome }: BroughtPackage, directory: string): BroughtPackage {
  return { file: { ...file, path: `${directory}${file.path}` }, outcome }
}

function isMissed({ kind }: BroughtPackage['outcome']): boolean {
  return kind === 'failed' || kind === 'refused' || kind === 'different'
}

/** What was not tried is as it was. */
function refusedNow(
  before: MirrorRecord['refused'],
  brought: readonly BroughtPackage[],
  wanted: ReadonlySet<string>,
): Map<string, Checksum> {
  const tried = brought.filter(({ outcome }) => outcome.kind !== 'not done' && outcome.kind !== 'failed')
  const refused = new Map([...before].filter(([path]) => wanted.has(path)))
  for (const { file, outcome } of tried) {
    if (outcome.kind === 'refused') refused.set(file.path, file.checksum)
    else refused.delete(file.path)
  }
  return refused
}

function isSame(one: Checksum | undefined, other: Checksum): boolean {
  return one?.type === other.type && one.hex === other.hex
}

function withAll(
  packages: ReadonlyMap<string, Checksum>,
  files: readonly UpstreamPackage[],
): ReadonlyMap<string, Checksum> {
  return new Map([...packages, ...files.map(({ path, checksum }) => [path, checksum] as const)])
}
