import { formatNevra, type Nevra } from '@repokeeper/rpm-parser'
import type { PrimaryFacts } from './entry-facts.ts'

type NamedByMetadata = Pick<PrimaryFacts, 'name' | 'epoch' | 'version' | 'release' | 'arch'>

/** The NEVRA of a listed package. Metadata writes epoch 0 where a package has none. */
export function listedNevra({ name, epoch, version, release, arch }: NamedByMetadata): Nevra {
  return { name, epoch: epoch === '0' ? undefined : epoch, version, release, arch }
}

/** As dnf prints it: without an epoch of 0. */
export function showNevra(listed: NamedByMetadata): string {
  return formatNevra(listedNevra(listed))
}
