/**
 * Packages on their way into the metadata: read, described, and their entries laid aside in a file, so that memory holds
 * neither the entries of a batch nor more than one large package.
 */
import type { ObjectHead } from '@repokeeper/object-store'
import {
  type DocumentKind,
  describePackage,
  documentKinds,
  EntrySpool,
  formatEntries,
  type Location,
  PackageTooLargeError,
  type PkgId,
  parseLocation,
  type SpoolSpan,
  sha256PkgId,
  textBytesOf,
} from '@repokeeper/repodata'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { type PackageSigner, type PolicyRefusal, verifierOf } from './package-policy.ts'
import { type PackageReading, readPackage } from './read-package.ts'

/** What a plan needs to know of a package, and shows. */
export interface PackageFacts {
  readonly location: Location
  readonly pkgid: PkgId
  readonly name: string
  readonly epoch: string
  readonly version: string
  readonly release: string
  readonly arch: string
  /** Bytes, and seconds since 1970. */
  readonly size: number
  readonly modified: number
}

export type ReadOutcome =
  | {
      readonly kind: 'package'
      readonly facts: PackageFacts
      /** Its entries, as often as they are asked for while the reader is open. */
      readonly readEntry: (kind: DocumentKind) => Promise<Buffer>
      readonly warnings: readonly string[]
      /** Where packages have to be signed. */
      readonly signer: PackageSigner | undefined
    }
  | {
      readonly kind: 'unreadable'
      readonly code: string
      readonly reason: string
      /** Of the object, where it is known. */
      readonly pkgid: PkgId | undefined
    }
  /** A package that the policy does not let in. */
  | ({ readonly kind: 'untrusted'; readonly pkgid: PkgId } & PolicyRefusal)

/** Above this a package takes its turn; below, many are read side by side. Bytes. */
export const largeBytes = 4 * 2 ** 20

export class PackageReader {
  readonly #location: RepositoryLocation
  readonly #context: RepositoryContext
  readonly #spool: EntrySpool
  /** What was read, by path, of which version: who has to look again pays a HEAD only. */
  readonly #read = new Map<
    string,
    { readonly etag: string; readonly modified: number; readonly outcome: ReadOutcome }
  >()

  private constructor(location: RepositoryLocation, context: RepositoryContext, spool: EntrySpool) {
    this.#location = location
    this.#context = context
    this.#spool = spool
  }

  static async open(location: RepositoryLocation, context: RepositoryContext): Promise<PackageReader> {
    await context.cache.restore()
    return new PackageReader(location, context, new EntrySpool(await context.cache.newScratch()))
  }

  async close(): Promise<void> {
    await this.#spool.close()
  }

  /**
   * @param path below the repository's root; `head` is that of its object
   * @returns `changed` where the object is another one now, or gone
   * @throws StoreError
   */
  async read(path: string, head: ObjectHead): Promise<ReadOutcome | { readonly kind: 'changed' }> {
    const modified = head.lastModified.getTime()
    const known = this.#read.get(path)
    if (known?.etag === head.etag && known.modified === modified) return known.outcome
    const outcome = await this.#readNow(path, head)
    if (outcome.kind !== 'changed') this.#read.set(path, { etag: head.etag, modified, outcome })
    return outcome
  }

  async #readNow(path: string, head: ObjectHead): Promise<ReadOutcome | { readonly kind: 'changed' }> {
    const { store } = this.#location
    const { headerSizes } = this.#context
    const repository = describeLocation(this.#location)
    const options = { ...withSignal(this.#context), verifier: verifierOf(this.#context.packagePolicy) }
    const firstBytes = headerSizes.firstBytes(repository)
    const reading = await readPackage(store, head, { ...options, firstBytes, headerBytesMax: largeBytes })
    if (reading.kind === 'changed') return reading
    if (reading.kind === 'package') headerSizes.note(repository, reading.rpm.headerRange.end)
    if (reading.kind === 'large') {
      return this.#context.largePackages.run(async () => {
        const large = await readPackage(store, head, options)
        return large.kind === 'changed' || large.kind === 'large'
          ? { kind: 'changed' }
          : this.#settle(path, head, large)
      })
    }
    const isLarge = reading.kind === 'package' && textBytesOf(reading.rpm) > largeBytes
    const settle = (): Promise<ReadOutcome> => this.#settle(path, head, reading)
    return isLarge ? this.#context.largePackages.run(settle) : settle()
  }

  async #settle(path: string, head: ObjectHead, reading: PackageReading): Promise<ReadOutcome> {
    const pkgid = sha256PkgId(reading.sha256)
    const unreadable = (code: string, reason: string): ReadOutcome => ({ kind: 'unreadable', code, reason, pkgid })
    if (reading.kind === 'unreadable') return unreadable(reading.code, reading.reason)
    if (reading.kind === 'untrusted') return { kind: 'untrusted', pkgid, ...reading.refusal }
    const location = parseLocation(path)
    if (location === undefined) return unreadable('BAD_LOCATION', 'its key cannot stand in the metadata as a location')
    try {
      const file = { pkgid, location, size: head.size, modified: modifiedSeconds(head) }
      const { record, warnings } = describePackage(reading.rpm, file)
      const { name, epoch, version, release, arch } = record
      if (name === '') return unreadable('NO_NAME', 'its header has no name')
      const entries = formatEntries(record)
      const spans = new Map<DocumentKind, SpoolSpan>()
      for (const kind of documentKinds) spans.set(kind, await this.#spool.append(entries[kind]))
      return {
        kind: 'package',
        facts: { ...file, name, epoch, version, release, arch },
        readEntry: (kind) => this.#readBack(spans, kind),
        warnings,
        signer: reading.signer,
      }
    } catch (error) {
      if (error instanceof PackageTooLargeError) return unreadable(error.code, error.message)
      throw error
    }
  }

  #readBack(spans: ReadonlyMap<DocumentKind, SpoolSpan>, kind: DocumentKind): Promise<Buffer> {
    const span = spans.get(kind)
    if (span === undefined) throw new Error(`no ${kind} entry was laid aside`)
    return this.#spool.read(span)
  }
}

/** Seconds since 1970, as `time@file` holds them. */
export function modifiedSeconds(head: Pick<ObjectHead, 'lastModified'>): number {
  return Math.floor(head.lastModified.getTime() / 1000)
}
