/**
 * Whether the packages are those that primary lists: there, of their size, with their digest, and signed by a key that one knows.
 */
import {
  type ListedPackage,
  parseLocation,
  pathOf,
  readListedPackages,
  type StoredDocument,
} from '@repokeeper/repodata'
import { DocumentCheck, forEachOf } from '@repokeeper/repository'
import { locateHeaders, RpmError } from '@repokeeper/rpm-parser'
import { type Keyring, openVerification, type PackageVerdict, PackageVerification } from '@repokeeper/signing'
import { openBody, type RepositorySource } from '@repokeeper/transfer'
import { describeFailure } from './failure.ts'
import type { OnVerified } from './verify-finding.ts'

export interface PackagesQuestion {
  readonly source: RepositorySource
  readonly primary: StoredDocument
  /** `undefined`: signatures are not looked at. */
  readonly keyring: Keyring | undefined
  /** A package without a signature is right. */
  readonly allowUnsigned: boolean
  readonly atATime: number
  readonly now: () => number
  readonly signal: AbortSignal
  readonly onFinding: OnVerified
  /** Told the bytes of each package that was looked at. */
  readonly onVerified: (listed: ListedPackage) => void
}

export interface PackageTotals {
  readonly packages: number
  /** As primary has them. */
  readonly bytes: number
}

/** What there is to do. @throws DocumentError */
export async function countPackages(primary: StoredDocument): Promise<PackageTotals> {
  let packages = 0
  let bytes = 0
  for await (const { size } of readListedPackages(primary)) {
    packages += 1
    bytes += size ?? 0
  }
  return { packages, bytes }
}

/** Only what is not right is a finding. @throws DocumentError */
export async function verifyPackages(question: PackagesQuestion): Promise<void> {
  const { primary, atATime, onFinding, onVerified, signal } = question
  await forEachOf(readListedPackages(primary), atATime, async (listed) => {
    signal.throwIfAborted()
    const problem = await verifyPackage(listed, question)
    if (problem !== undefined) onFinding({ verdict: 'wrong', what: 'package', path: listed.href, message: problem })
    onVerified(listed)
  })
}

async function verifyPackage(listed: ListedPackage, question: PackagesQuestion): Promise<string | undefined> {
  const { source, signal } = question
  const path = parseLocation(pathOf(listed) ?? '')
  if (path === undefined) return 'its place leads out of the repository'
  // Without it nobody could say when a server has gone on for too long.
  if (listed.size === undefined) return 'primary does not say its size'
  try {
    const body = (await openBody(source, path)) ?? (await openDecoded(source, path))
    return body === undefined ? 'it is not there' : await verifyBytes(body, listed, question)
  } catch (error) {
    signal.throwIfAborted()
    return describeFailure(error, false).message
  }
}

/** Some tools write the href of a package percent-encoded. */
async function openDecoded(source: RepositorySource, path: string): Promise<AsyncIterable<Uint8Array> | undefined> {
  const decoded = path.includes('%') ? decodePercent(path) : undefined
  const location = decoded === undefined ? undefined : parseLocation(decoded)
  return location === undefined ? undefined : openBody(source, location)
}

function decodePercent(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

async function verifyBytes(
  body: AsyncIterable<Uint8Array>,
  { checksumType, pkgid, size }: ListedPackage,
  { keyring, allowUnsigned, now }: PackagesQuestion,
): Promise<string | undefined> {
  const check = new DocumentCheck({ type: checksumType, hex: pkgid }, size)
  const signatures = keyring && new SignatureReader(keyring, now())
  for await (const chunk of body) {
    check.update(chunk)
    signatures?.update(chunk)
  }
  check.finish()
  const verdict = signatures?.verdict()
  if (verdict === undefined || verdict.kind === 'signed') return undefined
  return allowUnsigned && verdict.code === 'UNSIGNED' ? undefined : verdict.reason
}

/** As worker and audit have it: no real header comes near. */
const headerBytesMax = 128 * 2 ** 20

/** The headers are held until they are whole; of what follows nothing is. */
class SignatureReader {
  readonly #keyring: Keyring
  readonly #now: number
  #chunks: Uint8Array[] = []
  #bytes = 0
  #needed = 0
  #verification: PackageVerification | PackageVerdict | undefined

  constructor(keyring: Keyring, now: number) {
    this.#keyring = keyring
    this.#now = now
  }

  update(chunk: Uint8Array): void {
    if (this.#verification !== undefined) {
      if (this.#verification instanceof PackageVerification) this.#verification.update(chunk)
      return
    }
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes >= this.#needed) this.#tryOpen()
  }

  /** To be called once, behind the last byte. */
  verdict(): PackageVerdict {
    if (this.#verification === undefined) this.#open(this.#take())
    const verification = this.#verification
    if (verification === undefined) throw new Error('a verification that was not opened')
    return verification instanceof PackageVerification ? verification.wholeVerdict() : verification
  }

  #tryOpen(): void {
    const bytes = this.#take()
    const located = locate(bytes)
    if (located?.kind === 'more' && located.bytesNeeded <= headerBytesMax) {
      this.#chunks = [bytes]
      this.#bytes = bytes.length
      this.#needed = located.bytesNeeded
      return
    }
    this.#open(bytes)
    if (located?.kind === 'complete') this.update(bytes.subarray(located.headerEnd))
  }

  #open(bytes: Uint8Array): void {
    this.#verification = openVerification(bytes, { keyring: this.#keyring, now: this.#now })
  }

  #take(): Uint8Array {
    const [first] = this.#chunks
    const bytes = first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks)
    this.#chunks = []
    return bytes
  }
}

/** `undefined`: no package, which whoever reads it says in his own words. */
function locate(bytes: Uint8Array): ReturnType<typeof locateHeaders> | undefined {
  try {
    return locateHeaders(bytes)
  } catch (error) {
    if (!(error instanceof RpmError)) throw error
    return undefined
  }
}
