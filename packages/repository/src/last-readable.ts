/**
 * The newest generation before the current one that can still be read, by its record: where repomd.xml is damaged, it says
 * what else belonged to the repository.
 */
import { readBody } from '@repokeeper/object-store'
import { DocumentError, documentKinds, parseRepomd, type Repomd, type RepomdRecord } from '@repokeeper/repodata'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { parseRecordName } from './generation-record.ts'
import { recordKey, repomdBytesMax } from './snapshot.ts'

export interface ReadableGeneration {
  /** Of its records the three documents, and those of others whose files are there with the size that they give. */
  readonly repomd: Repomd
  /** By the store's clock. */
  readonly publishedAt: Date
}

/** Records that are tried, newest first. */
const triesMax = 10

/** @returns `undefined` where there is no record, or none that can be read. @throws StoreError */
export async function findLastReadable(
  location: RepositoryLocation,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<ReadableGeneration | undefined> {
  const { store, root } = location
  const directory = `${root}repodata/`
  const records: { readonly key: string; readonly publishedAt: Date }[] = []
  for await (const { key } of store.list(directory, withSignal(context))) {
    const name = parseRecordName(key.slice(directory.length))
    if (name !== undefined) records.push({ key, publishedAt: name.publishedAt })
  }
  for (const { key, publishedAt } of records.toReversed().slice(0, triesMax)) {
    const got = await store.get(key, withSignal(context))
    if (got.kind !== 'found' || got.head.size > repomdBytesMax) continue
    const repomd = tryToParse(await readBody(got.body, repomdBytesMax))
    if (repomd !== undefined) return { repomd: await withoutMissing(location, repomd, context), publishedAt }
  }
  return undefined
}

function tryToParse(bytes: Uint8Array): Repomd | undefined {
  try {
    return parseRepomd(bytes)
  } catch (error) {
    if (error instanceof DocumentError) return undefined
    throw error
  }
}

async function withoutMissing(
  location: RepositoryLocation,
  repomd: Repomd,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<Repomd> {
  const records: RepomdRecord[] = []
  for (const record of repomd.records) {
    if ((documentKinds as readonly string[]).includes(record.type)) records.push(record)
    else if (await isThere(location, record, context)) records.push(record)
  }
  return { ...repomd, records }
}

async function isThere(
  location: RepositoryLocation,
  record: RepomdRecord,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<boolean> {
  try {
    const head = await location.store.head(recordKey(location, record), withSignal(context))
    return head !== undefined && (record.size === undefined || record.size === head.size)
  } catch (error) {
    // It lies outside the repository.
    if (error instanceof DocumentError) return false
    throw error
  }
}
