/**
 * The last step of an update: repomd.xml, then its signature, then the public key, each only where it is another one.
 */
import { type ETag, type PutCondition, readBody } from '@repokeeper/object-store'
import type { RepositoryLocation } from '@repokeeper/repository'
import { publicKeyPath, repomdPath, type SourceGeneration, signaturePath } from './read-generation.ts'

type ETags = Readonly<Record<'repomd' | 'signature' | 'publicKey', ETag | undefined>>

/**
 * @param seen what stood there when the round began: another one is another run's
 * @returns `same`: it all stood there already
 * @throws StoreError
 */
export async function publishGeneration(
  target: RepositoryLocation,
  { repomdBytes, signature, publicKey }: Pick<SourceGeneration, 'repomdBytes' | 'signature' | 'publicKey'>,
  seen: ETags,
  signal: AbortSignal,
): Promise<'published' | 'same' | 'conflict'> {
  const files = [
    { path: repomdPath, bytes: repomdBytes, etag: seen.repomd, contentType: 'application/xml' },
    { path: signaturePath, bytes: signature, etag: seen.signature, contentType: 'application/pgp-signature' },
    { path: publicKeyPath, bytes: publicKey, etag: seen.publicKey, contentType: 'application/pgp-keys' },
  ]
  let result: 'published' | 'same' = 'same'
  for (const file of files) {
    // A web server that does not give the signature for a moment has not taken it back: that would be another repomd.xml.
    if (file.bytes === undefined && file.path === signaturePath && result === 'same') continue
    const outcome = await bringTo(target, file, signal)
    if (outcome === 'conflict') return 'conflict'
    if (outcome === 'changed') result = 'published'
  }
  return result
}

interface SmallFile {
  readonly path: string
  /** `undefined`: there is to be none. */
  readonly bytes: Uint8Array | undefined
  readonly etag: ETag | undefined
  readonly contentType: string
}

/** Only where it is another one, and only in the place of the version that was seen. @throws StoreError */
export async function bringTo(
  { store, root }: RepositoryLocation,
  { path, bytes, etag, contentType }: SmallFile,
  signal: AbortSignal,
): Promise<'changed' | 'same' | 'conflict'> {
  const key = `${root}${path}`
  if (bytes === undefined) {
    if (etag === undefined) return 'same'
    const deleted = await store.delete(key, { ifMatch: etag, signal })
    return deleted.kind === 'deleted' ? 'changed' : 'conflict'
  }
  if (etag !== undefined) {
    const got = await store.get(key, { ifMatch: etag, signal })
    if (got.kind !== 'found') return 'conflict'
    const there = await readBody(got.body, bytes.length).catch(ignoreLonger)
    if (there !== undefined && Buffer.from(there).equals(bytes)) return 'same'
  }
  const condition: PutCondition = etag === undefined ? { if: 'absent' } : { if: 'unchanged', etag }
  const put = await store.put(key, bytes, condition, { contentType, cacheControl: 'no-cache', signal })
  return put.kind === 'stored' ? 'changed' : 'conflict'
}

function ignoreLonger(error: unknown): undefined {
  if (error instanceof RangeError) return undefined
  throw error
}
