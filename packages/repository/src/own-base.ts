/**
 * An `xml:base` that is the repository's own URL, as other tools write it: the package lies below the root all the same.
 */
import type { ListedPackage } from '@repokeeper/repodata'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { readMirrorlist } from './generations.ts'

/**
 * Whose own URL the base is, is told by the mirrorlist. Any other base stays.
 *
 * @throws StoreError
 */
export async function withoutOwnBase(
  location: RepositoryLocation,
  packages: readonly ListedPackage[],
  context: Pick<RepositoryContext, 'signal'>,
): Promise<readonly ListedPackage[]> {
  // Hardly anybody writes one: nothing is asked for then.
  if (packages.every(({ base }) => base === undefined)) return packages
  const baseUrl = (await readMirrorlist(location, context))?.mirrorlist?.baseUrl
  return baseUrl === undefined ? packages : packages.map((listed) => belowOwn(baseUrl, listed))
}

function belowOwn(baseUrl: string, listed: ListedPackage): ListedPackage {
  const { base, ...placed } = listed
  if (base === undefined) return listed
  // librepo util.c lr_pathconcat: one slash between the two, whether the base ends with one or not.
  const url = `${base.replace(/\/+$/, '')}/${listed.href}`
  return url.startsWith(baseUrl) ? { ...placed, href: url.slice(baseUrl.length) } : listed
}
