/**
 * Audit: a whole repository, the bucket beside the metadata, and what repomd.xml names beside what is there. Changes nothing.
 */

import { StoreError } from '@repokeeper/object-store'
import { count } from '@repokeeper/repodata'
import { checkDigests } from './audit-deep.ts'
import { checkDocuments, documentKeysOf } from './audit-documents.ts'
import { type AuditFinding, type AuditNote, compareFindings, repomdFinding } from './audit-finding.ts'
import { type Generation, readGeneration, type Suspect } from './audit-generation.ts'
import { checkGenerations } from './audit-generations.ts'
import { checkKeptPackages, keptKeysOf, readKeptPackages } from './audit-kept-packages.ts'
import { checkPackageSignatures, type SignerCount } from './audit-package-signatures.ts'
import { comparePackages } from './audit-packages.ts'
import { checkSignature } from './audit-signature.ts'
import { describeLocation, type RepositoryContext, type RepositoryLocation } from './context.ts'
import { inParallel } from './in-parallel.ts'
import { observe } from './observe.ts'
import { anyPackage, type PackagePolicy, type PackageVerifier } from './package-policy.ts'
import { PackageReader } from './package-reader.ts'
import { RepositoryError } from './repository-error.ts'
import { UncachedDocuments } from './uncached-documents.ts'

/** Plain data; findings are sorted: repomd.xml, documents, packages, each by path. */
export interface AuditReport {
  readonly repository: string
  /** Of the generation that was looked at last; `undefined` where there is none, or it cannot be read. */
  readonly revision: string | undefined
  readonly deep: boolean
  /** Packages in the bucket, and entries of primary; `undefined` where primary cannot be read: then packages were not compared. */
  readonly inBucket: number
  readonly listed: number | undefined
  readonly findings: readonly AuditFinding[]
  readonly notes: readonly AuditNote[]
  /** Where signatures were looked at: which keys have signed how many of the listed packages, the busiest first. */
  readonly signers?: readonly SignerCount[]
}

export interface AuditOptions {
  /** Also reads every document and package through, and takes its digest. */
  readonly deep?: boolean
  /** Also finds what is listed and would not be let in by this verifier; without `deep` packages' headers are read for it. */
  readonly signatures?: PackageVerifier | undefined
  /**
   * Milliseconds between what looks wrong at first and the second look at it. A change whose notification is under way takes
   * as long as a batch and its publish; what is shorter may call that drift. Default 0.
   */
  readonly settleMs?: number
  /** Something looks wrong: so many things are looked at again after `settleMs`. */
  readonly onSettle?: (suspects: number) => void
  /** `deep`: bytes read so far, and all of them. */
  readonly onProgress?: (read: number, total: number) => void
  /** `signatures`, and not `deep`: packages looked at so far, and all of them. */
  readonly onPackages?: (read: number, total: number) => void
}

/** Metadata that is readable at one look and not at the other, so often in a row, is being fought over. */
const attemptsMax = 3

/**
 * Reads repomd.xml and primary and lists the bucket; no package is looked at but those that seem to be wrong. What seems so
 * counts only if it is the same, object and metadata, at a second look: what changes meanwhile is no drift.
 *
 * @throws StoreError where the bucket cannot be listed or read: nothing is said then. RepositoryError `CONTENTION`
 */
export async function auditRepository(
  location: RepositoryLocation,
  given: RepositoryContext,
  options: AuditOptions = {},
): Promise<AuditReport> {
  // Documents as they are published now: what is kept of them here may be the only copy that is still whole.
  const context = { ...given, cache: new UncachedDocuments(given.cache), packagePolicy: policyFor(options, given) }
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const { generation, suspects, notes, inBucket, signers } = await look(location, context, options)
    const { settleMs = 0, onSettle, deep = false } = options
    if (suspects.length > 0 && settleMs > 0) {
      onSettle?.(suspects.length)
      await context.sleep(settleMs, context.signal)
    }
    const now = suspects.length === 0 ? generation : await readGeneration(location, context)
    if ((now.index === undefined) !== (generation.index === undefined)) continue
    const held = await whatHolds(suspects, now, context)
    const usable = await sortOutUnusable(location, held, now, context)
    return {
      repository: describeLocation(location),
      revision: now.repomd?.revision,
      deep,
      inBucket,
      listed: now.index?.packages.filter(({ base }) => base === undefined).length,
      findings: usable.findings.toSorted(compareFindings),
      notes: [...notes, ...usable.notes].toSorted((a, b) => (a.path < b.path ? -1 : 1)),
      ...(signers && { signers }),
    }
  }
  const repository = describeLocation(location)
  const message = `${repository}: its metadata was written ${attemptsMax} times while it was audited, and is readable at times only; try again`
  throw new RepositoryError('CONTENTION', message, repository)
}

interface Look {
  readonly generation: Generation
  readonly suspects: readonly Suspect[]
  readonly notes: readonly AuditNote[]
  readonly inBucket: number
  readonly signers: readonly SignerCount[] | undefined
}

/** What is in the bucket and unlisted is judged by the same verifier. */
export function policyFor({ signatures }: AuditOptions, { packagePolicy }: RepositoryContext): PackagePolicy {
  return signatures === undefined ? packagePolicy : { kind: 'signed', verifier: signatures }
}

async function look(location: RepositoryLocation, context: RepositoryContext, options: AuditOptions): Promise<Look> {
  const generation = await readGeneration(location, context)
  const { repomd, etag, fault } = generation
  const isThere = etag !== undefined
  // Without a repomd.xml every package would be a finding of its own.
  const index = isThere && namesPrimary(generation) ? generation.index : undefined
  const kept = await readKeptPackages(location, index, context)
  const keys = new Set([...documentKeysOf(location, repomd), ...keptKeysOf(location, kept)])
  const packages = await comparePackages(location, index, keys, context)
  const notes: AuditNote[] = packages.passedOver.map((one) => ({ kind: 'passed-over', ...one }))
  const suspects: Suspect[] = [...packages.suspects]
  if (repomd === undefined) {
    const problem = fault?.cause instanceof Error ? fault.cause.message : 'repomd.xml cannot be read'
    suspects.push({
      finding: repomdFinding('unreadable-repomd', problem),
      holds: async (now) => now.repomd === undefined,
    })
  } else if (!isThere && packages.inBucket > 0) {
    suspects.push({
      finding: repomdFinding(
        'no-repomd',
        `${count(packages.inBucket, 'package is', 'packages are')} there, but no metadata: clients fail`,
      ),
      holds: async (now) => now.repomd !== undefined && now.etag === undefined,
    })
  }
  if (isThere) suspects.push(...(await checkDocuments(location, generation, packages.found, context)))
  const { deep = false, signatures: verifier, onProgress, onPackages } = options
  const signed = await checkSignature(location, generation, context)
  const generations = await checkGenerations(location, generation, kept, context, { deep })
  suspects.push(...signed.suspects, ...generations.suspects)
  notes.push(...signed.notes, ...generations.notes)
  suspects.push(...(await checkKeptPackages(location, kept, packages.found, context, { deep })))
  const { places } = packages
  let signers: readonly SignerCount[] | undefined
  if (deep && isThere) {
    // Who does not ask for signatures is not told of them.
    const packagePolicy = verifier === undefined ? anyPackage : context.packagePolicy
    const withPolicy = { ...context, packagePolicy }
    const checked = await checkDigests(location, { ...generation, index }, places, withPolicy, onProgress)
    suspects.push(...checked.suspects)
    notes.push(...checked.notes)
    if (verifier !== undefined) signers = checked.signers
  } else if (verifier !== undefined) {
    const checked = await checkPackageSignatures(location, { index }, places, verifier, context, onPackages)
    suspects.push(...checked.suspects)
    notes.push(...checked.notes)
    signers = checked.signers
  }
  return { generation, suspects, notes, inBucket: packages.inBucket, signers }
}

function namesPrimary({ repomd }: Generation): boolean {
  return repomd?.records.some(({ type }) => type === 'primary') === true || repomd?.records.length === 0
}

async function whatHolds(
  suspects: readonly Suspect[],
  now: Generation,
  context: RepositoryContext,
): Promise<AuditFinding[]> {
  const looked = await inParallel(suspects, context.packageReadsMax, (one) => lookAgainAt(one, now))
  // A deep look may find again what the listing showed.
  const findings = new Map<string, AuditFinding>()
  for (const finding of looked) {
    if (finding === undefined) continue
    const id = JSON.stringify([finding.kind, finding.path, 'record' in finding ? finding.record : ''])
    if (!findings.has(id)) findings.set(id, finding)
  }
  return [...findings.values()]
}

/** One object that the store does not let be looked at harms itself only: what was seen first stands. */
async function lookAgainAt({ finding, holds }: Suspect, now: Generation): Promise<AuditFinding | undefined> {
  try {
    return (await holds(now)) ? finding : undefined
  } catch (error) {
    if (!(error instanceof StoreError) || error.code === 'UNAVAILABLE') throw error
    return { ...finding, problem: `${finding.problem}; the second look at it failed: ${error.message}` }
  }
}

/** A file that is no package is rightly not listed: that is no drift. Only what is not listed is read for it. */
async function sortOutUnusable(
  location: RepositoryLocation,
  held: readonly AuditFinding[],
  { index }: Generation,
  context: RepositoryContext,
): Promise<{ readonly findings: readonly AuditFinding[]; readonly notes: readonly AuditNote[] }> {
  const findings = held.filter(({ kind }) => kind !== 'unlisted')
  const notes: AuditNote[] = []
  const unlisted = held.filter(({ kind }) => kind === 'unlisted')
  if (unlisted.length === 0 || index === undefined) return { findings: held, notes }
  for (let start = 0; start < unlisted.length; start += packagesAtOnce) {
    const some = unlisted.slice(start, start + packagesAtOnce)
    const reader = await PackageReader.open(location, context)
    try {
      await inParallel(some, context.packageReadsMax, async (finding) => {
        const { path } = finding
        try {
          const seen = await observe(location, path, index, reader, context)
          if (seen.kind === 'unreadable' || seen.kind === 'untrusted') {
            notes.push({ kind: 'unusable', path, reason: `${seen.code}: ${seen.reason}` })
          } else if (seen.kind === 'package' && seen.listed.length === 0) findings.push(finding)
        } catch (error) {
          if (!(error instanceof StoreError) || error.code === 'UNAVAILABLE') throw error
          findings.push({ ...finding, problem: `${finding.problem}; and it cannot be read: ${error.message}` })
        }
      })
    } finally {
      await reader.close()
    }
  }
  return { findings, notes }
}

/** Packages between which what was laid aside of their entries is thrown away. */
const packagesAtOnce = 500
