import { parseRepositoryRoot, type RepositoryPlace, type RootPattern } from '@repokeeper/repository'

/** Those of the configured roots that stand for one repository each. What a `*` stands for is known when it is published. */
export function namedPlaces(roots: ReadonlyMap<string, readonly RootPattern[]> | undefined): RepositoryPlace[] {
  return [...(roots ?? [])].flatMap(([bucket, patterns]) =>
    patterns
      .filter(({ segments }) => !segments.includes('*'))
      .map(({ segments }) => ({ bucket, root: parseRepositoryRoot(segments.join('/')) })),
  )
}
