import { relative, resolve, sep } from 'node:path'
import type { OpenRepository } from './open-repository.ts'

/**
 * What a name that was copied from elsewhere means below the root: an `s3://` URL, a key of the bucket, or a path of this machine.
 *
 * @returns `undefined` where it leads to no place in the repository
 */
export function nameBelow(
  name: string,
  { name: repository, isDirectory, location: { root } }: Pick<OpenRepository, 'name' | 'isDirectory' | 'location'>,
): string | undefined {
  if (isDirectory) {
    const path = relative(resolve(repository), resolve(name)).replaceAll(sep, '/')
    return path === '' || path === '..' || path.startsWith('../') ? undefined : path
  }
  const place = isStoreUrl(name) ? repository : root
  return place !== '' && name.startsWith(place) && name.length > place.length ? name.slice(place.length) : undefined
}

/** It can mean nothing but a place: no package and no path below a repository is called so. */
export function isStoreUrl(name: string): boolean {
  return name.startsWith('s3://')
}
