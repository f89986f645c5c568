/**
 * Package → verdict. Beside it: however the payload is cut the verdict is the same, and a package is said to be signed only where every byte that
 * its key has signed is as it was.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { parsePackage } from '@repokeeper/rpm-parser'
import { type PackageVerdict, readKeyring, verifyPackage } from '@repokeeper/signing'
import { signedSeeds } from '../seeds.ts'
import { inPieces, insist } from './contradiction.ts'

/** The package is refused, as most cases are. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: string

  constructor(code: string, reason: string) {
    super(reason)
    this.code = code
  }
}

const keyFile = join(import.meta.dirname, '..', 'seeds', 'signed.asc')
/** Milliseconds: a day after the packages were signed. */
const now = Date.UTC(2026, 0, 2)

/** @throws Refused, Contradiction */
export async function readHostileSignature(bytes: Uint8Array, pieceBytes: number): Promise<void> {
  keyring ??= readKeyring([{ name: keyFile, bytes: readFileSync(keyFile) }], now)
  const policy = { keyring, now, acceptWeak: true }
  const headerOnly = await verifyPackage(bytes, undefined, policy)
  if (headerOnly.kind === 'refused' && headerOnly.code === 'UNREADABLE') throw refused(headerOnly)
  const { headerRange } = parsePackage(bytes)
  const payload = bytes.subarray(headerRange.end)
  const whole = await verifyPackage(bytes, inPieces(payload, bytes.length + 1), policy)
  const cut = await verifyPackage(bytes, inPieces(payload, pieceBytes), policy)
  insist(isDeepStrictEqual(whole, cut), 'however the payload comes, the verdict is the same')
  insist(whole.signatures.length <= signaturesMax, `no more than ${signaturesMax} signatures are looked at`)
  insist(headerOnly.kind !== 'signed' || isUntouched(bytes.subarray(headerRange.start, headerRange.end)), untouched)
  if (whole.kind === 'refused') throw refused(whole)
  insist(isUntouched(bytes.subarray(headerRange.start)), untouched)
}

const signaturesMax = 20
const untouched = 'what is said to be signed is what was signed'
let keyring: ReturnType<typeof readKeyring> | undefined
let signed: ReadonlySet<string> | undefined

function isUntouched(bytes: Uint8Array): boolean {
  signed ??= new Set(
    signedSeeds().flatMap((seed) => {
      const { start, end } = parsePackage(seed).headerRange
      return [digestOf(seed.subarray(start, end)), digestOf(seed.subarray(start))]
    }),
  )
  return signed.has(digestOf(bytes))
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function refused(verdict: PackageVerdict): Refused {
  if (verdict.kind === 'signed') throw new Error('it is signed')
  return new Refused(verdict.code, verdict.reason)
}
