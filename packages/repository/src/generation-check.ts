/**
 * Whether the directory of a generation is what it was when it was published: its repomd.xml to the byte, and every document that that names.
 */
import { createHash } from 'node:crypto'
import type { ListedObject } from '@repokeeper/object-store'
import { DocumentError, type RepomdRecord } from '@repokeeper/repodata'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { listGeneration } from './generation-claim.ts'
import { documentKeyIn, documentsIn, generationRoot } from './generation-directory.ts'
import { digestIn, type GenerationId } from './mirrorlist.ts'
import { digestOf } from './object-digest.ts'
import { readSmall } from './repomd-follower.ts'
import { repomdKey } from './roots.ts'
import { repomdBytesMax } from './snapshot.ts'

export interface DirectoryFault {
  /** The record of the document; `undefined`: it is repomd.xml itself. Then documents were not looked at. */
  readonly record: RepomdRecord | undefined
  readonly isMissing: boolean
  /** For people: `repodata/x-primary.xml.gz is not there`. */
  readonly problem: string
}

export interface DirectoryCheckOptions {
  /** What a listing of the directory has; default: it is listed. */
  readonly objects?: readonly ListedObject[]
  /** Documents are read through, and their digests taken; else their sizes tell. */
  readonly deep?: boolean
}

export interface DirectoryCheck {
  /** Its repomd.xml; `undefined` where that is not there, or not the one that it was. */
  readonly repomd: Uint8Array | undefined
  /** None where all is well. */
  readonly faults: readonly DirectoryFault[]
}

/** @throws StoreError */
export async function checkDirectory(
  location: RepositoryLocation,
  id: GenerationId,
  context: Pick<RepositoryContext, 'signal'>,
  { objects, deep = false }: DirectoryCheckOptions = {},
): Promise<DirectoryCheck> {
  const { store, root } = location
  const stored = await readSmall(store, repomdKey(generationRoot(root, id)), repomdBytesMax, context)
  if (stored === undefined) return faultOfRepomd(true, 'is not there')
  const repomd = stored.bytes
  // The name of the directory was made of the digest.
  const digest = createHash('sha256').update(repomd).digest('hex')
  if (!digest.startsWith(digestIn(id))) return faultOfRepomd(false, 'is not the one that was published')
  const records = recordsIn(repomd)
  if (records instanceof DocumentError) return faultOfRepomd(false, `cannot be read: ${records.message}`)
  const there = new Map((objects ?? (await listGeneration(location, id, context))).map((one) => [one.key, one]))
  const faults: DirectoryFault[] = []
  for (const record of records) {
    const object = there.get(documentKeyIn(root, id, record))
    const problem = await problemOf(location, record, object, context, deep)
    if (problem === undefined) continue
    faults.push({ record, isMissing: object === undefined, problem: `${record.href} ${problem}` })
  }
  return { repomd, faults }
}

/** Anybody can make a directory whose name fits what is in it. */
function recordsIn(repomd: Uint8Array): RepomdRecord[] | DocumentError {
  try {
    return documentsIn(repomd)
  } catch (error) {
    if (error instanceof DocumentError) return error
    throw error
  }
}

function faultOfRepomd(isMissing: boolean, problem: string): DirectoryCheck {
  return { repomd: undefined, faults: [{ record: undefined, isMissing, problem: `repodata/repomd.xml ${problem}` }] }
}

async function problemOf(
  location: RepositoryLocation,
  { size, checksum }: RepomdRecord,
  object: ListedObject | undefined,
  context: Pick<RepositoryContext, 'signal'>,
  deep: boolean,
): Promise<string | undefined> {
  if (object === undefined) return 'is not there'
  if (size !== undefined && size !== object.size) return `has ${object.size} bytes instead of ${size}`
  if (!deep || checksum === undefined) return undefined
  const found = await digestOf(location, object, checksum.type, context)
  return found === undefined || found === checksum.hex ? undefined : `has another ${checksum.type} than its record says`
}
