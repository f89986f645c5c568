/**
 * Generations of a replica: what it takes lies below a path of its own too, and its own mirrorlist names that, as a repository has it that is
 * published to. In the same order: the directory before repomd.xml is swapped, the mirrorlist after it.
 */
import type { ETag } from '@repokeeper/object-store'
import {
  type GenerationId,
  type Generations,
  generationIdOf,
  generationLocation,
  generationsUrl,
  MemoryCache,
  type Mirrorlist,
  putMirrorlist,
  type RepositoryContext,
  type RepositoryLocation,
  readMirrorlist,
  realContext,
  writeGenerationDirectory,
} from '@repokeeper/repository'
import { bringTo } from './publish-generation.ts'
import { publicKeyPath, repomdPath, type SourceGeneration, signaturePath } from './read-generation.ts'

/** A generation that is to have a directory, and to be named by the mirrorlist. */
export interface WantedGeneration {
  readonly id: GenerationId
  /** Of the directory, below the root. */
  readonly path: string
  readonly mirrorlist: Mirrorlist
  /** What stood there before the round; whether it may stay. */
  readonly there: { readonly etag: ETag; readonly isRight: boolean } | undefined
}

/** Paths below the directory of each generation that is there. */
export type GenerationFiles = ReadonlyMap<GenerationId, ReadonlySet<string>>

/** A clean-up puts it into a directory that it is taking away (generation-claim.ts). */
const goingPath = 'going'

export class ReplicaGenerations {
  readonly #target: RepositoryLocation
  readonly #generations: Generations
  readonly #context: RepositoryContext
  readonly #signal: AbortSignal

  constructor(target: RepositoryLocation, generations: Generations, signal: AbortSignal) {
    this.#target = target
    this.#generations = generations
    this.#context = realContext({ cache: new MemoryCache(), onEvent: () => {}, signal })
    this.#signal = signal
  }

  /**
   * To be called before anything is changed.
   * @param hasMirrorlist whether one is there; who may not read it needs no generations either
   * @returns `undefined` where nobody wants a mirrorlist @throws StoreError
   */
  async look({ repomdBytes }: SourceGeneration, hasMirrorlist: boolean): Promise<WantedGeneration | undefined> {
    const { root } = this.#target
    const there = hasMirrorlist ? await readMirrorlist(this.#target, this.#context) : undefined
    const found = there?.mirrorlist
    const baseUrl =
      this.#generations.kind === 'published' ? generationsUrl(this.#generations.url, root) : found?.baseUrl
    const id = generationIdOf(repomdBytes)
    if (baseUrl === undefined || id === undefined) return undefined
    // One that a person has pinned stays.
    const isRight = found?.isPinned === true || (found?.baseUrl === baseUrl && found.generation === id)
    const mirrorlist = { baseUrl, generation: id, isPinned: false }
    return { id, path: directoryPath(id), mirrorlist, there: there && { etag: there.etag, isRight } }
  }

  /**
   * Before the swap, once the documents are there: what is not in the directory yet.
   * @param anew nothing that seems to be there is believed
   * @returns `conflict`: another run is at work @throws StoreError
   */
  async writeDirectory(
    { id }: WantedGeneration,
    { repomdBytes, signature, publicKey }: SourceGeneration,
    files: GenerationFiles,
    anew: boolean,
  ): Promise<'written' | 'conflict'> {
    const own = files.get(id)
    const isWhole = own?.has(repomdPath) === true && !own.has(goingPath)
    if (anew || !isWhole) {
      const parts = { repomd: repomdBytes, signature, publicKey, placed: new Map() }
      await writeGenerationDirectory(this.#target, id, parts, this.#context)
    }
    // The same repomd.xml may have been signed by another key since.
    const location = generationLocation(this.#target, id)
    for (const [path, bytes, contentType] of [
      [publicKeyPath, publicKey, 'application/pgp-keys'],
      [signaturePath, signature, 'application/pgp-signature'],
    ] as const) {
      if (bytes === undefined) continue
      const etag = (await location.store.head(`${location.root}${path}`, { signal: this.#signal }))?.etag
      if ((await bringTo(location, { path, bytes, etag, contentType }, this.#signal)) === 'conflict') return 'conflict'
    }
    return 'written'
  }

  /** After the swap. @returns `conflict`: another run is at work @throws StoreError */
  async name({ mirrorlist, there }: WantedGeneration): Promise<'named' | 'conflict'> {
    if (there?.isRight) return 'named'
    return (await putMirrorlist(this.#target, mirrorlist, there?.etag, this.#context)) ? 'named' : 'conflict'
  }
}

/** With a slash at its end: as a replica's record has it. */
export function directoryPath(id: GenerationId): string {
  return `generations/${id}/`
}
