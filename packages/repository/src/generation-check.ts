/**
 * Whether the directory of a generation is what it was when it was published: its repomd.xml to the byte, and every document that that names.
 */
import { createHash } from 'node:crypto'
import type { ListedObject } from '@repokeeper/object-store'
import type { RepomdRecord } from '@repokeeper/repodata'
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

/** @throws StoreError */
export async function checkDirectory(
  location: RepositoryLocation,
  id: GenerationId,
  context: Pick<RepositoryContext, 'signal'>,
  { objects, deep = false }: DirectoryCheckOptions = {},
): Promise<DirectoryFault[]> {
  const { store, root } = location
  const repomd = await readSmall(store, repomdKey(generationRoot(root, id)), repomdBytesMax, context)
  if (repomd === undefined) return [faultOfRepomd(true, 'is not there')]
  // The name of the directory was made of the digest.
  const digest = createHash('sha256').update(repomd.bytes).digest('hex')
  if (!digest.startsWith(digestIn(id))) return [faultOfRepomd(false, 'is not the one that was published')]
  const there = new Map((objects ?? (await listGeneration(location, id, context))).map((one) => [one.key, one]))
  const faults: DirectoryFault[] = []
  for (const record of documentsIn(repomd.bytes)) {
    const object = there.get(documentKeyIn(root, id, record))
    const problem = await problemOf(location, record, object, context, deep)
    if (problem === undefined) continue
    faults.push({ record, isMissing: object === undefined, problem: `${record.href} ${problem}` })
  }
  return faults
}

function faultOfRepomd(isMissing: boolean, problem: string): DirectoryFault {
  return { record: undefined, isMissing, problem: `repodata/repomd.xml ${problem}` }
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
