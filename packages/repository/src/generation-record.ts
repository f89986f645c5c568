/**
 * The record of a generation: the repomd.xml that is about to be superseded, stored under a name that says when it was
 * published. From the records a clean-up knows which generations there were, what each named, and since when it is superseded.
 */
import { createHash } from 'node:crypto'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import type { StoredRepomd } from './snapshot.ts'

/** What the name of a record says. */
export interface RecordName {
  /** By the store's clock, in milliseconds; S3 knows whole seconds. */
  readonly publishedAt: Date
  /** The first 16 hex digits of the SHA-256 of the repomd.xml. */
  readonly digest: string
}

/**
 * Stores the record of the generation that a publish is about to supersede. Others who are about to, and this one's own
 * second attempt, find it there already: the same bytes under the same name.
 *
 * Without a generation there is nothing to record. One whose repomd.xml is too large to be read is left out: it would name
 * nothing.
 *
 * @returns the bytes sent
 * @throws StoreError
 */
export async function storeGenerationRecord(
  { store, root }: RepositoryLocation,
  stored: StoredRepomd | undefined,
  context: Pick<RepositoryContext, 'singleWriter' | 'signal'>,
): Promise<number> {
  if (stored?.bytes === undefined) return 0
  const { bytes, lastModified } = stored
  const name = formatRecordName({ publishedAt: lastModified, digest: recordDigest(bytes) })
  const outcome = await store.put(
    `${root}repodata/${name}`,
    bytes,
    context.singleWriter ? { if: 'always' } : { if: 'absent' },
    { contentType: 'application/xml', ...withSignal(context) },
  )
  return outcome.kind === 'stored' ? bytes.length : 0
}

export function recordDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}

/** `20261121T022354.123Z-0f3c9a7be1d24586-repomd.xml`: a listing has them in the order of publication. */
export function formatRecordName({ publishedAt, digest }: RecordName): string {
  return `${publishedAt.toISOString().replace(/[-:]/g, '')}-${digest}-repomd.xml`
}

/** @param name without its directory; `undefined` where it is none of a record */
export function parseRecordName(name: string): RecordName | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d{3}Z)-([0-9a-f]{16})-repomd\.xml$/.exec(name)
  if (parts === null) return undefined
  const [, year, month, day, hours, minutes, seconds, digest = ''] = parts
  const publishedAt = new Date(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}`)
  // `new Date` takes the 31st of February for a day in March.
  return formatsTo(publishedAt, digest, name) ? { publishedAt, digest } : undefined
}

function formatsTo(publishedAt: Date, digest: string, name: string): boolean {
  return !Number.isNaN(publishedAt.getTime()) && formatRecordName({ publishedAt, digest }) === name
}
