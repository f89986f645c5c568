/**
 * A package whose bytes pass by on their way elsewhere: opened once its header has come, verified to its end. In constant memory, but for the header.
 */
import { type HeaderLocation, locateHeaders, type RpmPackage } from '@repokeeper/rpm-parser'
import {
  cutOff,
  type OpenedPackage,
  openPackage,
  packageHeaderBytesMax,
  tooLarge,
  type Unreadable,
  unreadable,
} from './open-package.ts'
import type { PackageVerifier, PolicyVerdict } from './package-policy.ts'
import { firstBytesDefault } from './read-ranges.ts'

export interface PassingPackageOptions {
  /** Bytes from the start of the file to the end of its header that may be held. Default: `packageHeaderBytesMax`. */
  readonly headerBytesMax?: number | undefined
  /** Where packages have to be signed. */
  readonly verifier?: PackageVerifier | undefined
}

/** What is said of a package, by as much of it as has passed. */
export type PassingVerdict =
  | { readonly kind: 'read'; readonly rpm: RpmPackage; readonly verdict: PolicyVerdict | undefined }
  | Unreadable
  /** Its headers need more than `headerBytesMax`. */
  | { readonly kind: 'large' }

export class PassingPackage {
  readonly #size: number
  readonly #options: PassingPackageOptions
  #kept: Uint8Array[] = []
  #wanted = firstBytesDefault
  #length = 0
  #opened: OpenedPackage | NotOpened | undefined
  #verdict: PassingVerdict | undefined

  /** @param size of the whole file */
  constructor(size: number, options: PassingPackageOptions) {
    this.#size = size
    this.#options = options
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length
  }

  /** How many more have to pass before its header can be opened, as far as is known. */
  get headerBytesMissing(): number {
    return this.#opened === undefined ? Math.max(0, Math.min(this.#wanted, this.#size) - this.#length) : 0
  }

  /** What is certain before all has passed; `undefined`: its header has not come yet, or its payload decides. */
  get verdict(): PassingVerdict | undefined {
    return this.#verdict
  }

  /** The next bytes. */
  update(chunk: Uint8Array): void {
    this.#length += chunk.length
    if (this.#opened !== undefined) {
      if (this.#opened.kind === 'opened') this.#opened.check?.update(chunk)
      return
    }
    // Until it is opened, all that has passed is kept.
    this.#kept.push(chunk)
    if (this.#length < this.#wanted && this.#length < this.#size) return
    const bytes = Buffer.concat(this.#kept)
    this.#opened = this.#open(bytes)
    this.#verdict = this.#opened && headerVerdictOf(this.#opened)
    this.#kept = this.#opened === undefined ? [bytes] : []
  }

  /** To be called once, when all has passed. */
  end(): PassingVerdict {
    const opened = this.#opened ?? cutOff(this.#length, this.#wanted)
    if (opened.kind !== 'opened') return opened
    return { kind: 'read', rpm: opened.rpm, verdict: opened.check?.wholeVerdict() }
  }

  /** @returns `undefined` where more has to pass */
  #open(bytes: Uint8Array): OpenedPackage | NotOpened | undefined {
    const { verifier, headerBytesMax = packageHeaderBytesMax } = this.#options
    const located = locate(bytes)
    if (located.kind === 'unreadable') return located
    if (located.kind === 'more') {
      this.#wanted = located.bytesNeeded
      return this.#wanted > headerBytesMax ? tooLarge(this.#wanted, headerBytesMax) : undefined
    }
    // A copy: what is behind the header must not be kept in memory for it.
    const opened = openPackage(Uint8Array.from(bytes.subarray(0, located.headerEnd)), this.#size, verifier)
    if (opened.kind === 'opened') opened.check?.update(bytes.subarray(located.headerEnd))
    return opened
  }
}

type NotOpened = Exclude<PassingVerdict, { readonly kind: 'read' }>

function headerVerdictOf(opened: OpenedPackage | NotOpened): PassingVerdict | undefined {
  if (opened.kind !== 'opened') return opened
  const { rpm, check } = opened
  return check?.payloadNeeded ? undefined : { kind: 'read', rpm, verdict: check?.headerVerdict() }
}

function locate(bytes: Uint8Array): HeaderLocation | Unreadable {
  try {
    return locateHeaders(bytes)
  } catch (error) {
    return unreadable(error)
  }
}
