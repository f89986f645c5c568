/**
 * What a replica knows of itself, kept beside its metadata: whose replica it is, and what is no longer named, since when.
 */
import { randomUUID } from 'node:crypto'
import { type ETag, type PutCondition, readBody } from '@repokeeper/object-store'
import type { RepositoryLocation } from '@repokeeper/repository'
import * as z from 'zod'
import { TransferError } from './transfer-error.ts'

export interface ReplicaRecord {
  /** The source, by its identity. */
  readonly source: string
  /** Paths below the root that the metadata here names no longer, and since when, in milliseconds since 1970. */
  readonly superseded: ReadonlyMap<string, number>
  /**
   * Paths at which a run meant to put another file, and since when: it may have died before the metadata said so, and another run may
   * have been at work beside it. What stands there is looked at, byte for byte, until that is an hour ago.
   */
  readonly doubted: ReadonlyMap<string, number>
  /**
   * Paths that a run was about to write to, or to supersede, when it began. What of these the metadata does not name in the end is the
   * replica's to delete, as nothing is that others put here.
   */
  readonly begun: ReadonlySet<string>
}

/** The record as it is stored; `etag` says which version. */
export interface StoredReplicaRecord extends ReplicaRecord {
  readonly etag: ETag
}

export const recordPath = 'repodata/replica.json'

/** A path has at most 1 KiB, and no repository loses a million packages within a retention. */
const bytesMax = 2 ** 28

/** @returns `undefined` where there is none @throws TransferError `NOT_A_REPLICA` where it cannot be read, StoreError */
export async function readRecord({ store, root }: RepositoryLocation): Promise<StoredReplicaRecord | undefined> {
  const got = await store.get(`${root}${recordPath}`)
  if (got.kind !== 'found') return undefined
  try {
    const text = Buffer.from(await readBody(got.body, bytesMax)).toString()
    const { source, superseded, doubted, begun } = Stored.parse(JSON.parse(text))
    return { source, superseded, doubted, begun: new Set(begun), etag: got.head.etag }
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError || error instanceof RangeError)) throw error
    const message = `${store.name}/${root}${recordPath} is no record of a replica: remove it, and pull once with --take-over`
    throw new TransferError('NOT_A_REPLICA', message, { cause: error })
  }
}

/** @returns its new version; `undefined` where somebody else wrote it meanwhile */
export async function writeRecord(
  { store, root }: RepositoryLocation,
  { source, superseded, doubted, begun }: ReplicaRecord,
  etag: ETag | undefined,
): Promise<ETag | undefined> {
  const condition: PutCondition = etag === undefined ? { if: 'absent' } : { if: 'unchanged', etag }
  const times = { superseded: formatTimes(superseded), doubted: formatTimes(doubted), begun: [...begun] }
  // No two are the same bytes: who compares ETags must see that somebody else was here.
  const record = { replica: 1, source, writer: randomUUID(), ...times }
  const bytes = Buffer.from(`${JSON.stringify(record, undefined, 1)}\n`)
  const put = await store.put(`${root}${recordPath}`, bytes, condition, { contentType: 'application/json' })
  return put.kind === 'stored' ? put.etag : undefined
}

/** Whether it is still the version that was written. @throws StoreError */
export async function isStillRecord({ store, root }: RepositoryLocation, etag: ETag): Promise<boolean> {
  return (await store.head(`${root}${recordPath}`))?.etag === etag
}

const Times = z
  .record(z.string(), z.iso.datetime())
  .transform((times) => new Map(Object.entries(times).map(([path, since]) => [path, Date.parse(since)])))

const Stored = z.object({
  replica: z.literal(1),
  source: z.string(),
  superseded: Times,
  doubted: Times,
  begun: z.array(z.string()),
})

function formatTimes(times: ReadonlyMap<string, number>): Record<string, string> {
  return Object.fromEntries([...times].map(([path, since]) => [path, new Date(since).toISOString()]))
}
