/**
 * The policy for packages, on their way: what it refuses is given up before the last byte is let go, mostly once its header has come.
 */

import type { CopySource } from '@repokeeper/object-store'
import {
  largeBytes,
  type PackageVerifier,
  PassingPackage,
  type PassingVerdict,
  type RepositoryContext,
  readRanges,
  refusalOf,
  type Turnstile,
  verifierOf,
} from '@repokeeper/repository'
import type { WantedFile } from './replica-plan.ts'
import type { RepositorySource } from './source.ts'

export interface PackageGate {
  readonly verifier: PackageVerifier
  /** Packages whose headers are large take their turn here, so that memory holds one of them. */
  readonly largePackages: Turnstile
  /** It was refused before: then its header is asked for alone, and the rest only where it is let in by now. */
  readonly isSuspect: (file: WantedFile) => boolean
}

/** A package that is not let in. */
export interface PackageRefusal {
  readonly code: string
  /** For people: why, and what to do. */
  readonly reason: string
  /** Of all keys that are said to have signed it. */
  readonly keyIds: readonly string[]
}

/** In place of the rest of its bytes. */
export class PackageRefused extends Error {
  readonly refusal: PackageRefusal

  constructor(refusal: PackageRefusal) {
    super(refusal.reason)
    this.refusal = refusal
  }
}

/** @returns `undefined` where every package is let in */
export function gateOf(
  { packagePolicy, largePackages }: Pick<RepositoryContext, 'packagePolicy' | 'largePackages'>,
  isSuspect: PackageGate['isSuspect'],
): PackageGate | undefined {
  const verifier = verifierOf(packagePolicy)
  return verifier && { verifier, largePackages, isSuspect }
}

/** What is done with a package, of whose header so much may be held. A large one takes its turn, and all of it is done again. */
export async function inTurn<Result>(
  { largePackages }: PackageGate,
  work: (headerBytesMax: number | undefined) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(largeBytes)
  } catch (error) {
    if (!(error instanceof LargeHeader)) throw error
    return await largePackages.run(() => work(undefined))
  }
}

/**
 * The same bytes.
 * @param size of the whole package
 * @throws PackageRefused, and what asks `inTurn` for another turn
 */
export async function* throughGate(
  body: AsyncIterable<Uint8Array>,
  size: number,
  { verifier }: PackageGate,
  headerBytesMax: number | undefined,
): AsyncGenerator<Uint8Array> {
  const passing = new PassingPackage(size, { verifier, headerBytesMax })
  for await (const chunk of body) {
    passing.update(chunk)
    if (passing.verdict !== undefined) refuse(passing.verdict)
    yield chunk
  }
  refuse(passing.end())
}

/** By ranges, before its store copies it. @throws PackageRefused, StoreError */
export async function examineInStore(
  found: CopySource,
  gate: PackageGate,
  signal: AbortSignal,
): Promise<'let in' | 'changed'> {
  return inTurn(gate, async (headerBytesMax) => {
    const { verifier } = gate
    const read = await readRanges(found.store, found, { verifier, signal, ...(headerBytesMax && { headerBytesMax }) })
    if (read.kind === 'changed') return 'changed'
    refuse(read)
    return 'let in'
  })
}

/** By its header alone. What that cannot tell, and what is not there, passes. @throws PackageRefused, WebError, StoreError */
export async function examineHeader(
  source: RepositorySource,
  { path, size }: WantedFile,
  { verifier }: PackageGate,
): Promise<void> {
  if (size === undefined) return
  const passing = new PassingPackage(size, { verifier, headerBytesMax: largeBytes })
  while (passing.headerBytesMissing > 0) {
    const start = passing.length
    const end = start + passing.headerBytesMissing
    const answer = await source.open(path, { range: { start, end } })
    if (answer.kind !== 'found') return
    for await (const chunk of answer.body) passing.update(chunk)
    if (passing.length < end) return
  }
  if (passing.verdict !== undefined && passing.verdict.kind !== 'large') refuse(passing.verdict)
}

class LargeHeader extends Error {}

function refuse(passed: PassingVerdict): void {
  switch (passed.kind) {
    case 'large':
      throw new LargeHeader()
    case 'unreadable':
      // Nobody can say who has signed it.
      throw new PackageRefused({ code: passed.code, reason: passed.reason, keyIds: [] })
    case 'read':
      if (passed.verdict?.kind === 'refused') throw new PackageRefused(refusalOf(passed.verdict))
      return
    default:
      passed satisfies never
  }
}
