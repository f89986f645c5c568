import type { ListedPackage } from '@repokeeper/repodata'
import { formatNevra, type Nevra } from '@repokeeper/rpm-parser'

type NamedByMetadata = Pick<ListedPackage, 'name' | 'epoch' | 'version' | 'release' | 'arch'>

/** The NEVRA of a listed package. Metadata writes epoch 0 where a package has none. */
export function listedNevra({ name, epoch, version, release, arch }: NamedByMetadata): Nevra {
  return { name, epoch: epoch === '0' ? undefined : epoch, version, release, arch }
}

export function showNevra(listed: NamedByMetadata): string {
  return formatNevra(listedNevra(listed))
}
