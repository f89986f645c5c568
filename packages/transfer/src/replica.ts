/**
 * A replica: what the source has published, whole, at every moment.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { DocumentError } from '@repokeeper/repodata'
import type { Generations, RepositoryLocation } from '@repokeeper/repository'
import type { Keyring } from '@repokeeper/signing'
import { Bandwidth } from './bandwidth.ts'
import { DocumentGone, discardDocuments } from './fetch-documents.ts'
import { MovedOn } from './moved-on.ts'
import { type GenerationVersions, readGeneration, type SourceGeneration } from './read-generation.ts'
import type { ReplicaPlan, WantedFile } from './replica-plan.ts'
import { ReplicaRound } from './replica-round.ts'
import type { RepositorySource } from './source.ts'
import { TransferError } from './transfer-error.ts'

export interface ReplicaOptions {
  /** Only what is signed by one of these keys is taken. `undefined`: signatures are passed on unread. */
  readonly keyring: Keyring | undefined
  /** Files at the same time; 1 and more. */
  readonly concurrency: number
  /** How long what is no longer named stays, so that clients with older metadata still get what it lists. */
  readonly retentionMs: number
  readonly bytesPerSecond: number | undefined
  /** What is there already is read and compared, byte for byte. */
  readonly checksAll: boolean
  /** What is there may be something else than a replica of this source. */
  readonly takesOver: boolean
  /** Packages are copied by the store of the target, where the source lies in a store. */
  readonly copiesInStore: boolean
  /** Whether it has generations and a mirrorlist of its own. */
  readonly generations: Generations
  /** A directory of the caller's for documents on their way. */
  readonly scratch: string
  readonly time: ReplicaTime
  readonly onEvent: (event: ReplicaEvent) => void
  readonly signal: AbortSignal
}

export interface ReplicaTime {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** 0 to 1, 1 excluded. */
  readonly random: () => number
  /** Rejects with the signal's reason when it is aborted. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

export const realTime: ReplicaTime = {
  now: Date.now,
  random: Math.random,
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, { signal }),
}

export type ReplicaEvent =
  /** `bytes` are those of what has to come, as far as the metadata says. */
  | { readonly kind: 'planned'; readonly plan: ReplicaPlan; readonly bytes: number }
  | { readonly kind: 'placed'; readonly file: WantedFile; readonly how: 'placed' | 'there' }
  | { readonly kind: 'again'; readonly why: string }

export type ReplicaUpdate =
  /** Nothing has changed since the last update by this process. */
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'whole'
      readonly revision: string | undefined
      /** Of the packages, below the root. */
      readonly paths: readonly string[]
      /** Packages that came or were replaced. */
      readonly fetched: number
      readonly deleted: number
      /** repomd.xml, or its signature, is another one than before. */
      readonly isNew: boolean
    }

/** The source, or others at the target, may move on meanwhile: then everything is looked at again, so often. */
const roundsMax = 10
const roundPauseMs = 1_000

export class Replica {
  readonly #options: ReplicaOptions
  readonly #source: RepositorySource
  readonly #round: ReplicaRound
  #last: GenerationVersions | undefined
  /** When the first of what is superseded may go, in milliseconds since 1970. */
  #nextDeletion = Number.POSITIVE_INFINITY

  constructor(source: RepositorySource, target: RepositoryLocation, options: ReplicaOptions) {
    const { bytesPerSecond, time, signal } = options
    const clock = { now: time.now, sleep: (milliseconds: number) => time.sleep(milliseconds, signal) }
    const bandwidth = bytesPerSecond === undefined ? undefined : new Bandwidth(bytesPerSecond, clock)
    this.#options = options
    this.#source = source
    this.#round = new ReplicaRound({ source, target, bandwidth, ...options })
  }

  /**
   * Brings the target to what the source has published now. Killed at any point, it leaves a whole repository, and the next update goes on.
   * @throws TransferError, StoreError, WebError, and the signal's reason
   */
  async update(): Promise<ReplicaUpdate> {
    const { time, signal, onEvent } = this.#options
    for (let round = 1; ; round += 1) {
      const generation = await this.#read(round === 1 ? this.#last : undefined)
      if (generation === 'unchanged' && time.now() < this.#nextDeletion) return { kind: 'unchanged' }
      try {
        if (generation === 'unchanged') {
          this.#nextDeletion = (await this.#round.deleteExpired()).nextDeletion
          return { kind: 'unchanged' }
        }
        const { nextDeletion, ...update } = await this.#round.take(generation)
        this.#nextDeletion = nextDeletion
        this.#last = generation.versions
        return { kind: 'whole', ...update }
      } catch (error) {
        if (!(error instanceof MovedOn || error instanceof DocumentGone)) throw this.#explained(error)
        const moved = generation === 'unchanged' || (await this.#hasMoved(error, generation))
        if (round === roundsMax || !moved) throw this.#badSource(error)
        onEvent({ kind: 'again', why: error.message })
        await time.sleep(roundPauseMs * time.random(), signal)
      }
    }
  }

  /** What would be done, and nothing is. @throws like `update` */
  async plan(): Promise<ReplicaPlan> {
    const generation = await this.#read(undefined)
    if (generation === 'unchanged') throw new Error('a first look cannot be unchanged')
    const documents = await this.#round.fetchDocuments(generation)
    try {
      return (await this.#round.plan(documents, await this.#round.look())).packagePlan
    } catch (error) {
      throw this.#explained(error)
    } finally {
      await discardDocuments(documents)
    }
  }

  #read(last: GenerationVersions | undefined): Promise<SourceGeneration | 'unchanged'> {
    const { keyring, time, signal } = this.#options
    const sleep = (milliseconds: number) => time.sleep(milliseconds, signal)
    return readGeneration(this.#source, { keyring, last, now: time.now, sleep })
  }

  async #hasMoved(error: MovedOn | DocumentGone, { versions }: SourceGeneration): Promise<boolean> {
    if (error instanceof MovedOn && error.who === 'another run') return true
    return (await this.#read(versions)) !== 'unchanged'
  }

  /** The source's own metadata makes no sense. Anything else passes through. */
  #explained(error: unknown): unknown {
    return error instanceof DocumentError ? this.#badSource(error) : error
  }

  #badSource(error: Error): TransferError {
    return new TransferError('BAD_SOURCE', `${this.#source.name}: ${error.message}`, { cause: error })
  }
}
