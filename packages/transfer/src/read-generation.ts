/**
 * repomd.xml and its signature, as a pair that belongs together.
 */
import { discardBody, readBody } from '@repokeeper/object-store'
import { DocumentError, parseRepomd, type Repomd } from '@repokeeper/repodata'
import { isGoodDetached, type Keyring, verifyDetached } from '@repokeeper/signing'
import type { RepositorySource, SourceVersion } from './source.ts'
import { TransferError } from './transfer-error.ts'

/** What a client reads first. */
export const repomdPath = 'repodata/repomd.xml'
export const signaturePath = `${repomdPath}.asc`
export const publicKeyPath = `${repomdPath}.key`

export interface SourceGeneration {
  readonly repomd: Repomd
  readonly repomdBytes: Uint8Array
  /** `undefined` where there is none. */
  readonly signature: Uint8Array | undefined
  readonly publicKey: Uint8Array | undefined
  readonly versions: GenerationVersions
}

/** By which it is told whether there is something new. */
export interface GenerationVersions {
  readonly repomd: SourceVersion | undefined
  readonly signature: SourceVersion | undefined
}

export interface ReadGenerationOptions {
  /** Only what is signed by one of these keys is taken. `undefined`: signatures are not looked at. */
  readonly keyring: Keyring | undefined
  /** What was read last: where it is still so, nothing more is asked. */
  readonly last?: GenerationVersions | undefined
  /** Milliseconds, as Date.now() has them. */
  readonly now: () => number
  readonly sleep: (milliseconds: number) => Promise<void>
}

/** As in repository/src/snapshot.ts and signature.ts. */
export const repomdBytesMax = 16 * 2 ** 20
const signatureBytesMax = 2 ** 18
/** Between the swap of repomd.xml and that of its signature lies a moment: what is wrong in it is right in the next. */
const attemptsMax = 5
const pauseMs = 1_000

/** @throws TransferError, StoreError, WebError */
export async function readGeneration(
  source: RepositorySource,
  { keyring, last, now, sleep }: ReadGenerationOptions,
): Promise<SourceGeneration | 'unchanged'> {
  if (last !== undefined && (await isStill(source, last))) return 'unchanged'
  for (let attempt = 1; ; attempt += 1) {
    const generation = await readPair(source)
    if (generation !== 'changed meanwhile') {
      const problem = keyring && signatureProblem(generation, keyring, now())
      if (problem === undefined) return generation
      if (attempt === attemptsMax) throw new TransferError('BAD_SIGNATURE', `${source.name}/${repomdPath}: ${problem}`)
    } else if (attempt === attemptsMax) {
      const message = `${source.name}: it was published anew ${attemptsMax} times while it was read; try again`
      throw new TransferError('CONTENTION', message)
    }
    await sleep(pauseMs)
  }
}

async function isStill(source: RepositorySource, last: GenerationVersions): Promise<boolean> {
  if (last.repomd === undefined) return false
  const repomd = await source.open(repomdPath, { unless: last.repomd })
  if (repomd.kind === 'found') await discardBody(repomd.body)
  if (repomd.kind !== 'unchanged') return false
  if (last.signature === undefined) return (await source.open(signaturePath)).kind === 'absent'
  const signature = await source.open(signaturePath, { unless: last.signature })
  if (signature.kind === 'found') await discardBody(signature.body)
  return signature.kind === 'unchanged'
}

/** The signature is read between two looks at repomd.xml: so it is none of an older or newer one, unless its publisher is late. */
async function readPair(source: RepositorySource): Promise<SourceGeneration | 'changed meanwhile'> {
  const repomd = await readSmall(source, repomdPath, repomdBytesMax)
  if (repomd === undefined) {
    throw new TransferError('NO_METADATA', `${source.name} has no ${repomdPath}: check the address`)
  }
  const signature = await readSmall(source, signaturePath, signatureBytesMax)
  const publicKey = await readSmall(source, publicKeyPath, signatureBytesMax)
  if (!(await isSame(source, repomd))) return 'changed meanwhile'
  return {
    repomd: parse(repomd.bytes, source),
    repomdBytes: repomd.bytes,
    signature: signature?.bytes,
    publicKey: publicKey?.bytes,
    versions: { repomd: repomd.version, signature: signature?.version },
  }
}

async function isSame(source: RepositorySource, { bytes, version }: SmallFile): Promise<boolean> {
  const again = await source.open(repomdPath, { unless: version })
  if (again.kind !== 'found') return again.kind === 'unchanged'
  const now = await readBody(again.body, bytes.length).catch(() => undefined)
  return now !== undefined && Buffer.from(now).equals(bytes)
}

interface SmallFile {
  readonly bytes: Uint8Array
  readonly version: SourceVersion | undefined
}

async function readSmall(source: RepositorySource, path: string, bytesMax: number): Promise<SmallFile | undefined> {
  const answer = await source.open(path)
  if (answer.kind !== 'found') return undefined
  try {
    return { bytes: await readBody(answer.body, bytesMax), version: answer.version }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const message = `${source.name}/${path} is longer than the ${bytesMax} bytes that are read`
    throw new TransferError('BAD_SOURCE', message, { cause: error })
  }
}

function parse(bytes: Uint8Array, source: RepositorySource): Repomd {
  try {
    return parseRepomd(bytes)
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    throw new TransferError('BAD_SOURCE', `${source.name}: ${error.message}`, { cause: error })
  }
}

function signatureProblem(
  { repomdBytes, signature }: SourceGeneration,
  keyring: Keyring,
  now: number,
): string | undefined {
  if (signature === undefined) return 'it is not signed, and a key was given to check it with'
  const findings = verifyDetached(repomdBytes, signature, { keyring, now })
  if (isGoodDetached(findings)) return undefined
  return findings
    .map(({ status, keyId, sentence }) => {
      const said = keyId === undefined ? sentence : `${sentence} (key ${keyId})`
      return status === 'unknown-key'
        ? `${said}; where it is to be believed, give its public key as well: --key FILE`
        : said
    })
    .join('; ')
}
