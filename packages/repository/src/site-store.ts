/**
 * The files of a site in a store: only what is not there already is written, and what a former version left is deleted.
 */
import { createHash } from 'node:crypto'
import { type ListedObject, type ObjectStore, type PutCondition, readBody } from '@repokeeper/object-store'
import { frontPath, generatorMark, isSitePath, isSuperseded, type SiteFile } from '@repokeeper/site'
import { type RepositoryContext, withSignal } from './context.ts'
import { RepositoryError } from './repository-error.ts'

/** A directory of a store. */
export interface SitePlace {
  readonly store: ObjectStore
  /** Empty, or ends in a slash. */
  readonly prefix: string
}

/** Somebody else writes the same site: so often we look what stands there now. */
const attemptsMax = 5
/** A page is asked for anew each time; where it has not changed the answer is short. */
const cacheControl = 'no-cache'

export class SiteStore {
  readonly #place: SitePlace
  readonly #context: RepositoryContext
  /** What is there and was not yet written anew, by path. */
  readonly #left: Map<string, ListedObject>
  readonly #isOurs: boolean

  private constructor(place: SitePlace, context: RepositoryContext, left: Map<string, ListedObject>, isOurs: boolean) {
    this.#place = place
    this.#context = context
    this.#left = left
    this.#isOurs = isOurs
  }

  /** @throws RepositoryError `NOT_A_SITE` where an index.html of somebody else stands there, and what the store throws */
  static async open(place: SitePlace, context: RepositoryContext): Promise<SiteStore> {
    const { store, prefix } = place
    const left = new Map<string, ListedObject>()
    for await (const object of store.list(prefix, withSignal(context))) {
      const path = object.key.slice(prefix.length)
      if (isSitePath(path)) left.set(path, object)
    }
    const front = left.get(frontPath)
    if (front !== undefined && !(await isOurs(store, front, context))) throw notASite(place, frontPath)
    return new SiteStore(place, context, left, front !== undefined)
  }

  /**
   * Whether it differs from what is there, and so was written; where `isDry`, would be.
   * @throws RepositoryError `NOT_A_SITE` where another file stands there, and nobody has written a site here before; then too where an index.html of
   * somebody else came meanwhile
   */
  async write(file: SiteFile, isDry: boolean): Promise<boolean> {
    const { store, prefix } = this.#place
    let current: Pick<ListedObject, 'key' | 'etag' | 'size'> | undefined = this.#left.get(file.path)
    this.#left.delete(file.path)
    const key = `${prefix}${file.path}`
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      if (current !== undefined && (await holds(store, current, file.bytes, this.#context))) return false
      const mayBeOthers = !this.#isOurs || (attempt > 0 && file.path === frontPath)
      if (current !== undefined && mayBeOthers && !(await isOurs(store, current, this.#context))) {
        throw notASite(this.#place, file.path)
      }
      if (isDry) return true
      const outcome = await store.put(key, file.bytes, this.#conditionOf(current), {
        sha256: digestOf(file.bytes),
        contentType: file.contentType,
        cacheControl,
        ...withSignal(this.#context),
      })
      if (outcome.kind === 'stored') return true
      current = await store.head(key, withSignal(this.#context))
    }
    throw new RepositoryError(
      'CONTENTION',
      `${store.name}/${key}: others write it all the time; try again later`,
      store.name,
    )
  }

  /** What a former version had and this one has not. Nothing where no former version is known: it may be somebody else's. */
  get superseded(): readonly ListedObject[] {
    if (!this.#isOurs) return []
    return [...this.#left].filter(([path]) => isSuperseded(path)).map(([, object]) => object)
  }

  pathOf({ key }: ListedObject): string {
    return key.slice(this.#place.prefix.length)
  }

  async delete(object: ListedObject): Promise<void> {
    const { key, etag } = object
    // A page that somebody has put beside ours stays.
    if (key.endsWith('.html') && !(await isOurs(this.#place.store, object, this.#context))) return
    // A conflict is another writer's newer version.
    await this.#place.store.delete(key, { ifMatch: etag, ...withSignal(this.#context) })
  }

  #conditionOf(current: Pick<ListedObject, 'etag'> | undefined): PutCondition {
    if (this.#context.singleWriter) return { if: 'always' }
    return current === undefined ? { if: 'absent' } : { if: 'unchanged', etag: current.etag }
  }
}

/**
 * Whether an object has these bytes: by its ETag, which is the MD5 in most stores, else by the SHA-256 that the store vouches for,
 * else by reading it.
 */
async function holds(
  store: ObjectStore,
  { key, etag, size }: Pick<ListedObject, 'key' | 'etag' | 'size'>,
  bytes: Uint8Array,
  context: RepositoryContext,
): Promise<boolean> {
  if (size !== bytes.length) return false
  if (etag === `"${createHash('md5').update(bytes).digest('hex')}"`) return true
  const head = await store.head(key, withSignal(context))
  if (head === undefined || head.etag !== etag) return false
  if (head.sha256 !== undefined) return head.sha256 === digestOf(bytes)
  const got = await store.get(key, { ifMatch: etag, ...withSignal(context) })
  return got.kind === 'found' && Buffer.compare(await readBody(got.body, bytes.length), bytes) === 0
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The mark stands in the head, at its beginning. */
const headBytes = 4_096

function notASite({ store, prefix }: SitePlace, path: string): RepositoryError {
  const where = `${store.name}/${prefix}`
  const message = `${where} holds a file ${path} that repokeeper did not write: choose another directory, or remove that file`
  return new RepositoryError('NOT_A_SITE', message, where)
}

async function isOurs(
  store: ObjectStore,
  { key }: Pick<ListedObject, 'key'>,
  context: RepositoryContext,
): Promise<boolean> {
  const got = await store.get(key, { range: { start: 0, end: headBytes }, ...withSignal(context) })
  if (got.kind !== 'found') return true
  return Buffer.from(await readBody(got.body, headBytes)).includes(generatorMark)
}
