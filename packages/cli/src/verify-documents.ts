/**
 * Whether what repomd.xml names is what it says: there, of its size, with its digest, and the same uncompressed.
 */
import { join } from 'node:path'
import {
  DiskFile,
  DocumentError,
  decompress,
  parseLocation,
  type Repomd,
  type RepomdRecord,
  type ScratchFile,
} from '@repokeeper/repodata'
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import { DocumentCheck, openChecksumOf } from '@repokeeper/repository'
import { openBody, type RepositorySource } from '@repokeeper/transfer'
import { describeFailure } from './failure.ts'
import type { OnVerified, VerifyFinding } from './verify-finding.ts'

/** What a document may have, whatever its record says, and what it may uncompress to: the largest known has some 3 GB, open. */
const documentBytesMax = 2 ** 30
export const openBytesMax = 16 * 2 ** 30
/** Records of one repomd.xml: those of distributions have some 20. */
const recordsMax = 1_000

/**
 * @param scratch a directory of the caller's: documents lie there while they are looked at, so that memory holds none
 * @returns primary, where it is right
 */
export async function verifyDocuments(
  source: RepositorySource,
  { records }: Repomd,
  scratch: string,
  signal: AbortSignal,
  onFinding: OnVerified,
): Promise<ScratchFile | undefined> {
  let primary: ScratchFile | undefined
  for (const [number, record] of records.entries()) {
    if (number === recordsMax) {
      const message = `it names ${records.length} documents; the first ${recordsMax} were looked at`
      onFinding({ verdict: 'wrong', what: 'repomd.xml', path: 'repodata/repomd.xml', message })
      break
    }
    const file = await DiskFile.createUnnamed(join(scratch, `document-${number}`))
    const finding = await verifyRecord(source, record, file, signal)
    onFinding({ ...finding, what: record.type, path: record.href })
    if (record.type === 'primary' && finding.verdict === 'ok' && primary === undefined) primary = file
    else await file.discard()
  }
  return primary
}

type Judged = Pick<VerifyFinding, 'verdict' | 'message'>

async function verifyRecord(
  source: RepositorySource,
  record: RepomdRecord,
  file: ScratchFile,
  signal: AbortSignal,
): Promise<Judged> {
  const { checksum, size, base } = record
  const path = parseLocation(record.href.replace(/^(?:\.\/)+/, ''))
  if (path === undefined || base !== undefined) return wrong('its place leads out of the repository')
  if (checksum === undefined) return wrong('repomd.xml gives no digest of it that is known')
  try {
    const body = await openBody(source, path)
    if (body === undefined) return wrong('it is not there')
    await keep(body, new DocumentCheck(checksum, size), file)
    return await verifyOpen(record, file)
  } catch (error) {
    signal.throwIfAborted()
    return wrong(describeFailure(error, false).message)
  }
}

/** Stops at the first byte too many: the server may go on for ever. */
async function keep(body: AsyncIterable<Uint8Array>, check: DocumentCheck, file: ScratchFile): Promise<void> {
  for await (const chunk of body) {
    check.update(chunk)
    if (file.size + chunk.length > documentBytesMax) {
      throw new DocumentError('TOO_LARGE', `it is longer than the ${documentBytesMax} bytes that are read`)
    }
    await file.append(chunk)
  }
  check.finish()
}

/** Only once the compressed bytes are known to be those that were promised. */
async function verifyOpen(record: RepomdRecord, file: ScratchFile): Promise<Judged> {
  const { openSize, checksum } = record
  const open = openChecksumOf(record)
  const said = `${formatBytes(file.size)}, ${checksum?.type}`
  const check = open && new DocumentCheck(open, openSize)
  let bytes = 0
  try {
    for await (const chunk of decompress(file.bytes(), Math.min(openSize ?? openBytesMax, openBytesMax))) {
      bytes += chunk.length
      check?.update(chunk)
    }
    check?.finish()
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    if (error.code === 'UNKNOWN_COMPRESSION') return { verdict: 'ok', message: `${said}; ${error.message}` }
    return wrong(`uncompressed: ${error.message}`)
  }
  if (openSize !== undefined && openSize !== bytes) {
    return wrong(`it uncompresses to ${bytes} bytes, its record says ${openSize}`)
  }
  return { verdict: 'ok', message: `${said}, ${formatBytes(bytes)} uncompressed` }
}

function wrong(message: string): Judged {
  return { verdict: 'wrong', message }
}
