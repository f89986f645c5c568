/**
 * One generation of the source, brought to the target: packages first, documents next, repomd.xml last, and what is no longer named
 * goes only after the retention.
 */
import { createHash } from 'node:crypto'
import type { ETag, PutCondition } from '@repokeeper/object-store'
import { inParallel, type RepositoryLocation } from '@repokeeper/repository'
import type { Bandwidth } from './bandwidth.ts'
import { discardDocuments, type FetchedDocument, fetchDocuments } from './fetch-documents.ts'
import { lookAtTarget, type TargetView } from './look-at-target.ts'
import { placeFile } from './place-file.ts'
import { publishGeneration } from './publish-generation.ts'
import type { SourceGeneration } from './read-generation.ts'
import type { ReplicaOptions, ReplicaUpdate } from './replica.ts'
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
    | 'scratch'
    | 'time'
    | 'onEvent'
    | 'signal'
  > {
  readonly source: RepositorySource
  readonly target: RepositoryLocation
  readonly bandwidth: Bandwidth | undefined
}

/** The source no longer has what it named, or another run is at work here: everything is to be looked at again. */
export class MovedOn extends Error {
  readonly who: 'source' | 'another run'

  constructor(who: MovedOn['who'], message: string) {
    super(message)
    this.who = who
  }
}

interface RoundPlan {
  readonly packages: readonly WantedFile[]
  readonly packagePlan: ReplicaPlan
  readonly documentPlan: ReplicaPlan
  readonly view: TargetView
  /** Every path that the generation names. */
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

  constructor(parts: RoundParts) {
    this.#parts = parts
  }

  /** @throws MovedOn, DocumentGone, TransferError, DocumentError of the source's primary, StoreError, WebError */
  async take(
    generation: SourceGeneration,
  ): Promise<Omit<Extract<ReplicaUpdate, { kind: 'whole' }>, 'kind'> & Deletion> {
    const documents = await this.fetchDocuments(generation)
    try {
      const plan = await this.plan(documents)
      const { packages, packagePlan, documentPlan, view } = plan
      const { record, etag } = await this.#begin(plan)
      await this.#placeAll([...packagePlan.fetch, ...packagePlan.check], view, etag)
      const staged = await this.#stage(packagePlan.replace, view, etag)
      // These stand in the way of clients of the last generation: everything else is there by now.
      await this.#putInPlace(staged, etag)
      await this.#placeDocuments(documents, documentPlan)
      await this.#ensureAlone(etag)
      const isNew = await this.#publish(generation, view)
      // What another run was about to delete when it was named again.
      const revived = packages.filter(({ path }) => view.record?.superseded.has(path))
      await this.#placeAll(revived, view, etag)

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
    const { record, held } = await this.#look()
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

  /** @throws DocumentError, TransferError, StoreError */
  async plan(documents: readonly FetchedDocument[]): Promise<RoundPlan> {
    const packages = await readWantedPackages(documents)
    const view = await this.#look()
    const isDoubted = (path: string): boolean => this.#parts.checksAll || (view.record?.doubted.has(path) ?? false)
    const { held, isOwn } = view
    const documentPlan = planReplica({ wanted: documents, held, isDoubted, isOwn })
    const packagePlan = planReplica({ wanted: packages, held, isDoubted, isOwn })
    const isDocument = new Set(documents.map(({ path }) => path))
    const superseded = packagePlan.superseded.filter((path) => !isDocument.has(path))
    const named = new Set([...packages, ...documents].map(({ path }) => path))
    return { packages, packagePlan: { ...packagePlan, superseded }, documentPlan, view, named }
  }

  #look(): Promise<TargetView> {
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
    const { held } = view
    const { time } = this.#parts
    const left = [...begun].filter((path) => held.has(path) && !path.startsWith(stagePrefix))
    const paths = new Set([...packagePlan.superseded, ...record.superseded.keys(), ...left])
    const known = view.record?.superseded ?? new Map<string, number>()
    const gone = [...paths].filter((path) => !named.has(path))
    const superseded = supersededSince(gone, known, time.now())
    const ended = { ...record, superseded, begun: new Set<string>() }
    return this.#deleteFrom(ended, await this.#writeRecord(ended, etag))
  }

  async #placeAll(files: readonly WantedFile[], { isOwn }: TargetView, recordETag: ETag): Promise<void> {
    await this.#forEach(files, recordETag, async (file) => {
      const placed = await placeFile(file, { ...this.#parts, replaces: isOwn(file.path) })
      if (placed.kind === 'different') return notPulled
      if (placed.kind === 'wrong') return placed.reason
      this.#parts.onEvent({ kind: 'placed', file, how: placed.kind })
      return undefined
    })
  }

  /** What is to stand in the place of another file, beside it: only once all of it is there anything is replaced. */
  async #stage(files: readonly WantedFile[], { isOwn }: TargetView, recordETag: ETag): Promise<readonly WantedFile[]> {
    await this.#forEach(files, recordETag, async (file) => {
      if (!isOwn(file.path)) return notPulled
      const placed = await placeFile(file, { ...this.#parts, replaces: true }, stagePathOf(file))
      return placed.kind === 'wrong' ? placed.reason : undefined
    })
    return files
  }

  async #putInPlace(staged: readonly WantedFile[], recordETag: ETag): Promise<void> {
    const { store, root } = this.#parts.target
    const { signal } = this.#parts
    await this.#forEach(staged, recordETag, async (file) => {
      const key = `${root}${file.path}`
      const [stage, there] = [
        await store.head(`${root}${stagePathOf(file)}`, { signal }),
        await store.head(key, { signal }),
      ]
      if (stage === undefined) throw anotherRun()
      const sha256 = file.checksum.type === 'sha256' ? { sha256: file.checksum.hex } : {}
      const condition: PutCondition = there === undefined ? { if: 'absent' } : { if: 'unchanged', etag: there.etag }
      const how = { contentType: 'application/x-rpm', signal }
      const copied = await store.copy({ ...stage, store, ...sha256 }, key, condition, how)
      if (copied.kind !== 'stored') throw anotherRun()
      this.#parts.onEvent({ kind: 'placed', file, how: 'placed' })
      return undefined
    })
    for (const file of staged) await store.delete(`${root}${stagePathOf(file)}`, { signal })
  }

  /** @param work gives what is wrong; all that is wrong is told together */
  async #forEach(
    files: readonly WantedFile[],
    recordETag: ETag,
    work: (file: WantedFile) => Promise<string | undefined>,
  ): Promise<void> {
    const { concurrency, signal } = this.#parts
    const wrong: string[] = []
    await inParallel(files, concurrency, async (file) => {
      signal.throwIfAborted()
      const reason = await work(file)
      if (reason !== undefined) wrong.push(`${file.path}: ${reason}`)
    })
    await this.#ensureAlone(recordETag)
    const [first, ...more] = wrong
    if (first === undefined) return
    throw new MovedOn('source', more.length === 0 ? first : `${first}; and ${more.length} more packages`)
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

  async #deleteFrom(record: ReplicaRecord, etag: ETag): Promise<Deletion> {
    const { target, time, retentionMs, concurrency, signal } = this.#parts
    const gone = expired(record.superseded, time.now(), retentionMs)
    const left = new Map(record.superseded)
    for (const path of gone) left.delete(path)
    const nextDeletion = Math.min(...left.values(), Number.POSITIVE_INFINITY) + retentionMs
    if (gone.length === 0) return { deleted: 0, nextDeletion }
    await this.#ensureAlone(etag)
    await inParallel(gone, concurrency, (path) => target.store.delete(`${target.root}${path}`, { signal }))
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

const notPulled = 'another file stands there, which was not pulled: take it away, or say --take-over'

/** Nothing of a generation lies there (fetch-documents.ts). */
const stagePrefix = 'repodata/replica-'

function stagePathOf({ path, checksum }: WantedFile): string {
  const digest = createHash('sha256').update(`${path}\n${checksum.hex}`).digest('hex')
  return `${stagePrefix}${digest}`
}

function documentsOf({ fetch, check, replace }: ReplicaPlan): readonly WantedFile[] {
  return [...fetch, ...check, ...replace]
}

function anotherRun(): MovedOn {
  return new MovedOn('another run', 'another run is at work here')
}

function bytesOf({ fetch, replace }: ReplicaPlan): number {
  return [...fetch, ...replace].reduce((sum, { size }) => sum + (size ?? 0), 0)
}

function contentTypeOf(path: string): string {
  if (path.endsWith('.gz')) return 'application/gzip'
  if (path.endsWith('.zst')) return 'application/zstd'
  return path.endsWith('.xml') ? 'application/xml' : 'application/octet-stream'
}
