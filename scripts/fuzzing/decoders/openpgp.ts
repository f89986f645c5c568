/**
 * Signature packets and keys alone, so that mutations get further into them than in a whole package. Beside it: a mutated signature is
 * only right where it says what one of the real ones said, and a key is only of use where its primary key vouches for it as it is.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parsePackage, SignatureTag } from '@repokeeper/rpm-parser'
import { binary, encodeHeader } from '@repokeeper/rpm-parser/testing'
import { readKeyring, SigningError, verifyPackage } from '@repokeeper/signing'
import { signedSeeds } from '../seeds.ts'
import { inPieces, insist } from './contradiction.ts'
import { Refused } from './signature.ts'

const keyFile = join(import.meta.dirname, '..', 'seeds', 'signed.asc')
/** Milliseconds: a day after the packages were signed. */
const now = Date.UTC(2026, 0, 2)

/** @throws Refused, Contradiction */
export async function readHostileOpenPgpSignature(bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0) throw new Refused('EMPTY', 'rpm has no empty tags')
  const policy = { keyring: realKeys(), now, acceptWeak: true }
  let refusal = new Refused('NONE', 'there are no seeds')
  for (const seed of signedSeeds()) {
    const { headerRange, signature } = parsePackage(seed)
    const tag = signature.has(SignatureTag.PGP) ? SignatureTag.PGP : SignatureTag.RSA
    const package_ = withSignature(seed, headerRange.start, tag, bytes)
    const payload = inPieces(seed.subarray(headerRange.end), seed.length)
    const verdict = await verifyPackage(package_, payload, policy)
    insist(verdict.signatures.length === 1, 'there is one signature')
    if (verdict.kind === 'signed') {
      const { keyId = '', created } = verdict.by
      return insist((await realSignatures()).has(`${keyId} ${created}`), 'what is right was made by who has the key')
    }
    refusal = new Refused(verdict.code, verdict.reason)
  }
  throw refusal
}

/** @throws Refused, Contradiction */
export function readHostileKeys(bytes: Uint8Array): void {
  const real = new Set(realKeys().keys.map(({ fingerprint }) => fingerprint))
  try {
    for (const { fingerprint, unusable } of readKeyring([{ name: 'x', bytes }], now).keys) {
      insist(unusable !== undefined || real.has(fingerprint), 'a key that is of use is one that was made')
    }
  } catch (error) {
    if (error instanceof SigningError) throw new Refused(error.code, error.message)
    throw error
  }
}

let keyring: ReturnType<typeof readKeyring> | undefined
let real: Promise<ReadonlySet<string>> | undefined

function realKeys(): ReturnType<typeof readKeyring> {
  keyring ??= readKeyring([{ name: keyFile, bytes: readFileSync(keyFile) }], now)
  return keyring
}

function realSignatures(): Promise<ReadonlySet<string>> {
  real ??= (async () => {
    const policy = { keyring: realKeys(), now, acceptWeak: true }
    const verdicts = await Promise.all(signedSeeds().map((seed) => verifyPackage(seed, undefined, policy)))
    const found = verdicts.flatMap(({ signatures }) => signatures)
    return new Set(found.map(({ keyId = '', created }) => `${keyId} ${created}`))
  })()
  return real
}

function withSignature(seed: Uint8Array, headerStart: number, tag: number, bytes: Uint8Array): Uint8Array {
  const header = encodeHeader([binary(tag, bytes)], SignatureTag.HEADERSIGNATURES)
  const padding = new Uint8Array((8 - (header.length % 8)) % 8)
  return Uint8Array.from(Buffer.concat([seed.subarray(0, 96), header, padding, seed.subarray(headerStart)]))
}
