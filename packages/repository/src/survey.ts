/**
 * Survey: a whole repository, the bucket beside the metadata, by what a listing tells: paths, sizes and times.
 */
import type { ListedObject } from '@repokeeper/object-store'
import { compareLocations, type ListedPackage, type PackageIndex, pathOf } from '@repokeeper/repodata'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { modifiedSeconds } from './package-reader.ts'
import { passOverKey } from './roots.ts'
import { readIndexedSnapshot } from './snapshot.ts'

/** Where bucket and metadata differ. Paths are relative to the root and sorted. */
export interface Difference {
  readonly path: string
  readonly kind: /** In the bucket, not listed. */
    | 'missing'
    /** Listed with another size or time than the object has, or more than once. */
    | 'changed'
    /** Listed, not in the bucket. */
    | 'vanished'
}

export interface Survey {
  readonly differences: readonly Difference[]
  /** Packages in the bucket, and entries in the metadata (without those that lie elsewhere by `xml:base`). */
  readonly inBucket: number
  readonly listed: number
  /** Keys that end in `.rpm` and can't be published, with the reason. */
  readonly passedOver: readonly { readonly key: string; readonly why: string }[]
  readonly revision: string | undefined
}

/** @throws RepositoryError, StoreError */
export async function surveyRepository(location: RepositoryLocation, context: RepositoryContext): Promise<Survey> {
  const { index, repomd } = await readIndexedSnapshot(location, context)
  const { packages, passedOver } = await listPackages(location, context)
  const differences: Difference[] = []
  const paths = new Set(packages.map(({ key }) => key.slice(location.root.length)))
  for (const object of packages) {
    const path = object.key.slice(location.root.length)
    const listed = standingFor(index, path, paths)
    if (listed.length === 0) differences.push({ path, kind: 'missing' })
    else if (!matches(object, path, listed)) differences.push({ path, kind: 'changed' })
  }
  const here = index.packages.filter(({ base }) => base === undefined)
  differences.push(...vanished(index, here, paths))
  return {
    differences: differences.toSorted((a, b) => compareLocations(a.path, b.path)),
    inBucket: packages.length,
    listed: here.length,
    passedOver,
    revision: repomd.revision,
  }
}

/** The packages of one repository, in the order of their keys; those of repositories below it are theirs. */
export async function listPackages(
  location: RepositoryLocation,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<{ packages: ListedObject[]; passedOver: { key: string; why: string }[] }> {
  const { store, root } = location
  const found: ListedObject[] = []
  const passedOver: { key: string; why: string }[] = []
  const nested = new Set<string>()
  for await (const object of store.list(root, withSignal(context))) {
    const below = nestedRootOf(object.key, root)
    if (below !== undefined) nested.add(below)
    const why = passOverKey(object.key)
    if (why === undefined) found.push(object)
    else if (why === 'not safe as a location') passedOver.push({ key: object.key, why })
  }
  const packages = nested.size === 0 ? found : found.filter(({ key }) => !liesInNested(key, root, nested))
  return { packages, passedOver }
}

const ownRepomd = 'repodata/repomd.xml'
const nestedRepomd = `/${ownRepomd}`

/** The root of the repository below `root` whose repomd.xml this key is. */
export function nestedRootOf(key: string, root: string): string | undefined {
  return key.endsWith(nestedRepomd) && key !== `${root}${ownRepomd}` ? key.slice(0, -ownRepomd.length) : undefined
}

/** Whether a key below `root` lies in one of the repositories `nested` there. */
export function liesInNested(key: string, root: string, nested: ReadonlySet<string>): boolean {
  for (let slash = key.lastIndexOf('/'); slash >= root.length; slash = key.lastIndexOf('/', slash - 1)) {
    if (nested.has(key.slice(0, slash + 1))) return true
  }
  return false
}

/** As `observe` finds them: an encoded entry stands for the decoded path only where nothing lies at the path it spells. */
function standingFor(index: PackageIndex, path: string, inBucket: ReadonlySet<string>): readonly ListedPackage[] {
  return [...index.at(path), ...index.atDecoded(path).filter((listed) => !inBucket.has(pathOf(listed) ?? ''))]
}

function matches(object: ListedObject, path: string, listed: readonly ListedPackage[]): boolean {
  const [only, ...more] = listed
  return (
    only !== undefined &&
    more.length === 0 &&
    only.href === path &&
    only.size === object.size &&
    only.modified === modifiedSeconds(object)
  )
}

/** Each listed package whose object is gone, by the first path that it stands for. */
function vanished(index: PackageIndex, listed: readonly ListedPackage[], inBucket: ReadonlySet<string>): Difference[] {
  const found = new Set<ListedPackage>()
  for (const path of inBucket) for (const one of standingFor(index, path, inBucket)) found.add(one)
  const paths = new Set(listed.filter((one) => !found.has(one)).map(({ href }) => href))
  return [...paths].map((path) => ({ path, kind: 'vanished' }))
}
