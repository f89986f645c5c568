/**
 * Whether packages that come to a place will be listed where somebody means them to be.
 */
import { RootFinder, repomdKey } from '@repokeeper/repository'
import type { ChangeOptions } from './change-options.ts'
import type { Cli } from './cli.ts'
import { UsageError } from './failure.ts'
import type { OpenRepository } from './open-repository.ts'
import { refuseGeneration } from './refuse-generation.ts'

/** Packages below an inner repository are that one's: nobody would list them here. @throws UsageError */
export async function refuseInnerRepository({ location, name }: OpenRepository, directory: string): Promise<void> {
  if (directory === '') return
  refuseGeneration(directory)
  const finder = new RootFinder({ store: location.store, now: () => performance.now() })
  // Who may only write can't look, and is not held back for that.
  const inner = await finder.findBelow(`${location.root}${directory}x.rpm`, location.root).catch(() => undefined)
  if (inner === undefined) return
  const path = inner.slice(location.root.length)
  throw new UsageError(`${path} in ${name} is a repository of its own: name it as REPO to add packages to it`)
}

/**
 * Says where there is no repository yet: a path that is mistyped looks like a new one. What is to be done is done all the same, because
 * the first package may come before the repository.
 *
 * @param directory below the root, where the packages go
 */
export async function tellMissingRepository(
  repository: OpenRepository,
  directory: string,
  { publish }: Pick<ChangeOptions, 'publish'>,
  { output }: Cli,
): Promise<void> {
  const { isDirectory, name, toCopy } = repository
  // Whoever publishes makes one, and says so.
  if ((publish ?? isDirectory) || !(await isMissing(repository))) return
  output.tell(
    isDirectory
      ? `note: there is no repository in ${name} yet: leave out --no-publish, or "${toCopy('rebuild', name)}" makes one`
      : `note: there is no repository in ${name} yet: "${toCopy('init', name)}" makes one, with its queues, and --publish one without. ` +
          `Until then workers without --repository ${await whatWorkersDo(repository, directory)}, and those with it ` +
          'pass over what none of theirs matches.',
  )
}

/** Whether there is no metadata yet; who may not look does not know. */
export function isMissing({ location: { store, root } }: OpenRepository): Promise<boolean> {
  return store.head(repomdKey(root)).then(
    (head) => head === undefined,
    () => false,
  )
}

/**
 * Workers find the repository of a new key by looking for repodata above it. Where there is none yet they take the directory that the
 * package lies in, which need not be the one that was meant.
 */
async function whatWorkersDo({ location, name }: OpenRepository, directory: string): Promise<string> {
  const finder = new RootFinder({ store: location.store, now: () => performance.now() })
  const place = await finder.find(`${location.root}${directory}x.rpm`).catch(() => undefined)
  if (place?.kind !== 'package') return 'look for one above'
  if (place.root === location.root) return 'make one of the first package'
  return `list these packages in ${location.store.name}/${place.root}, not in ${name}`
}
