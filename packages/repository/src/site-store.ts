/**
 * The files of a site in a store: only what is not there already is written, and what a former version left is deleted.
 *
 * Before the first write the record of the site is stored with all that may be written (the claim), and after the last with all that was. So
 * whatever is killed between the two, the next one knows which files to look at again; and of two who write at once only one goes on.
 *
 * A file is ours where it is as the record says that it was written, or bears our mark. Nothing else is written over or deleted.
 */
import type { ETag, ListedObject, PutCondition } from '@repokeeper/object-store'
import type { SiteFile, SitePlan } from '@repokeeper/site'
import { type RepositoryContext, withSignal } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { RepositoryError } from './repository-error.ts'
import { digestOf, type FoundSite, holds, isOurs, notASite, readRecord, type SitePlace } from './site-place.ts'
import {
  formatSiteRecord,
  type ParsedRecord,
  packSiteRecord,
  type RecordedFile,
  recordPath,
  type SiteRecord,
} from './site-record.ts'
import type { SaidOfSite } from './site-said.ts'

/** Somebody else writes the same file: so often we look what stands there now. */
const attemptsMax = 5
const looksAtOnce = 16
/** A page is asked for anew each time; where it has not changed the answer is short. */
const cacheControl = 'no-cache'

export class SiteStore {
  readonly #place: SitePlace
  readonly #context: RepositoryContext
  /** What is there, by path. */
  readonly #there: ReadonlyMap<string, ListedObject>
  /** What was written, or found as it would have been. */
  readonly #written = new Map<string, RecordedFile>()
  #recordEtag: ETag | undefined
  #recordDigest: string | undefined
  #claim: Promise<void> | undefined
  /** What is known of former versions; `undefined` where there were none. */
  readonly record: SiteRecord | undefined

  private constructor(
    { place, there, record }: FoundSite,
    parsed: ParsedRecord | undefined,
    context: RepositoryContext,
  ) {
    this.#place = place
    this.#context = context
    this.#there = there
    this.record = parsed?.record
    this.#recordEtag = record?.etag
    this.#recordDigest = parsed?.digest
  }

  /**
   * @param packages how many are listed
   * @throws RepositoryError `BROKEN_SITE` where the record cannot be read, `CONTENTION` where others have written it meanwhile, and what the store
   * throws
   */
  static async open(found: FoundSite, packages: number, context: RepositoryContext): Promise<SiteStore> {
    const parsed = await readRecord(found, packages, context)
    if (parsed === 'changed') throw contention(found.place, recordPath)
    return new SiteStore(found, parsed, context)
  }

  /** Whether a file is there as it was written, and was made of this. */
  has(path: string, from: string): boolean {
    const written = this.record?.files.get(path)?.written
    return written !== undefined && written.from === from && written.etag === this.#there.get(path)?.etag
  }

  /** @throws RepositoryError `NOT_A_SITE` where a file of somebody else stands in the place of one that may have to be written */
  async ensureOurs({ open }: SitePlan): Promise<void> {
    await inParallel([...open], looksAtOnce, async (path) => {
      const object = this.#there.get(path)
      if (object !== undefined && !(await this.#isOurs(object))) throw notASite(this.#place, path)
    })
  }

  /**
   * Whether it differs from what is there, and so was written; where `isDry`, would be.
   * @throws RepositoryError `NOT_A_SITE` where a file of somebody else came meanwhile, `CONTENTION` where others write the site, too
   */
  async write(file: SiteFile, claim: SiteClaim, isDry: boolean): Promise<boolean> {
    const { store, prefix } = this.#place
    const { path, from, bytes, contentType } = file
    const key = `${prefix}${path}`
    let current: Pick<ListedObject, 'key' | 'etag' | 'size'> | undefined = this.#there.get(path)
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      if (current !== undefined && (await holds(store, current, bytes, this.#context))) {
        this.#written.set(path, { written: { etag: current.etag, from } })
        return false
      }
      if (isDry) return true
      if (attempt > 0) await this.#ensureClaimStands()
      if (current !== undefined && attempt > 0 && !(await this.#isOurs(current))) throw notASite(this.#place, path)
      await this.#ensureClaimed(claim)
      const outcome = await store.put(key, bytes, this.#conditionOf(current?.etag), {
        sha256: digestOf(bytes),
        contentType,
        cacheControl,
        ...withSignal(this.#context),
      })
      if (outcome.kind === 'stored') {
        this.#written.set(path, { written: { etag: outcome.etag, from } })
        return true
      }
      current = await store.head(key, withSignal(this.#context))
    }
    throw contention(this.#place, path)
  }

  /** What former versions had and this one has not. It is not gone by the record alone: who was killed may have left pages that none tells of. */
  async superseded({ paths }: SitePlan): Promise<ListedObject[]> {
    const others = [...this.#there.values()].filter((object) => !paths.has(this.pathOf(object)))
    const areOurs = await inParallel(others, looksAtOnce, (object) => this.#isOurs(object))
    return others.filter((_, at) => areOurs[at])
  }

  pathOf({ key }: Pick<ListedObject, 'key'>): string {
    return key.slice(this.#place.prefix.length)
  }

  /**
   * Whether it is gone. Who has claimed the site since may need the page again, and has found it there.
   * @throws RepositoryError `CONTENTION` where another has claimed the site
   */
  async delete(object: Pick<ListedObject, 'key' | 'etag'>, claim: SiteClaim): Promise<boolean> {
    const { key, etag } = object
    await this.#ensureClaimed(claim)
    await this.#ensureClaimStands()
    // A conflict is another writer's newer version.
    const { kind } = await this.#place.store.delete(key, { ifMatch: etag, ...withSignal(this.#context) })
    return kind === 'deleted'
  }

  /**
   * Stores what was written, for who comes next.
   * @throws RepositoryError `CONTENTION` where others have written the site meanwhile
   */
  async finish(
    { plan: { paths }, said }: SiteClaim,
    { units, rows }: Pick<SiteRecord, 'units' | 'rows'>,
  ): Promise<void> {
    const files = new Map<string, RecordedFile>()
    for (const path of [...paths].toSorted()) {
      const file = this.#written.get(path) ?? this.record?.files.get(path)
      if (file !== undefined) files.set(path, file)
    }
    await this.#putRecord({ said, units, files, rows })
  }

  async #isOurs(object: Pick<ListedObject, 'key' | 'etag'>): Promise<boolean> {
    const isAsWritten = this.record?.files.get(this.pathOf(object))?.written?.etag === object.etag
    return isAsWritten || isOurs(this.#place, object, this.#context)
  }

  /**
   * Whoever finds another version of a page than he has listed may be the older one of two writers.
   * @throws RepositoryError `CONTENTION` where another has claimed the site since it was found, or claimed by this one
   */
  async #ensureClaimStands(): Promise<void> {
    const { store, prefix } = this.#place
    const record = await store.head(`${prefix}${recordPath}`, withSignal(this.#context))
    if (record?.etag !== this.#recordEtag) throw contention(this.#place, recordPath)
  }

  /** Once for all who ask. */
  #ensureClaimed(claim: SiteClaim): Promise<void> {
    this.#claim ??= this.#putRecord(this.#recordOf(claim))
    return this.#claim
  }

  /** What is known, and of all that may be written that it is under way. */
  #recordOf({ plan: { paths, open }, said }: SiteClaim): SiteRecord {
    const { units = new Map(), rows = new Map(), files } = this.record ?? {}
    const claimed = new Map<string, RecordedFile>(files)
    for (const path of paths) if (open.has(path)) claimed.set(path, { written: undefined })
    return { said, units, rows, files: claimed }
  }

  async #putRecord(record: SiteRecord): Promise<void> {
    const open = formatSiteRecord(record)
    const digest = digestOf(open)
    if (digest === this.#recordDigest) return
    const bytes = packSiteRecord(open)
    const { store, prefix } = this.#place
    const outcome = await store.put(`${prefix}${recordPath}`, bytes, this.#conditionOf(this.#recordEtag), {
      sha256: digestOf(bytes),
      contentType: 'application/gzip',
      cacheControl,
      ...withSignal(this.#context),
    })
    if (outcome.kind === 'conflict') throw contention(this.#place, recordPath)
    this.#recordEtag = outcome.etag
    this.#recordDigest = digest
  }

  #conditionOf(etag: ETag | undefined): PutCondition {
    if (this.#context.singleWriter) return { if: 'always' }
    return etag === undefined ? { if: 'absent' } : { if: 'unchanged', etag }
  }
}

/** What is about to be written. */
export interface SiteClaim {
  readonly plan: SitePlan
  readonly said: SaidOfSite
}

function contention({ store, prefix }: SitePlace, path: string): RepositoryError {
  const message = `${store.name}/${prefix}${path}: others write it all the time; try again later`
  return new RepositoryError('CONTENTION', message, store.name)
}
