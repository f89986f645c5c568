/**
 * The packages that a generation lists, as files to be had.
 */
import { DocumentError, type ListedPackage, parseLocation, pathOf, readListedPackages } from '@repokeeper/repodata'
import type { FetchedDocument } from './fetch-documents.ts'
import type { WantedFile } from './replica-plan.ts'

/** What primary may uncompress to where its record does not say. */
const openBytesMax = 16 * 2 ** 30

/** The largest repositories have some 200,000. Each is in memory while it is worked on. */
const packagesMax = 1_000_000

const ownFiles = /^(?:mirrorlist$|(?:generations|snapshots)\/.*(?<!\.rpm)$)/s

/**
 * Packages that lie elsewhere by `xml:base` are left out: a replica says what its source says, and clients find them there.
 * @throws DocumentError where there is no primary, or it lists what cannot be
 */
export async function readWantedPackages(documents: readonly FetchedDocument[]): Promise<WantedFile[]> {
  const primary = documents.find(({ type }) => type === 'primary')
  if (primary === undefined) throw new DocumentError('MISSING', 'repomd.xml names no primary')
  const { path: name, file, openSize } = primary
  const stored = { name, open: () => file.bytes(), openBytesMax: Math.min(openSize ?? openBytesMax, openBytesMax) }
  const wanted = new Map<string, WantedFile>()
  for await (const listed of readListedPackages(stored)) {
    if (wanted.size === packagesMax) {
      throw new DocumentError('TOO_LARGE', `primary lists more than the ${packagesMax} packages that are taken`)
    }
    const one = wantedOf(listed)
    if (one === undefined) continue
    const other = wanted.get(one.path)
    if (other !== undefined && other.checksum.hex !== one.checksum.hex) {
      throw new DocumentError('UNEXPECTED_CONTENT', `primary lists two different packages at ${one.path}`)
    }
    wanted.set(one.path, one)
  }
  return [...wanted.values()]
}

function wantedOf(listed: ListedPackage): WantedFile | undefined {
  const text = pathOf(listed)
  if (text === undefined) return undefined
  const path = parseLocation(text)
  // What lies in repodata/ would be metadata here, or what a replica knows of itself; and there are its mirrorlist and its generations.
  if (path === undefined || path.split('/').slice(0, -1).includes('repodata') || ownFiles.test(path)) {
    throw new DocumentError('UNEXPECTED_CONTENT', `primary places ${listed.name} where no package may lie: ${text}`)
  }
  return { path, checksum: { type: listed.checksumType, hex: listed.pkgid }, size: listed.size }
}
