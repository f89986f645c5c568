/**
 * Packages that an older generation lists and that clients of it could not install any more: found, and told to a person.
 */
import type { ListedPackage } from '@repokeeper/repodata'
import {
  describeLostPackages,
  findLostPackages,
  type LostPackage,
  listPackages,
  withoutOwnBase,
} from '@repokeeper/repository'
import type { Cli } from './cli.ts'
import type { OpenRepository } from './open-repository.ts'
import { count } from './text-layout.ts'

/** By path. @throws StoreError */
export async function lostAmong(
  { location, ...repository }: OpenRepository,
  packages: readonly ListedPackage[],
): Promise<LostPackage[]> {
  const context = repository.context()
  const { packages: objects } = await listPackages(location, context)
  const byKey = new Map(objects.map((object) => [object.key, object]))
  return findLostPackages(location, await withoutOwnBase(location, packages, context), byKey, context)
}

export function tellLost(lost: readonly LostPackage[], { output }: Pick<Cli, 'output'>): void {
  if (lost.length === 0) return
  const what = count(lost.length, 'package that it lists', 'packages that it lists')
  output.tell(`${what} cannot be installed as listed: ${describeLostPackages(lost)}`)
}
