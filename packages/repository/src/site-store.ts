/**
 * The files of a site in a store: only what is not there already is written, and what a former version left is deleted.
 *
 * Before the first write the record of the site is stored with all that may be written (the claim), and after the last with all that was. So
 * whatever is killed between the two, the next one knows which files are the site's own, and which of them to look at again.
 */
import type { ETag, ListedObject, PutCondition } from '@repokeeper/object-store'
import { frontPath, isSitePath, isSuperseded, type SiteFile, type SitePlan } from '@repokeeper/site'
import { type RepositoryContext, withSignal } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { RepositoryError } from './repository-error.ts'
import { digestOf, holds, isOurs, notASite, readRecord, type SitePlace, type StoredRecord } from './site-place.ts'
import { formatSiteRecord, packSiteRecord, type RecordedFile, recordPath, type SiteRecord } from './site-record.ts'
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
  /** What is known of former versions; `undefined` where there was none, or one of a time before there were records. */
  readonly record: SiteRecord | undefined

  private constructor(
    place: SitePlace,
    context: RepositoryContext,
    there: ReadonlyMap<string, ListedObject>,
    stored: StoredRecord | undefined,
  ) {
    this.#place = place
    this.#context = context
    this.#there = there
    this.record = stored?.record
    this.#recordEtag = stored?.etag
    this.#recordDigest = stored?.digest
  }

  /**
   * @throws RepositoryError `NOT_A_SITE` where an index.html of somebody else stands there, `BROKEN_SITE` where the record cannot be read,
   * and what the store throws
   */
  static async open(place: SitePlace, context: RepositoryContext): Promise<SiteStore> {
    const { store, prefix } = place
    const there = new Map<string, ListedObject>()
    let isRecorded = false
    for await (const object of store.list(prefix, withSignal(context))) {
      const path = object.key.slice(prefix.length)
      if (isSitePath(path)) there.set(path, object)
      isRecorded ||= path === recordPath
    }
    const stored = isRecorded ? await readRecord(place, context) : undefined
    const front = there.get(frontPath)
    const known = stored?.record.files.get(frontPath)?.written?.etag
    if (front !== undefined && front.etag !== known && !(await isOurs(store, front, context))) {
      throw notASite(place, frontPath)
    }
    return new SiteStore(place, context, there, stored)
  }

  /** Whether a file is there as it was written, and was made of this. */
  has(path: string, from: string): boolean {
    const written = this.record?.files.get(path)?.written
    return written !== undefined && written.from === from && written.etag === this.#there.get(path)?.etag
  }

  /** @throws RepositoryError `NOT_A_SITE` where a file of somebody else stands in the place of one that may have to be written */
  async ensureOurs({ open }: SitePlan): Promise<void> {
    if (this.#isUnrecorded) return
    const others = [...open].filter((path) => this.record?.files.has(path) !== true && this.#there.has(path))
    await inParallel(others, looksAtOnce, async (path) => {
      const object = this.#there.get(path)
      if (object !== undefined && !(await isOurs(this.#place.store, object, this.#context))) {
        throw notASite(this.#place, path)
      }
    })
  }

  /**
   * Whether it differs from what is there, and so was written; where `isDry`, would be.
   * @throws RepositoryError `NOT_A_SITE` where an index.html of somebody else came meanwhile, `CONTENTION` where others write the site, too
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
      const mayBeOthers = attempt > 0 && path === frontPath
      if (current !== undefined && mayBeOthers && !(await isOurs(store, current, this.#context))) {
        throw notASite(this.#place, path)
      }
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

  /**
   * What former versions had and this one has not: what is there as it was written. Without a record, what looks like a file of a site
   * beside a front page of ours; a `.repo` file may be anybody's then.
   */
  superseded({ paths }: SitePlan): ListedObject[] {
    return [...this.#there]
      .filter(([path, { etag }]) => {
        if (paths.has(path)) return false
        if (this.record === undefined) return this.#isUnrecorded && isSuperseded(path)
        const file = this.record.files.get(path)
        // Of a page its mark tells, of what was about to be written the claim.
        return file !== undefined && (file.written?.etag === etag || file.written === undefined || isPage(path))
      })
      .map(([, object]) => object)
  }

  pathOf({ key }: Pick<ListedObject, 'key'>): string {
    return key.slice(this.#place.prefix.length)
  }

  /** Whether it is gone. */
  async delete(object: ListedObject, claim: SiteClaim): Promise<boolean> {
    const { key, etag } = object
    const path = this.pathOf(object)
    const isAsWritten = this.record?.files.get(path)?.written?.etag === etag
    // A page that somebody has put in the place of ours stays.
    if (isPage(path) && !isAsWritten && !(await isOurs(this.#place.store, object, this.#context))) return false
    await this.#ensureClaimed(claim)
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

  /** There is a site of ours, of a time before there were records. */
  get #isUnrecorded(): boolean {
    return this.record === undefined && this.#there.has(frontPath)
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

function isPage(path: string): boolean {
  return path.endsWith('.html')
}

function contention({ store, prefix }: SitePlace, path: string): RepositoryError {
  const message = `${store.name}/${prefix}${path}: others write it all the time; try again later`
  return new RepositoryError('CONTENTION', message, store.name)
}
