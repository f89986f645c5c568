/**
 * The documents that a generation names, in files of ours until their time comes: checked, and none of them in memory.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DiskFile, DocumentError, parseLocation, type RepomdRecord, type ScratchFile } from '@repokeeper/repodata'
import { DocumentCheck } from '@repokeeper/repository'
import type { Bandwidth } from './bandwidth.ts'
import type { SourceGeneration } from './read-generation.ts'
import type { WantedFile } from './replica-plan.ts'
import { openBody, type RepositorySource } from './source.ts'
import { TransferError } from './transfer-error.ts'

export interface FetchedDocument extends WantedFile {
  readonly type: string
  readonly size: number
  readonly openSize: number | undefined
  readonly file: ScratchFile
}

/** What a document may have, whatever its record says: the largest known has some 300 MB. */
const documentBytesMax = 2 ** 31
/** Records of one repomd.xml: those of distributions have some 20. */
const recordsMax = 1_000

/** repomd.xml, its signature and key; replica.json, and what it is put together from; notes of publishers and mirrors. */
const ownNames = /^repodata\/(?:repomd\.xml|replica|repokeeper-|pledge-|mirror-)/

/** The record names what is not there, or not as it says: the source may have moved on. */
export class DocumentGone extends Error {}

/**
 * @param scratch a directory of the caller's
 * @returns whoever calls discards the files
 * @throws DocumentGone; TransferError where the records themselves are of no use; StoreError, WebError
 */
export async function fetchDocuments(
  source: RepositorySource,
  { repomd: { records } }: Pick<SourceGeneration, 'repomd'>,
  scratch: string,
  bandwidth: Bandwidth | undefined,
): Promise<FetchedDocument[]> {
  if (records.length > recordsMax) {
    const message = `${source.name}: repomd.xml names ${records.length} documents; at most ${recordsMax} are taken`
    throw new TransferError('BAD_SOURCE', message)
  }
  const fetched: FetchedDocument[] = []
  try {
    for (const record of records) {
      const wanted = wantedOf(record, source)
      if (fetched.some(({ path }) => path === wanted.path)) continue
      const file = await DiskFile.createUnnamed(join(scratch, `document-${randomUUID()}`))
      fetched.push({ ...wanted, type: record.type, openSize: record.openSize, size: wanted.size ?? 0, file })
      await keep(wanted, file, source, bandwidth)
    }
  } catch (error) {
    await discardDocuments(fetched)
    throw error
  }
  return fetched.map((document) => ({ ...document, size: document.file.size }))
}

export async function discardDocuments(documents: readonly FetchedDocument[]): Promise<void> {
  for (const { file } of documents) await file.discard()
}

function wantedOf({ type, href, base, checksum, size }: RepomdRecord, source: RepositorySource): WantedFile {
  const path = parseLocation(href.replace(/^(?:\.\/)+/, ''))
  const bad = (why: string): TransferError => new TransferError('BAD_SOURCE', `${source.name}: repomd.xml ${why}`)
  if (path === undefined || base !== undefined) throw bad(`places ${type} outside the repository: ${base ?? ''}${href}`)
  // Beside the packages lies what is somebody's own; and what a replica or a publisher knows of itself is not the source's to write.
  if (!/^repodata\/[^/]+$/.test(path) || ownNames.test(path))
    throw bad(`places ${type} where no document may lie: ${href}`)
  if (checksum === undefined) throw bad(`gives no digest of ${href} that is known`)
  return { path, checksum, size }
}

async function keep(
  { path, checksum, size }: WantedFile,
  file: ScratchFile,
  source: RepositorySource,
  bandwidth: Bandwidth | undefined,
): Promise<void> {
  const body = await openBody(source, path)
  if (body === undefined) throw new DocumentGone(`${path} is not there`)
  const check = new DocumentCheck(checksum, size)
  try {
    for await (const chunk of bandwidth === undefined ? body : bandwidth.limit(body)) {
      check.update(chunk)
      if (file.size + chunk.length > documentBytesMax) throw new DocumentError('TOO_LARGE', 'it is too large')
      await file.append(chunk)
    }
    check.finish()
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    throw new DocumentGone(`${path}: ${error.message}`, { cause: error })
  }
}
