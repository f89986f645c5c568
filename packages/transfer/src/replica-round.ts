/**
 * One generation of the source, brought to the target: packages first, documents next, repomd.xml last, and what is no longer named
 * goes only after the retention.
 */
import type { ETag } from '@repokeeper/object-store'
import type { RepositoryLocation } from '@repokeeper/repository'
import type { Bandwidth } from './bandwidth.ts'
import { deleteSuperseded } from './delete-superseded.ts'
import { discardDocuments, type FetchedDocument, fetchDocuments } from './fetch-documents.ts'
import { lookAtTarget, type TargetView } from './look-at-target.ts'
import { anotherRun } from './moved-on.ts'
import { publishGeneration } from './publish-generation.ts'
import type { SourceGeneration } from './read-generation.ts'
import type { ReplicaOptions, ReplicaUpdate } from './replica.ts'
import { directoryPath, ReplicaGenerations, type WantedGeneration } from './replica-generations.ts'
import { isStagePath, ReplicaPackages, stagePathOf } from './replica-packages.ts'
import { expired, planReplica, type ReplicaPlan, supersededSince, type WantedFile } from './replica-plan.ts'
import { isStillRecord, type ReplicaRecord, writeRecord } from './replica-record.ts'
import type { RepositorySource } from './source.ts'
import { readWantedPackages } from './wanted-packages.ts'

export interface RoundParts
  extends Pick<
    ReplicaOptions,
    | 'concurrency'
    | 'retentionMs'
    | 'checksAll'
    | 'takesOver'
    | 'copiesInStore'
    | 'generations'
    | 'scratch'
    | 'time'
    | 'onEvent'
    | 'signal'
  > {
  readonly source: RepositorySource
  readonly target: RepositoryLocation
  readonly bandwidth: Bandwidth | undefined
}

interface RoundPlan {
  readonly packages: readonly WantedFile[]
  readonly packagePlan: ReplicaPlan
  readonly documentPlan: ReplicaPlan
  readonly view: TargetView
  /** Every path that the generation names, and that of its directory where it has one. */
  readonly named: ReadonlySet<string>
}

/** When the first of what is superseded may go, in milliseconds since 1970; may be never. */
interface Deletion {
  readonly deleted: number
  readonly nextDeletion: number
}

/** How long what a run meant to replace is looked at by those after it. */
const doubtMs = 3_600_000

export class ReplicaRound {
  readonly #parts: RoundParts
  readonly #packages: ReplicaPackages
  readonly #generations: ReplicaGenerations

  constructor(parts: RoundParts) {
    const { target, generations, signal } = parts
    this.#parts = parts
    this.#packages = new ReplicaPackages(parts, (recordETag) => this.#ensureAlone(recordETag))
    this.#generations = new ReplicaGenerations(target, generations, signal)
  }

  /** @throws MovedOn, DocumentGone, TransferError, DocumentError of the source's primary, StoreError, WebError */
  async take(
    generation: SourceGeneration,
  ): Promise<Omit<Extract<ReplicaUpdate, { kind: 'whole' }>, 'kind'> & Deletion> {
    const documents = await this.fetchDocuments(generation)
    try {
      const view = await this.look()
      const wanted = await this.#generations.look(generation, view.hasMirrorlist)
      const plan = await this.plan(documents, view, wanted)
      const { packages, packagePlan, documentPlan } = plan
      const { record, etag } = await this.#begin(plan)
      await this.#packages.placeAll([...packagePlan.fetch, ...packagePlan.check], view, etag)
      // These stand in the way of clients of the last generation: everything else is there by now.
      await this.#packages.replaceAll(packagePlan.replace, view, etag)
      await this.#placeDocuments(documents, documentPlan)
      if (wanted !== undefined) await this.#writeDirectory(wanted, generation, view, this.#parts.checksAll)
      await this.#ensureAlone(etag)
      const isNew = await this.#publish(generation, view)
      // What another run was about to delete when it was named again.
      const revived = packages.filter(({ path }) => view.record?.superseded.has(path))
      await this.#packages.placeAll(revived, view, etag)
      if (wanted !== undefined) await this.#nameGeneration(wanted, generation, view)
      const deletion = await this.#end(plan, record, etag)
      const { revision } = generation.repomd
      const fetched = packagePlan.fetch.length + packagePlan.replace.length
      return { revision, paths: packages.map(({ path }) => path), fetched, isNew, ...deletion }
    } finally {
      await discardDocuments(documents)
    }
  }

  /** For who has nothing new to take. @throws MovedOn, TransferError, StoreError */
  async deleteExpired(): Promise<Deletion> {
    const { record, held } = await this.look()
    if (record === undefined) return { deleted: 0, nextDeletion: Number.POSITIVE_INFINITY }
    // Whatever a record says: what the metadata names stays.
    const superseded = new Map([...record.superseded].filter(([path]) => held.get(path)?.checksum === undefined))
    return this.#deleteFrom({ ...record, superseded }, record.etag)
  }

  /** @throws DocumentGone, TransferError, StoreError, WebError */
  fetchDocuments(generation: SourceGeneration): Promise<FetchedDocument[]> {
    const { source, scratch, bandwidth } = this.#parts
    return fetchDocuments(source, generation, scratch, bandwidth)
  }

  /** @throws DocumentError */
  async plan(documents: readonly FetchedDocument[], view: TargetView, wanted?: WantedGeneration): Promise<RoundPlan> {
    const packages = await readWantedPackages(documents)
    const isDoubted = (path: string): boolean => this.#parts.checksAll || (view.record?.doubted.has(path) ?? false)
    const { held, isOwn } = view
    const documentPlan = planReplica({ wanted: documents, held, isDoubted, isOwn })
    const packagePlan = planReplica({ wanted: packages, held, isDoubted, isOwn })
    const isDocument = new Set(documents.map(({ path }) => path))
    const superseded = packagePlan.superseded.filter((path) => !isDocument.has(path))
    const named = new Set(
      [...packages, ...documents, ...(wanted === undefined ? [] : [wanted])].map(({ path }) => path),
    )
    return { packages, packagePlan: { ...packagePlan, superseded }, documentPlan, view, named }
  }

  /** @throws TransferError `NOT_A_REPLICA`, StoreError */
  look(): Promise<TargetView> {
    const { target, source, takesOver, signal } = this.#parts
    return lookAtTarget(target, { source: source.identity ?? source.name, takesOver, signal })
  }

  /**
   * Before anything is changed it is written down whose replica this is, and what may be half done after a crash. What the metadata here names
   * until the swap is not superseded before it.
   */
  async #begin({ packagePlan, documentPlan, view, named }: RoundPlan): Promise<{ record: ReplicaRecord; etag: ETag }> {
    const { source, time, onEvent } = this.#parts
    const now = time.now()
    const superseded = new Map([...(view.record?.superseded ?? [])].filter(([path]) => !named.has(path)))
    const recent = [...(view.record?.doubted ?? [])].filter(([, since]) => now - since < doubtMs)
    const doubted = new Map([...recent, ...packagePlan.replace.map(({ path }): [string, number] => [path, now])])
    const begun = new Set([
      ...(view.record?.begun ?? []),
      ...[...packagePlan.fetch, ...documentsOf(documentPlan)].map(({ path }) => path),
      ...packagePlan.replace.map(stagePathOf),
      // Who dies behind the swap has nowhere else to read what went.
      ...packagePlan.superseded,
    ])
    const record = { source: source.identity ?? source.name, superseded, doubted, begun }
    const etag = await this.#writeRecord(record, view.record?.etag)
    onEvent({ kind: 'planned', plan: packagePlan, bytes: bytesOf(packagePlan) })
    return { record, etag }
  }

  /** Once the metadata names something else: what it named before is superseded from now on. */
  async #end(
    { packagePlan, view, named }: RoundPlan,
    { begun, ...record }: ReplicaRecord,
    etag: ETag,
  ): Promise<Deletion> {
    const { held, generations } = view
    const { time } = this.#parts
    const left = [...begun].filter((path) => held.has(path) && !isStagePath(path))
    const directories = [...generations.keys()].map(directoryPath)
    const paths = new Set([...packagePlan.superseded, ...record.superseded.keys(), ...left, ...directories])
    const known = view.record?.superseded ?? new Map<string, number>()
    const gone = [...paths].filter((path) => !named.has(path))
    const superseded = supersededSince(gone, known, time.now())
    const ended = { ...record, superseded, begun: new Set<string>() }
    return this.#deleteFrom(ended, await this.#writeRecord(ended, etag))
  }

  /** A name may stand for another file than in the last generation; such ones come last. */
  async #placeDocuments(documents: readonly FetchedDocument[], { fetch, check, replace }: ReplicaPlan): Promise<void> {
    const { target, signal, onEvent } = this.#parts
    const byPath = new Map(documents.map((document) => [document.path, document]))
    for (const { path } of [...fetch, ...check, ...replace]) {
      const document = byPath.get(path)
      if (document === undefined) continue
      const { size, checksum, file } = document
      const sha256 = checksum.type === 'sha256' ? { sha256: checksum.hex } : {}
      const how = { ...sha256, contentType: contentTypeOf(path), signal }
      await target.store.put(`${target.root}${path}`, { size, open: () => file.bytes() }, { if: 'always' }, how)
      onEvent({ kind: 'placed', file: { path, size, checksum }, how: 'placed' })
    }
  }

  async #publish(generation: SourceGeneration, { etags }: TargetView): Promise<boolean> {
    const { target, signal } = this.#parts
    const published = await publishGeneration(target, generation, etags, signal)
    if (published === 'conflict') throw anotherRun()
    return published === 'published'
  }

  async #writeDirectory(
    wanted: WantedGeneration,
    generation: SourceGeneration,
    { generations }: TargetView,
    anew: boolean,
  ): Promise<void> {
    const written = await this.#generations.writeDirectory(wanted, generation, generations, anew)
    if (written === 'conflict') throw anotherRun()
  }

  /** A directory that another run was about to delete is looked at once more. */
  async #nameGeneration(wanted: WantedGeneration, generation: SourceGeneration, view: TargetView): Promise<void> {
    if (view.record?.superseded.has(wanted.path)) await this.#writeDirectory(wanted, generation, view, true)
    if ((await this.#generations.name(wanted)) === 'conflict') throw anotherRun()
  }

  async #deleteFrom(record: ReplicaRecord, etag: ETag): Promise<Deletion> {
    const { target, time, retentionMs, concurrency, signal } = this.#parts
    const gone = expired(record.superseded, time.now(), retentionMs)
    const left = new Map(record.superseded)
    for (const path of gone) left.delete(path)
    const nextDeletion = Math.min(...left.values(), Number.POSITIVE_INFINITY) + retentionMs
    if (gone.length === 0) return { deleted: 0, nextDeletion }
    await this.#ensureAlone(etag)
    await deleteSuperseded(gone, target, { concurrency, signal })
    await this.#writeRecord({ ...record, superseded: left }, etag)
    return { deleted: gone.length, nextDeletion }
  }

  async #writeRecord(record: ReplicaRecord, before: ETag | undefined): Promise<ETag> {
    const etag = await writeRecord(this.#parts.target, record, before)
    if (etag === undefined) throw anotherRun()
    return etag
  }

  /** What another run has begun meanwhile may stand on another generation. */
  async #ensureAlone(recordETag: ETag): Promise<void> {
    if (!(await isStillRecord(this.#parts.target, recordETag))) throw anotherRun()
  }
}

function documentsOf({ fetch, check, replace }: ReplicaPlan): readonly WantedFile[] {
  return [...fetch, ...check, ...replace]
}

function bytesOf({ fetch, replace }: ReplicaPlan): number {
  return [...fetch, ...replace].reduce((sum, { size }) => sum + (size ?? 0), 0)
}

function contentTypeOf(path: string): string {
  if (path.endsWith('.gz')) return 'application/gzip'
  if (path.endsWith('.zst')) return 'application/zstd'
  return path.endsWith('.xml') ? 'application/xml' : 'application/octet-stream'
}
