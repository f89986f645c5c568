/**
 * What can be named to be removed. Names that are paths of objects cost a look at each; for any other, the whole repository is looked through.
 */
import { type ObjectHead, StoreError } from '@repokeeper/object-store'
import { type ListedPackage, listedNevra } from '@repokeeper/repodata'
import {
  listPackages,
  passOverKey,
  RepositoryError,
  RootFinder,
  readIndexedSnapshot,
  readListedAt,
} from '@repokeeper/repository'
import { atATime } from './at-a-time.ts'
import type { Cli } from './cli.ts'
import type { NamedPackage } from './match-packages.ts'
import { isStoreUrl, nameBelow } from './name-below.ts'
import type { OpenRepository } from './open-repository.ts'

/** What lies at one path: an object, an entry of the metadata, or both. */
export interface RemoveCandidate extends NamedPackage {
  readonly object: Pick<ObjectHead, 'key' | 'etag' | 'size'> | undefined
  readonly listed: ListedPackage | undefined
}

const looksAtATime = 16

/** At least all that `names` can mean, in the order of the paths. @throws StoreError */
export async function readRemoveCandidates(
  repository: OpenRepository,
  names: readonly string[],
  cli: Cli,
): Promise<RemoveCandidate[]> {
  return (await readAtPaths(repository, names, cli)) ?? (await readAll(repository, cli))
}

/** `undefined` where a name is no path of anything here, whatever else it may mean. */
async function readAtPaths(
  repository: OpenRepository,
  names: readonly string[],
  { interruption: { signal } }: Cli,
): Promise<RemoveCandidate[] | undefined> {
  const { location, context } = repository
  const { store, root } = location
  const pathOf = (name: string): string =>
    (isStoreUrl(name) ? nameBelow(name, repository) : undefined) ?? name.replace(/^(\.\/)+/, '')
  const paths = [...new Set(names.map(pathOf))].sort()
  if (paths.some((path) => passOverKey(`${root}${path}`) !== undefined)) return undefined
  const nested = new RootFinder({ store, now: () => performance.now() })
  try {
    const { listed } = await readListedAt(location, paths, context())
    const candidates = await atATime(paths, looksAtATime, async (path) => {
      const key = `${root}${path}`
      // One of a repository further below is none of this one.
      const isElsewhere = (await nested.findBelow(key, root, { signal })) !== undefined
      return candidate(path, isElsewhere ? undefined : await store.head(key, { signal }), listed.get(path)?.[0])
    })
    return candidates.every((one) => one.object !== undefined || one.listed !== undefined) ? candidates : undefined
  } catch (error) {
    // Whoever may not look at each may list them all, and hears there what is wrong.
    if (!signal.aborted && (error instanceof StoreError || error instanceof RepositoryError)) return undefined
    throw error
  }
}

/** Everything: what is in the bucket, and what only the metadata has. */
async function readAll({ location, context, name }: OpenRepository, { output }: Cli): Promise<RemoveCandidate[]> {
  const { packages } = await listPackages(location, context())
  const index = await readIndexedSnapshot(location, context()).then(
    (snapshot) => snapshot.index,
    (error: unknown) => {
      // File names do without the metadata.
      if (!(error instanceof RepositoryError)) throw error
      output.tell(`warning: only file names are known, because the metadata cannot be read: ${error.message}`)
      return undefined
    },
  )
  const candidates: RemoveCandidate[] = []
  const seen = new Set<ListedPackage>()
  for (const object of packages) {
    const path = object.key.slice(location.root.length)
    const entries = index?.at(path) ?? []
    for (const entry of entries) seen.add(entry)
    candidates.push(candidate(path, object, entries[0]))
  }
  for (const listed of index?.packages ?? []) {
    if (listed.base === undefined && !seen.has(listed)) candidates.push(candidate(listed.href, undefined, listed))
  }
  if (candidates.length === 0) output.tell(`warning: there are no packages in ${name}`)
  return candidates
}

function candidate(
  path: string,
  object: RemoveCandidate['object'],
  listed: ListedPackage | undefined,
): RemoveCandidate {
  return { path, object, listed, nevra: listed && listedNevra(listed) }
}
