/**
 * What an audit sees of the metadata: a generation that may be broken.
 */
import type { ETag } from '@repokeeper/object-store'
import type { DocumentKind, PackageIndex, Repomd, StoredDocument } from '@repokeeper/repodata'
import type { AuditFinding } from './audit-finding.ts'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { RepositoryError } from './repository-error.ts'
import { readIndexedSnapshot, readRepomd, type StoredRepomd } from './snapshot.ts'

export interface Generation {
  /** Of repomd.xml; `undefined` where there is none, or it cannot be read. */
  readonly etag: ETag | undefined
  /** repomd.xml as it lies there; `undefined` where there is none, or it cannot be read. */
  readonly stored: StoredRepomd | undefined
  /** `undefined` where repomd.xml cannot be read. */
  readonly repomd: Repomd | undefined
  readonly documents: Readonly<Partial<Record<DocumentKind, StoredDocument>>>
  /** `undefined` where primary, or what names it, cannot be read. */
  readonly index: PackageIndex | undefined
  /** Why not. */
  readonly fault: RepositoryError | undefined
}

/** Something that may be wrong, or may only be changing while it is looked at. */
export interface Suspect {
  readonly finding: AuditFinding
  /** Whether it is still so in a later generation. */
  holds(now: Generation): Promise<boolean>
}

/** @throws StoreError; what is wrong with the metadata is in the result */
export async function readGeneration(location: RepositoryLocation, context: RepositoryContext): Promise<Generation> {
  try {
    const { etag, stored, repomd, documents, index } = await readIndexedSnapshot(location, context)
    return { etag, stored, repomd, documents, index, fault: undefined }
  } catch (error) {
    const fault = metadataFault(error)
    try {
      const { etag, stored, repomd } = await readRepomd(location, context)
      return { etag, stored, repomd, documents: {}, index: undefined, fault }
    } catch (repomdError) {
      return {
        etag: undefined,
        stored: undefined,
        repomd: undefined,
        documents: {},
        index: undefined,
        fault: metadataFault(repomdError),
      }
    }
  }
}

/** Anything else goes on its way. */
function metadataFault(error: unknown): RepositoryError {
  if (error instanceof RepositoryError && error.code !== 'CONTENTION') return error
  throw error
}
