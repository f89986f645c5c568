/**
 * The signatures of packages in an audit: which listed ones the policy would not let in today, and who has signed the others. Their headers
 * are read, and no more; a deep audit, which reads everything, looks at the payload as well.
 */
import { type ObjectHead, StoreError } from '@repokeeper/object-store'
import { count, type ListedPackage } from '@repokeeper/repodata'
import { type AuditFinding, type AuditNote, packageFinding, packageSignatureFinding } from './audit-finding.ts'
import type { Generation, Suspect } from './audit-generation.ts'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { type PackageSigner, type PackageVerifier, refusalOf } from './package-policy.ts'
import { largeBytes } from './package-reader.ts'
import { type RangesRead, readRanges } from './read-ranges.ts'
import { suspectPackage, suspectUnreadable } from './suspect-package.ts'

export interface PackageSignatureCheck {
  readonly suspects: readonly Suspect[]
  readonly notes: readonly AuditNote[]
  readonly signers: readonly SignerCount[]
}

/** How many of the listed packages are let in by the signature of one key. */
export interface SignerCount extends PackageSigner {
  readonly packages: number
}

/**
 * @param places by ordinal of the index: the path of the object that an entry stands for
 * @param onProgress is told the packages looked at so far, and all of them
 * @throws StoreError where the store is out; an object that it does not give is a finding
 */
export async function checkPackageSignatures(
  location: RepositoryLocation,
  { index }: Pick<Generation, 'index'>,
  places: readonly (string | undefined)[],
  verifier: PackageVerifier,
  context: RepositoryContext,
  onProgress: (read: number, total: number) => void = () => {},
): Promise<PackageSignatureCheck> {
  const packages = (index?.packages ?? []).filter(({ ordinal }) => places[ordinal] !== undefined)
  const suspects: Suspect[] = []
  const notes: AuditNote[] = []
  const signers = new SignerTally()
  /** Whose payload would have to be read. */
  const unread: string[] = []
  let looked = 0
  await inParallel(packages, context.packageReadsMax, async (listed) => {
    const path = places[listed.ordinal] ?? ''
    const outcome = await judgeListed(location, listed, path, verifier, context)
    if (outcome.kind === 'signed') signers.count(outcome.by)
    else if (outcome.kind === 'suspect') suspects.push(outcome.suspect)
    else if (outcome.kind === 'payload needed') unread.push(path)
    looked += 1
    onProgress(looked, packages.length)
  })
  const [first] = unread.toSorted()
  if (first !== undefined) notes.push({ kind: 'unchecked', path: first, reason: unreadReason(unread.length - 1) })
  return { suspects, notes, signers: signers.counts() }
}

/** Counts packages by the key that they are let in by. */
export class SignerTally {
  readonly #counts = new Map<string, SignerCount>()

  count({ keyId, userId }: PackageSigner): void {
    const id = keyId ?? ''
    const packages = (this.#counts.get(id)?.packages ?? 0) + 1
    this.#counts.set(id, { ...(keyId && { keyId }), ...(userId && { userId }), packages })
  }

  /** The busiest first. */
  counts(): readonly SignerCount[] {
    return [...this.#counts.values()].toSorted((a, b) => b.packages - a.packages)
  }
}

type Judgement =
  | { readonly kind: 'signed'; readonly by: PackageSigner }
  | { readonly kind: 'suspect'; readonly suspect: Suspect }
  | { readonly kind: 'payload needed' }
  /** Gone, or another object than the listed one: that is a finding of its own. */
  | { readonly kind: 'another' }

async function judgeListed(
  location: RepositoryLocation,
  listed: ListedPackage,
  path: string,
  verifier: PackageVerifier,
  context: RepositoryContext,
): Promise<Judgement> {
  try {
    const head = await location.store.head(`${location.root}${path}`, withSignal(context))
    // A listing shows as much.
    if (head === undefined || head.size !== (listed.size ?? head.size)) return { kind: 'another' }
    const suspect = (finding: AuditFinding): Judgement => {
      return { kind: 'suspect', suspect: suspectPackage(location, listed, head, finding, context) }
    }
    if (isAnother(head, listed)) {
      const problem = `its sha256 is ${head.sha256}, it is listed with ${listed.pkgid}: clients refuse it`
      return suspect(packageFinding('changed', path, problem))
    }
    const read = await readHeader(location, head, verifier, context)
    if (read.kind === 'changed' || read.kind === 'large') return { kind: 'another' }
    if (read.kind === 'unreadable') return suspect(packageSignatureFinding(path, { ...read, keyIds: [] }))
    const { verdict } = read
    if (verdict === undefined) throw new Error(`${path} was read, and its signature was not looked at`)
    if (verdict.kind === 'signed') return verdict
    if (verdict.code === 'PAYLOAD_NEEDED') return { kind: 'payload needed' }
    return suspect(packageSignatureFinding(path, refusalOf(verdict)))
  } catch (error) {
    if (!(error instanceof StoreError) || error.code === 'UNAVAILABLE') throw error
    const finding = packageFinding('unreadable-package', path, error.message)
    return { kind: 'suspect', suspect: suspectUnreadable(listed, finding) }
  }
}

function isAnother({ sha256 }: ObjectHead, { checksumType, pkgid }: ListedPackage): boolean {
  return checksumType === 'sha256' && sha256 !== undefined && sha256 !== pkgid
}

/** A large one takes its turn, as everywhere. */
async function readHeader(
  location: RepositoryLocation,
  head: ObjectHead,
  verifier: PackageVerifier,
  context: RepositoryContext,
): Promise<RangesRead> {
  const firstBytes = context.headerSizes.firstBytes(describeLocation(location))
  const options = { ...withSignal(context), verifier, mayReadPayload: false }
  const read = await readRanges(location.store, head, { ...options, firstBytes, headerBytesMax: largeBytes })
  return read.kind === 'large' ? context.largePackages.run(() => readRanges(location.store, head, options)) : read
}

function unreadReason(others: number): string {
  const which = others === 0 ? 'its' : `of this and ${count(others, 'more package')} the`
  return `${which} signature is over the payload, which was not read: --deep does`
}
