/**
 * Packages on their way to their places in a replica. Those that stand in the place of another wait beside it until all of them are there.
 */
import { createHash } from 'node:crypto'
import type { ETag, PutCondition } from '@repokeeper/object-store'
import { inParallel } from '@repokeeper/repository'
import type { TargetView } from './look-at-target.ts'
import { anotherRun, MovedOn } from './moved-on.ts'
import { type Placing, placeFile } from './place-file.ts'
import type { ReplicaOptions } from './replica.ts'
import type { WantedFile } from './replica-plan.ts'

export interface PackageParts
  extends Pick<Placing, 'source' | 'target' | 'bandwidth' | 'copiesInStore' | 'signal'>,
    Pick<ReplicaOptions, 'concurrency' | 'onEvent'> {}

/** What stands there already, and whether it is the replica's. */
type Ownership = Pick<TargetView, 'isOwn'>

const notPulled = 'another file stands there, which was not pulled: take it away, or say --take-over'

/** Nothing of a generation lies there (fetch-documents.ts). */
const stagePrefix = 'repodata/replica-'

export class ReplicaPackages {
  readonly #parts: PackageParts
  readonly #ensureAlone: (recordETag: ETag) => Promise<void>

  /** @param ensureAlone throws where another run has begun since the record was written */
  constructor(parts: PackageParts, ensureAlone: (recordETag: ETag) => Promise<void>) {
    this.#parts = parts
    this.#ensureAlone = ensureAlone
  }

  /** @throws MovedOn, StoreError, WebError */
  async placeAll(files: readonly WantedFile[], { isOwn }: Ownership, recordETag: ETag): Promise<void> {
    await this.#forEach(files, recordETag, async (file) => {
      const placed = await placeFile(file, { ...this.#parts, replaces: isOwn(file.path) })
      if (placed.kind === 'different') return notPulled
      if (placed.kind === 'wrong') return placed.reason
      this.#parts.onEvent({ kind: 'placed', file, how: placed.kind })
      return undefined
    })
  }

  /** Only once all of it is there anything is replaced. @throws MovedOn, StoreError, WebError */
  async replaceAll(files: readonly WantedFile[], { isOwn }: Ownership, recordETag: ETag): Promise<void> {
    await this.#forEach(files, recordETag, async (file) => {
      if (!isOwn(file.path)) return notPulled
      const placed = await placeFile(file, { ...this.#parts, replaces: true }, stagePathOf(file))
      return placed.kind === 'wrong' ? placed.reason : undefined
    })
    await this.#putInPlace(files, recordETag)
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
}

export function stagePathOf({ path, checksum }: WantedFile): string {
  const digest = createHash('sha256').update(`${path}\n${checksum.hex}`).digest('hex')
  return `${stagePrefix}${digest}`
}

export function isStagePath(path: string): boolean {
  return path.startsWith(stagePrefix)
}
