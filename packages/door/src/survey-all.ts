/**
 * What was missed while nobody watched: every repository of a store beside its metadata.
 */
import type { ObjectStore } from '@repokeeper/object-store'
import { type RepositoryContext, type RepositoryRoot, surveyRepository } from '@repokeeper/repository'
import { isFinished, type PackagePlaces } from './package-places.ts'

export interface SurveyAllOptions {
  readonly store: ObjectStore
  readonly prefix: string
  readonly places: PackagePlaces
  readonly context: RepositoryContext
  readonly onRoot: (root: RepositoryRoot) => void
  /** The key of a package that the metadata does not have as it is. */
  readonly onDifference: (key: string) => void
}

const repomd = 'repodata/repomd.xml'

/** @throws StoreError, RepositoryError */
export async function surveyAll({ store, prefix, places, context, ...told }: SurveyAllOptions): Promise<void> {
  const roots = new Set<RepositoryRoot>()
  for await (const { key } of store.list(prefix, context.signal === undefined ? {} : { signal: context.signal })) {
    // Where metadata lies, packages may be missing that nothing else speaks of.
    const probe = key.endsWith(`/${repomd}`) || key === repomd ? `${key.slice(0, -repomd.length)}x.rpm` : key
    if (!isFinished(probe.slice(prefix.length))) continue
    const root = await places.rootOf(probe, context.signal)
    if (root !== undefined) roots.add(root)
  }
  for (const root of roots) {
    told.onRoot(root)
    const { differences } = await surveyRepository({ store, root }, context)
    for (const { path, kind } of differences) {
      // What was listed by mistake goes, too.
      if (kind === 'vanished' || isFinished(path)) told.onDifference(`${root}${path}`)
    }
  }
}
