/**
 * The site of a repository: pages for people, made of what is published and of nothing else.
 */
import { basename, resolve } from 'node:path'
import { frontPath, idOf, type SiteFile, type SitePackage, type SiteSettings, siteFiles } from '@repokeeper/site'
import type { RepositoryContext, RepositoryLocation } from './context.ts'
import { forEachOf } from './for-each-of.ts'
import { inParallel } from './in-parallel.ts'
import { PackagesByName } from './site-packages.ts'
import { type SitePlace, SiteStore } from './site-store.ts'
import { explain, readSnapshot } from './snapshot.ts'

export interface SiteOptions {
  /** Below the repository's root, with a slash at its end. Default `repoview/`. */
  readonly path?: string | undefined
  /** Somewhere else altogether. */
  readonly elsewhere?: SitePlace | undefined
  /** Default: the repository's directory. */
  readonly title?: string | undefined
  /** Where clients find the repository: an http(s) or file URL. */
  readonly baseUrl?: string | undefined
  /** Of the public key that packages are signed with. */
  readonly gpgKey?: string | undefined
  /** Nothing is changed. */
  readonly dryRun?: boolean | undefined
  /** Called as it happens; in a dry run, as it would. */
  readonly onChange?: ((change: SiteChange) => void) | undefined
  /** Called with the packages that are on their pages, and all of them. */
  readonly onProgress?: ((packages: number, total: number) => void) | undefined
}

export interface SiteChange {
  readonly kind: 'written' | 'deleted'
  /** Below the site's own directory. */
  readonly path: string
}

export interface SiteReport {
  readonly revision: string | undefined
  readonly packages: number
  readonly names: number
  /** Files of the site, and what became of them. */
  readonly files: number
  readonly written: number
  readonly deleted: number
  /** Bytes of those that were written. */
  readonly bytes: number
}

export const sitePathDefault = 'repoview/'

/** Files that are compared and stored at a time; so many pages are in memory. */
const filesAtOnce = 16

/**
 * Writes the pages that are not there already, and deletes those whose packages are gone. A function of what is published: who
 * writes it twice writes nothing the second time.
 *
 * @returns `undefined` where nothing is published
 * @throws RepositoryError `NOT_A_SITE` where the place is somebody else's, and what `readSnapshot` and the store throw
 */
export async function writeSite(
  location: RepositoryLocation,
  context: RepositoryContext,
  options: SiteOptions = {},
): Promise<SiteReport | undefined> {
  const { dryRun = false, onChange = () => {}, onProgress = () => {} } = options
  const snapshot = await readSnapshot(location, context)
  if (snapshot.etag === undefined) return undefined
  const site = await SiteStore.open(placeOf(location, options), context)
  const packages = await PackagesByName.read(snapshot, context).catch((error: unknown) => {
    throw explain(error, location)
  })
  try {
    const { revision } = snapshot.repomd
    const { count, names } = packages
    let shown = 0
    const read = async function* (name: string): AsyncGenerator<SitePackage> {
      for await (const one of packages.of(name)) {
        yield one
        shown += 1
      }
      onProgress(shown, count)
    }
    const totals = { files: 0, written: 0, bytes: 0 }
    const write = async (file: SiteFile): Promise<void> => {
      totals.files += 1
      if (!(await site.write(file, dryRun))) return
      totals.written += 1
      totals.bytes += file.bytes.length
      onChange({ kind: 'written', path: file.path })
    }

    const settings = settingsOf(location, options)
    // When it is written everything that it leads to is there.
    let front: SiteFile | undefined
    await forEachOf(siteFiles({ revision, packages: count, names, read }, settings), filesAtOnce, async (file) => {
      if (file.path === frontPath) front = file
      else await write(file)
    })
    if (front !== undefined) await write(front)
    const { superseded } = site
    await inParallel(superseded, filesAtOnce, async (object) => {
      if (!dryRun) await site.delete(object)
      onChange({ kind: 'deleted', path: site.pathOf(object) })
    })
    return { revision, packages: count, names: names.length, deleted: superseded.length, ...totals }
  } finally {
    await packages.close()
  }
}

function placeOf({ store, root }: RepositoryLocation, { path = sitePathDefault, elsewhere }: SiteOptions): SitePlace {
  return elsewhere ?? { store, prefix: `${root}${path}` }
}

function settingsOf(location: RepositoryLocation, options: SiteOptions): SiteSettings {
  const { path = sitePathDefault, elsewhere, baseUrl, gpgKey } = options
  const title = options.title ?? titleOf(location)
  const steps = path.split('/').length - 1
  const toRoot = elsewhere === undefined ? '../'.repeat(steps) : undefined
  return { title, id: idOf(title), baseUrl: baseUrl?.replace(/\/*$/, '/'), gpgKey, toRoot }
}

/** `el9/x86_64`, or what the bucket or the directory is called. */
function titleOf({ store, root }: RepositoryLocation): string {
  const directory = root === '' ? basename(resolve(store.name.replace(/^s3:\/\//, ''))) : root.slice(0, -1)
  return directory === '' ? 'Packages' : directory
}
