/**
 * What a repository holds before a mirror brings anything: its packages, and what its own metadata says of them.
 */
import { pathOf } from '@repokeeper/repodata'
import {
  listPackages,
  type RepositoryContext,
  type RepositoryLocation,
  readIndexedSnapshot,
} from '@repokeeper/repository'
import type { HeldFile } from './replica-plan.ts'
import { recordPath } from './replica-record.ts'
import { TransferError } from './transfer-error.ts'

export interface RepositoryView {
  /** Packages by their path. */
  readonly held: ReadonlyMap<string, HeldFile>
  /** What repomd.xml names. */
  readonly recordTypes: ReadonlySet<string>
}

/** @throws TransferError `IS_A_REPLICA`; RepositoryError, StoreError */
export async function lookAtRepository(
  location: RepositoryLocation,
  context: RepositoryContext,
): Promise<RepositoryView> {
  const { store, root } = location
  if ((await store.head(`${root}${recordPath}`)) !== undefined) {
    const message =
      `${store.name}/${root} is a replica: what is mirrored into it would go with the next pull. Name another repository, or say ` +
      '--keep-upstream-metadata to have an exact copy of one upstream there'
    throw new TransferError('IS_A_REPLICA', message)
  }
  const { index, repomd } = await readIndexedSnapshot(location, context)
  const { packages } = await listPackages(location, context)
  const sizes = new Map(packages.map(({ key, size }) => [key.slice(root.length), size]))
  const held = new Map<string, HeldFile>([...sizes].map(([path, size]) => [path, { size, checksum: undefined }]))
  for (const listed of index.packages) {
    const path = pathOf(listed)
    const size = path === undefined ? undefined : sizes.get(path)
    // One that was replaced a moment ago is not the one that is listed.
    if (path === undefined || size === undefined || (listed.size !== undefined && listed.size !== size)) continue
    held.set(path, { size, checksum: { type: listed.checksumType, hex: listed.pkgid } })
  }
  return { held, recordTypes: new Set(repomd.records.map(({ type }) => type)) }
}
