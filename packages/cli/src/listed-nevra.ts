import type { ListedPackage } from '@repokeeper/repodata'
import { formatNevra, type Nevra } from '@repokeeper/rpm-parser'

/** The NEVRA of a listed package. Metadata writes epoch 0 where a package has none. */
export function listedNevra({ name, epoch, version, release, arch }: ListedPackage): Nevra {
  return { name, epoch: epoch === '0' ? undefined : epoch, version, release, arch }
}

export function showNevra(listed: ListedPackage): string {
  return formatNevra(listedNevra(listed))
}
