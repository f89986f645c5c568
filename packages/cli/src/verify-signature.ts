/**
 * The first thing that an outsider looks at: repomd.xml, and whether its signature is one of a key that he knows.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { readBody } from '@repokeeper/object-store'
import { isGoodDetached, type Keyring, verifyDetached } from '@repokeeper/signing'
import { openBody, type RepositorySource } from '@repokeeper/transfer'
import { CommandError } from './failure.ts'
import type { OnVerified, VerifyFinding } from './verify-finding.ts'

export interface SignatureQuestion {
  readonly source: RepositorySource
  /** `undefined`: no key was given. */
  readonly keyring: Keyring | undefined
  readonly onFinding: OnVerified
  readonly signal: AbortSignal
  /** Milliseconds, as Date.now() has them. */
  readonly now: () => number
}

const repomdPath = 'repodata/repomd.xml'
const signaturePath = `${repomdPath}.asc`
/** As in repository/src/snapshot.ts and signature.ts. */
const repomdBytesMax = 16 * 2 ** 20
const signatureBytesMax = 2 ** 18
/** Between the swap of repomd.xml and that of its signature lies a moment: what is wrong in it is right in the next. */
const attemptsMax = 3
const pauseMs = 1_000

/**
 * @returns repomd.xml, whatever its signature is worth
 * @throws CommandError NO_METADATA, StoreError, WebError
 */
export async function verifySignature({
  source,
  keyring,
  onFinding,
  signal,
  now,
}: SignatureQuestion): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt += 1) {
    const repomd = await readSmall(source, repomdPath, repomdBytesMax)
    if (repomd === undefined) {
      throw new CommandError('NO_METADATA', `${source.name} has no ${repomdPath}: check the address`)
    }
    const signature = await readSmall(source, signaturePath, signatureBytesMax)
    const judged = judge(repomd, signature, keyring, now())
    if (judged.verdict !== 'wrong' || attempt === attemptsMax) {
      onFinding({ what: 'signature', path: signaturePath, ...judged })
      return repomd
    }
    await delay(pauseMs, undefined, { signal })
  }
}

function judge(
  repomd: Uint8Array,
  signature: Uint8Array | undefined,
  keyring: Keyring | undefined,
  now: number,
): Pick<VerifyFinding, 'verdict' | 'message'> {
  if (keyring === undefined) {
    const what = signature === undefined ? 'it has none, and no key was given' : 'there is one, and no key was given'
    return { verdict: 'unchecked', message: `${what} (--key)` }
  }
  if (signature === undefined) return { verdict: 'wrong', message: 'repomd.xml is not signed' }
  const findings = verifyDetached(repomd, signature, { keyring, now })
  const said = findings.map(({ keyId, sentence }) => (keyId === undefined ? sentence : `${sentence} (key ${keyId})`))
  return { verdict: isGoodDetached(findings) ? 'ok' : 'wrong', message: said.join('; ') }
}

/** @throws CommandError TOO_LARGE, StoreError, WebError */
async function readSmall(source: RepositorySource, path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const body = await openBody(source, path)
  return (
    body &&
    readBody(body, bytesMax).catch((error: unknown) => {
      if (!(error instanceof RangeError)) throw error
      throw new CommandError('TOO_LARGE', `${source.name}/${path} is longer than the ${bytesMax} bytes that are read`)
    })
  )
}
