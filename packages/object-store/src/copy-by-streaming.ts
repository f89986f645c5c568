import type { CopyOptions, CopyOutcome, CopySource, GetOutcome, ObjectStore, PutCondition } from './port.ts'

/** Thrown to the store that is being written to, so that it gives up. */
class SourceChanged extends Error {}

/**
 * Reads from the one store and puts into the other, in constant memory. Each try reads the source anew, and only this version of it.
 *
 * @throws StoreError of either store; `BAD_DIGEST` where the bytes are not those that the source said
 */
export async function copyByStreaming(
  { store, key: sourceKey, etag, size, sha256 }: CopySource,
  target: Pick<ObjectStore, 'put'>,
  key: string,
  condition: PutCondition,
  options: CopyOptions,
): Promise<CopyOutcome> {
  const { signal } = options
  const reading = { ifMatch: etag, ...(signal !== undefined && { signal }) }
  async function* open(): AsyncGenerator<Uint8Array> {
    const got: GetOutcome = await store.get(sourceKey, reading)
    if (got.kind !== 'found') throw new SourceChanged()
    yield* got.body
  }
  try {
    return await target.put(key, { size, open }, condition, { ...options, ...(sha256 !== undefined && { sha256 }) })
  } catch (error) {
    if (error instanceof SourceChanged) return { kind: 'changed' }
    throw error
  }
}
