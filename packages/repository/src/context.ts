/**
 * What the stages work on and with. Time, chance and disk come in here and nowhere else.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { ObjectStore } from '@repokeeper/object-store'
import type { BlockContainer, OpenChecksum } from '@repokeeper/repodata'
import type { DocumentCache } from './document-cache.ts'
import type { Generations } from './generation-settings.ts'
import { HeaderSizes } from './header-sizes.ts'
import { anyPackage, type PackagePolicy } from './package-policy.ts'
import type { RepositoryEvent } from './repository-event.ts'
import type { RepositoryRoot } from './roots.ts'
import type { Signing } from './signature.ts'
import { Turnstile } from './turnstile.ts'

/** One repository: a directory of a store. */
export interface RepositoryLocation {
  readonly store: ObjectStore
  readonly root: RepositoryRoot
}

export interface RepositoryContext {
  readonly now: () => Date
  /** 0 to 1, 1 excluded. */
  readonly random: () => number
  /** Resolves after that time; rejects with the signal's reason when it is aborted. */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>
  readonly cache: DocumentCache
  readonly onEvent: (event: RepositoryEvent) => void
  /** The store ignores conditions, and a person has said that nobody else publishes: writes are not conditional. */
  readonly singleWriter: boolean
  /** How documents are written. */
  readonly documents: DocumentOptions
  /** What is done about the signature of repomd.xml. */
  readonly signing: Signing
  /** Which packages are let in. */
  readonly packagePolicy: PackagePolicy
  /** Whether each generation is published below a path of its own as well. */
  readonly generations: Generations
  /** Packages that are read from the store at a time. */
  readonly packageReadsMax: number
  readonly headerSizes: HeaderSizes
  /** Large packages take their turn here, one in a process, so that memory holds one of them. */
  readonly largePackages: Turnstile
  readonly signal?: AbortSignal
}

export interface DocumentOptions {
  /** `undefined`: that of the published documents where they are ours; else gzip, which clients of any age read. */
  readonly compression: BlockContainer['compression'] | undefined
  readonly openChecksum: OpenChecksum
}

export type ContextOptions = Pick<RepositoryContext, 'cache' | 'onEvent'> &
  Partial<
    Pick<
      RepositoryContext,
      'singleWriter' | 'documents' | 'signing' | 'packagePolicy' | 'generations' | 'packageReadsMax' | 'signal'
    >
  >

export const usualDocuments: DocumentOptions = { compression: undefined, openChecksum: 'auto' }

/** The real clock and real chance. */
export function realContext(options: ContextOptions): RepositoryContext {
  return {
    now: () => new Date(),
    random: Math.random,
    sleep: (milliseconds, signal) => delay(milliseconds, undefined, signal === undefined ? {} : { signal }),
    singleWriter: false,
    documents: usualDocuments,
    signing: { kind: 'unsaid' },
    packagePolicy: anyPackage,
    generations: { kind: 'as found' },
    packageReadsMax: 16,
    headerSizes: processHeaderSizes,
    largePackages: processTurnstile,
    ...options,
  }
}

const processTurnstile = new Turnstile()
const processHeaderSizes = new HeaderSizes()

/** For messages to people. */
export function describeLocation({ store, root }: RepositoryLocation): string {
  return `${store.name}/${root}`
}

/** `{ signal }` or nothing: options never hold an undefined signal. */
export function withSignal(context: Pick<RepositoryContext, 'signal'>): { signal?: AbortSignal } {
  return context.signal === undefined ? {} : { signal: context.signal }
}
