/**
 * One file of the source at its place in the target, with the digest that the source's metadata promises, or not at all.
 */
import { type ETag, type PutCondition, StoreError } from '@repokeeper/object-store'
import { DocumentError, parseLocation } from '@repokeeper/repodata'
import { DocumentCheck, type RepositoryLocation } from '@repokeeper/repository'
import type { Bandwidth } from './bandwidth.ts'
import {
  examineHeader,
  examineInStore,
  inTurn,
  type PackageGate,
  type PackageRefusal,
  PackageRefused,
  throughGate,
} from './package-gate.ts'
import type { WantedFile } from './replica-plan.ts'
import { openBody, type RepositorySource } from './source.ts'
import { WebError } from './web-reader.ts'

export interface Placing {
  readonly source: RepositorySource
  readonly target: RepositoryLocation
  readonly bandwidth: Bandwidth | undefined
  /** The store of the target copies by itself where the source lies in a store. */
  readonly copiesInStore: boolean
  /** Another file that stands there makes way. */
  readonly replaces: boolean
  /** `undefined`: whatever has the digest of the metadata is let in. */
  readonly gate?: PackageGate | undefined
  readonly signal: AbortSignal
}

export type Placed =
  | { readonly kind: 'placed' }
  /** It was there already, byte for byte. */
  | { readonly kind: 'there' }
  /** Another file stands there, and stays. */
  | { readonly kind: 'different' }
  /** The source does not have what it lists; or, with `refusal`, what it has is not let in. */
  | { readonly kind: 'wrong'; readonly reason: string; readonly refusal?: PackageRefusal }

/** Others may write the same name meanwhile, each time. */
const looksMax = 5

/**
 * @param place its path in the target, where that is another one
 * @throws StoreError of the target, and the signal's reason
 */
export async function placeFile(file: WantedFile, placing: Placing, place: string = file.path): Promise<Placed> {
  const { target, replaces, signal } = placing
  const key = `${target.root}${place}`
  for (let look = 1; look <= looksMax; look += 1) {
    const there = await holdsFile({ ...file, path: place }, target, signal)
    if (there === 'the same') return { kind: 'there' }
    if (there !== undefined && !replaces) return { kind: 'different' }
    const condition: PutCondition = there === undefined ? { if: 'absent' } : { if: 'unchanged', etag: there }
    const outcome = await bring(file, key, condition, placing)
    if (outcome !== 'conflict') return outcome
  }
  return { kind: 'wrong', reason: `others wrote it ${looksMax} times meanwhile` }
}

/** @returns the version of another file that stands there; `undefined` where none does */
async function holdsFile(
  { path, checksum, size }: WantedFile,
  { store, root }: RepositoryLocation,
  signal: AbortSignal,
): Promise<ETag | 'the same' | undefined> {
  const head = await store.head(`${root}${path}`, { signal })
  if (head === undefined) return undefined
  if (size !== undefined && head.size !== size) return head.etag
  if (head.sha256 !== undefined && checksum.type === 'sha256') {
    return head.sha256 === checksum.hex ? 'the same' : head.etag
  }
  const got = await store.get(head.key, { ifMatch: head.etag, signal })
  if (got.kind !== 'found') return head.etag
  return (await isPromised(got.body, { checksum, size })) ? 'the same' : head.etag
}

/** Whether these are the bytes of the file. */
export async function isPromised(
  body: AsyncIterable<Uint8Array>,
  { checksum, size }: Pick<WantedFile, 'checksum' | 'size'>,
): Promise<boolean> {
  try {
    for await (const _ of checked(body, new DocumentCheck(checksum, size)));
    return true
  } catch (error) {
    if (error instanceof DocumentError) return false
    throw error
  }
}

async function bring(
  file: WantedFile,
  key: string,
  condition: PutCondition,
  placing: Placing,
): Promise<Placed | 'conflict'> {
  const { source, target, copiesInStore, gate, signal } = placing
  try {
    if (copiesInStore && source.locate !== undefined) {
      const copied = await copyInStore(file, key, condition, placing)
      if (copied !== 'cannot') return copied
    }
    const { size } = file
    if (size === undefined) return { kind: 'wrong', reason: 'the metadata does not say its size' }
    if (gate?.isSuspect(file)) await examineHeader(source, file, gate)
    const sha256 = file.checksum.type === 'sha256' ? { sha256: file.checksum.hex } : {}
    const put = (open: () => AsyncIterable<Uint8Array>) =>
      target.store.put(key, { size, open }, condition, { ...sha256, contentType: rpm, signal })
    const open = () => openChecked(file, placing)
    const { kind } =
      gate === undefined
        ? await put(open)
        : await inTurn(gate, (headerBytesMax) => put(() => throughGate(open(), size, gate, headerBytesMax)))
    return kind === 'stored' ? { kind: 'placed' } : 'conflict'
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof PackageRefused) return { kind: 'wrong', reason: error.message, refusal: error.refusal }
    const reason = sourceFault(error, target)
    if (reason === undefined) throw error
    return { kind: 'wrong', reason }
  }
}

const rpm = 'application/x-rpm'

/** The copy is held to the digest that the store found in it. */
async function copyInStore(
  { path, checksum, size }: WantedFile,
  key: string,
  condition: PutCondition,
  { source, target, gate, signal }: Placing,
): Promise<Placed | 'conflict' | 'cannot'> {
  if (checksum.type !== 'sha256') return 'cannot'
  const found = await source.locate?.(path)
  if (found === undefined) return 'cannot'
  if (size !== undefined && found.size !== size)
    return { kind: 'wrong', reason: `it has ${found.size} bytes, not ${size}` }
  if (gate !== undefined && (await examineInStore(found, gate, signal)) === 'changed') return movedAway
  const copied = await target.store.copy({ ...found, sha256: checksum.hex }, key, condition, {
    contentType: rpm,
    signal,
  })
  if (copied.kind === 'conflict') return 'conflict'
  if (copied.kind === 'changed') return movedAway
  const is = await holdsFile({ path: key.slice(target.root.length), checksum, size }, target, signal)
  if (is === 'the same') return { kind: 'placed' }
  await target.store.delete(key, { ifMatch: copied.etag, signal })
  return { kind: 'wrong', reason: `its sha256 is not the ${checksum.hex} of the metadata` }
}

const movedAway: Placed = { kind: 'wrong', reason: 'it was replaced or removed while it was copied' }

/** Throws before the last byte is let go where anything is not as it was promised: then nothing is stored. */
async function* openChecked(file: WantedFile, { source, bandwidth }: Placing): AsyncGenerator<Uint8Array> {
  const body = (await openBody(source, file.path)) ?? (await openDecoded(source, file.path))
  if (body === undefined) throw new DocumentError('MISSING', 'it is not there')
  yield* checked(bandwidth === undefined ? body : bandwidth.limit(body), new DocumentCheck(file.checksum, file.size))
}

async function* checked(body: AsyncIterable<Uint8Array>, check: DocumentCheck): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    check.update(chunk)
    yield chunk
  }
  check.finish()
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

/** Why the source does not give the file; `undefined` where the fault is the target's. */
function sourceFault(error: unknown, { store }: RepositoryLocation): string | undefined {
  if (error instanceof DocumentError || error instanceof WebError) return error.message
  if (error instanceof StoreError && (error.store !== store.name || error.code === 'BAD_DIGEST')) return error.message
  return undefined
}
