import type { ObjectStore } from '@repokeeper/object-store'

/** The directory of a repository in its bucket: `''` (the whole bucket) or a path that ends with `/` and has no empty, `.` or `..` segment. */
export type RepositoryRoot = string & { readonly __brand: 'RepositoryRoot' }

/** One repository: where changes are gathered and what is published as a whole. */
export interface RepositoryPlace {
  readonly bucket: string
  readonly root: RepositoryRoot
}

/** One text per repository, for maps: a bucket's name has no slash. */
export function placeId({ bucket, root }: RepositoryPlace): string {
  return `${bucket}/${root}`
}

export type PassedOver =
  | 'not an rpm'
  | 'under repodata'
  | 'outside the configured roots'
  /** Of an inbox: it was not let in. */
  | 'rejected before'
  /** An empty, `.` or `..` segment (a leading slash makes an empty one), or a control character. */
  | 'not safe as a location'

export type KeyPlace =
  | { readonly kind: 'package'; readonly root: RepositoryRoot }
  | { readonly kind: 'passed-over'; readonly why: PassedOver }

export class RootError extends Error {
  override readonly name = 'RootError'
  readonly code = 'BAD_ROOT'
}

/**
 * Reads the directory of a repository as people write it: `''`, `/`, `el9/x86_64`, `/el9/x86_64/`.
 * @throws {RootError} on a segment that is empty, `.`, `..`, `repodata`, or has a control character.
 */
export function parseRepositoryRoot(text: string): RepositoryRoot {
  return brandRoot(directorySegments(text))
}

/** A configured root: its segments, where `*` stands for exactly one. */
export interface RootPattern {
  readonly segments: readonly string[]
}

/**
 * Reads a configured root: like `parseRepositoryRoot`, and `*` stands for one segment (`el9/*`, `*` for every directory at the top).
 * @throws {RootError} also on a `*` that is only a part of its segment.
 */
export function parseRootPattern(text: string): RootPattern {
  const segments = directorySegments(text)
  const partial = segments.find((segment) => segment !== '*' && segment.includes('*'))
  if (partial !== undefined) {
    throw new RootError(
      `${JSON.stringify(text)}: "*" stands for a whole segment, not for a part of one as in "${partial}"`,
    )
  }
  return { segments }
}

/**
 * Why a key is no package of any repository, or `undefined` where it may be one. Every stage that looks for packages asks this, so that
 * workers, `plan` and `rebuild` agree.
 *
 * A location that leaves the repository must never be published: S3 allows `..`, empty segments and control characters in a key, but a client
 * resolves an href as a path, and XML 1.0 has no way to write most control characters.
 */
export function passOverKey(key: string): PassedOver | undefined {
  if (!key.endsWith('.rpm')) return 'not an rpm'
  // C0, delete, C1, and the two that XML 1.0 forbids besides (section 2.2, Char)
  if (/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/.test(key) || !key.isWellFormed()) return 'not safe as a location'
  const segments = key.split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) return 'not safe as a location'
  return segments.slice(0, -1).includes('repodata') ? 'under repodata' : undefined
}

/** The root of a key among configured ones: the longest that matches. */
export function placeByPatterns(key: string, patterns: readonly RootPattern[]): KeyPlace {
  const why = passOverKey(key)
  if (why !== undefined) return { kind: 'passed-over', why }
  const directories = key.split('/').slice(0, -1)
  let longest = -1
  for (const { segments } of patterns) {
    const matches =
      segments.length <= directories.length &&
      segments.every((segment, index) => segment === '*' || segment === directories[index])
    if (matches && segments.length > longest) longest = segments.length
  }
  if (longest < 0) return { kind: 'passed-over', why: 'outside the configured roots' }
  return { kind: 'package', root: brandRoot(directories.slice(0, longest)) }
}

/**
 * The root of a key of a repository that is not there yet: its directory, or what `Packages/` or `Packages/x/` lies in. It depends on nothing but
 * the key, so that workers who see a new directory at the same time choose the same root; and once that root is published, `RootFinder` finds it there.
 */
export function defaultRoot(key: string): RepositoryRoot {
  const directories = key.split('/').slice(0, -1)
  if (directories.at(-1) === 'Packages') return brandRoot(directories.slice(0, -1))
  if (directories.at(-2) === 'Packages') return brandRoot(directories.slice(0, -2))
  return brandRoot(directories)
}

/** Where an object is looked for to tell a repository. */
export function repomdKey(root: RepositoryRoot): string {
  return `${root}repodata/repomd.xml`
}

export interface RootFinderOptions {
  readonly store: Pick<ObjectStore, 'head'>
  /** Milliseconds, of any clock that doesn't run backwards. */
  readonly now: () => number
}

/** How long (milliseconds) an answer is believed: a repository may be created at any time, and seldom goes away. */
const presentForMs = 300_000
const absentForMs = 5_000
/** Answers kept per bucket. */
const answersMax = 10_000
/** S3: a key of an object has at most so many bytes; below a deeper directory there can be no repomd.xml. */
const keyBytesMax = 1024
/** A key has up to 512 directories; nobody nests repositories so deep, and each costs a request. */
const directoriesLookedAtMax = 32

/**
 * Finds roots where none are configured: the nearest directory above the key that has `repodata/repomd.xml`, else `defaultRoot`.
 *
 * So a key below one repository belongs to it unless a nearer directory is a repository of its own. Which of the two a key belonged to is not kept
 * anywhere: someone who later creates a repository inside another one rebuilds the outer one, or configures the roots.
 */
export class RootFinder {
  readonly #store: Pick<ObjectStore, 'head'>
  readonly #now: () => number
  /** In the order of asking; an answer that is under way is shared. */
  readonly #answers = new Map<RepositoryRoot, { readonly present: Promise<boolean>; until: number }>()

  constructor({ store, now }: RootFinderOptions) {
    this.#store = store
    this.#now = now
  }

  /** @throws {StoreError} where the store cannot say whether a directory is a repository. */
  async find(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<KeyPlace> {
    const why = passOverKey(key)
    if (why !== undefined) return { kind: 'passed-over', why }
    const nearest = await this.#nearest(key, 0, options.signal)
    return { kind: 'package', root: nearest ?? defaultRoot(key) }
  }

  /**
   * The nearest repository below `root` that the key lies in: its packages are no packages of `root`, as `plan` and `rebuild` see it too.
   * @throws {StoreError} where the store cannot say.
   */
  findBelow(
    key: string,
    root: RepositoryRoot,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<RepositoryRoot | undefined> {
    return this.#nearest(key, root.split('/').length, options.signal)
  }

  async #nearest(key: string, depthMin: number, signal: AbortSignal | undefined): Promise<RepositoryRoot | undefined> {
    const directories = key.split('/').slice(0, -1)
    const shallowest = Math.max(depthMin, directories.length - directoriesLookedAtMax + 1)
    for (let depth = directories.length; depth >= shallowest; depth -= 1) {
      const root = brandRoot(directories.slice(0, depth))
      if (Buffer.byteLength(repomdKey(root)) > keyBytesMax) continue
      if (await this.#isRepository(root, signal)) return root
    }
    return undefined
  }

  #isRepository(root: RepositoryRoot, signal: AbortSignal | undefined): Promise<boolean> {
    const known = this.#answers.get(root)
    if (known !== undefined && this.#now() < known.until) return known.present
    const answer = { present: this.#ask(root, signal), until: Number.POSITIVE_INFINITY }
    this.#answers.delete(root)
    this.#answers.set(root, answer)
    answer.present.then(
      (present) => {
        answer.until = this.#now() + (present ? presentForMs : absentForMs)
      },
      () => {
        // A fault is no answer: the next one asks again.
        if (this.#answers.get(root) === answer) this.#answers.delete(root)
      },
    )
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= answersMax) break
      this.#answers.delete(oldest)
    }
    return answer.present
  }

  async #ask(root: RepositoryRoot, signal: AbortSignal | undefined): Promise<boolean> {
    return (await this.#store.head(repomdKey(root), signal === undefined ? {} : { signal })) !== undefined
  }
}

function directorySegments(text: string): string[] {
  const trimmed = text.replace(/^\//, '').replace(/\/$/, '')
  if (trimmed === '') return []
  const segments = trimmed.split('/')
  for (const segment of segments) {
    if (segment === '' || segment === '.' || segment === '..') {
      throw new RootError(
        `${JSON.stringify(text)}: a directory with the segment ${JSON.stringify(segment)} cannot hold a repository`,
      )
    }
    if (segment === 'repodata') {
      throw new RootError(`${JSON.stringify(text)}: name the directory of the repository, not its repodata`)
    }
    if (/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/.test(segment) || !segment.isWellFormed()) {
      throw new RootError(`${JSON.stringify(text)}: a directory with control characters cannot hold a repository`)
    }
  }
  return segments
}

function brandRoot(segments: readonly string[]): RepositoryRoot {
  return segments.map((segment) => `${segment}/`).join('') as RepositoryRoot
}
