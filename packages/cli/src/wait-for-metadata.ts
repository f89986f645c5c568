/**
 * Waiting until what is published shows what was done to the bucket.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { discardBody, type ETag, StoreError } from '@repokeeper/object-store'
import { RepositoryError, readListedAt, repomdKey } from '@repokeeper/repository'
import type { OpenRepository } from './open-repository.ts'

/** What the metadata is to show. */
export interface Expectation {
  /** Below the repository's root. */
  readonly path: string
  /** The digest of the package that is to be listed there; `undefined`: nothing is to be. */
  readonly sha256: string | undefined
}

export type WaitOutcome =
  | { readonly kind: 'shown'; readonly milliseconds: number }
  | {
      readonly kind: 'timeout'
      /** What is not shown yet, with what is known about it. */
      readonly pending: readonly { readonly path: string; readonly reason: string }[]
      /** Somebody published meanwhile, so that workers are at work at least. */
      readonly publishedMeanwhile: boolean
    }

/** Milliseconds between two looks: soon at first, since a worker takes seconds. A look costs one conditional request. */
const pause = { firstMs: 250, longestMs: 2_000 } as const

/**
 * Reads repomd.xml again and again, and what it names only where it has changed.
 *
 * @throws the signal's reason; RepositoryError and StoreError only where another look would find the same
 */
export async function waitForMetadata(
  repository: OpenRepository,
  expectations: readonly Expectation[],
  { timeoutSeconds, signal }: { readonly timeoutSeconds: number; readonly signal: AbortSignal },
): Promise<WaitOutcome> {
  const startedAt = performance.now()
  const deadline = startedAt + timeoutSeconds * 1000
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1000)])
  const view = new PublishedView(repository, expectations)
  for (let pauseMs: number = pause.firstMs; ; pauseMs = Math.min(pauseMs * 1.5, pause.longestMs)) {
    try {
      if ((await view.look(limited)) === 0) {
        return { kind: 'shown', milliseconds: Math.round(performance.now() - startedAt) }
      }
    } catch (error) {
      signal.throwIfAborted()
      if (!limited.aborted && !mayPass(error)) throw error
    }
    const left = deadline - performance.now()
    if (limited.aborted || left <= 0) {
      return { kind: 'timeout', pending: await view.explain(signal), publishedMeanwhile: view.changes > 1 }
    }
    await delay(Math.min(pauseMs, left), undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted()
      throw error
    })
  }
}

/** What was last seen of the metadata, and what is still missing in it. */
class PublishedView {
  readonly #repository: OpenRepository
  #pending: readonly Expectation[]
  /** Digests that are listed where something else is expected. */
  readonly #listed = new Map<string, string>()
  #etag: ETag | undefined
  /** How many versions of repomd.xml were seen. */
  changes = 0

  constructor(repository: OpenRepository, expectations: readonly Expectation[]) {
    this.#repository = repository
    this.#pending = expectations
  }

  /** @returns how much is missing */
  async look(signal: AbortSignal): Promise<number> {
    const { location, context } = this.#repository
    const condition = this.#etag === undefined ? {} : { ifNoneMatch: this.#etag }
    const got = await location.store.get(repomdKey(location.root), { ...condition, signal })
    if (got.kind === 'found') await discardBody(got.body)
    // Nothing is published yet: then nothing is listed.
    const isNew = got.kind === 'found' ? got.head.etag !== this.#etag : got.kind === 'absent' && this.changes === 0
    if (!isNew) return this.#pending.length
    const paths = this.#pending.map(({ path }) => path)
    const { etag, listed: listedAt } = await readListedAt(location, paths, context(signal))
    this.#etag = etag
    this.changes += 1
    this.#pending = this.#pending.filter(({ path, sha256 }) => {
      const [listed, ...more] = listedAt.get(path) ?? []
      if (listed !== undefined) this.#listed.set(path, listed.pkgid)
      else this.#listed.delete(path)
      return sha256 === undefined ? listed !== undefined : listed?.pkgid !== sha256 || more.length > 0
    })
    return this.#pending.length
  }

  /** Why it may be that something is not shown. */
  async explain(signal: AbortSignal): Promise<{ path: string; reason: string }[]> {
    const reasons: { path: string; reason: string }[] = []
    for (const { path, sha256 } of this.#pending)
      reasons.push({ path, reason: await this.#reason(path, sha256, signal) })
    return reasons
  }

  async #reason(path: string, sha256: string | undefined, signal: AbortSignal): Promise<string> {
    const { store, root } = this.#repository.location
    const head = await store.head(`${root}${path}`, { signal }).catch(() => 'unknown' as const)
    if (head !== 'unknown' && (head === undefined) !== (sha256 === undefined)) {
      return head === undefined ? 'it was removed again meanwhile' : 'it was uploaded again meanwhile'
    }
    if (sha256 === undefined) return 'it is still listed'
    return this.#listed.has(path) ? 'another package is listed in its place' : 'it is not listed'
  }
}

/** Faults that another look may not meet: a server that is busy, metadata that is being replaced. */
function mayPass(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === 'UNAVAILABLE'
  return error instanceof RepositoryError && error.code === 'MISSING_DOCUMENT'
}
