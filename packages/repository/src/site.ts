/**
 * The site of a repository: pages for people, made of what is published and of nothing else.
 */
import { basename, resolve } from 'node:path'
import { type ETag, StoreError } from '@repokeeper/object-store'
import { DocumentError } from '@repokeeper/repodata'
import {
  frontPath,
  idOf,
  planSite,
  type Row,
  repoFilePath,
  type SiteFile,
  type SiteSettings,
  siteFiles,
} from '@repokeeper/site'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { forEachOf } from './for-each-of.ts'
import { readMirrorlist } from './generations.ts'
import { inParallel } from './in-parallel.ts'
import { RepositoryError } from './repository-error.ts'
import { publicKeyKey, signatureKey } from './signature.ts'
import { PackagesByName } from './site-packages.ts'
import { findSite, type SitePlace } from './site-place.ts'
import type { KnownUnits } from './site-record.ts'
import type { SaidOfSite } from './site-said.ts'
import { SiteStore } from './site-store.ts'
import { openUnits, type SiteUnit, wholeUnit } from './site-units.ts'
import { explain, readSnapshot, type Snapshot } from './snapshot.ts'

export interface SiteOptions {
  /** Below the repository's root, with a slash at its end. Default `repoview/`. */
  readonly path?: string | undefined
  /** Somewhere else altogether. */
  readonly elsewhere?: SitePlace | undefined
  /**
   * What is said of the site from now on: its title, else the repository's directory; where clients find the repository; the public key that
   * packages are signed with. What is not said stays as it was said before, and `null` takes it back.
   */
  readonly say?: { readonly [Key in keyof SaidOfSite]?: SaidOfSite[Key] | null } | undefined
  /** Nothing is changed. */
  readonly dryRun?: boolean | undefined
  /** Called as it happens; in a dry run, as it would. */
  readonly onChange?: ((change: SiteChange) => void) | undefined
  /** Called with the names whose pages were looked at anew, and all of those. */
  readonly onProgress?: ((pages: number, total: number) => void) | undefined
}

export interface SiteChange {
  readonly kind: 'written' | 'deleted'
  /** Below the site's own directory. */
  readonly path: string
}

export interface SiteReport {
  /** What the pages are made of: the ETag of its repomd.xml. */
  readonly generation: ETag
  readonly revision: string | undefined
  readonly packages: number
  readonly names: number
  /** What somebody has said of it, now or before. */
  readonly said: SaidOfSite
  /** The `.repo` file among the files; `undefined` where nobody has said where clients find the repository. */
  readonly repoFile: string | undefined
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
/** Others write the same site: so often we begin again with what they have left. */
const attemptsMax = 5
const pauseMs = 500

/**
 * Writes the pages that are not there already, and deletes those whose packages are gone. The files are a function of what is published and
 * what was said; what it costs is in proportion to what has changed: the record of the site tells what each file was made of.
 *
 * @returns `undefined` where nothing is published
 * @throws RepositoryError `NOT_A_SITE` where the place is somebody else's, `BROKEN_SITE` where its record cannot be read, `CONTENTION` where
 * others write it all the time, and what `readSnapshot` and the store throw
 */
export async function writeSite(
  location: RepositoryLocation,
  context: RepositoryContext,
  options: SiteOptions = {},
): Promise<SiteReport | undefined> {
  const totals = { written: 0, deleted: 0, bytes: 0 }
  for (let attempt = 1; ; attempt += 1) {
    try {
      const described = await writeOnce(location, context, options, totals)
      return described === undefined ? undefined : { ...described, ...totals }
    } catch (error) {
      if (!(error instanceof RepositoryError) || error.code !== 'CONTENTION' || attempt === attemptsMax) throw error
      await context.sleep(context.random() * pauseMs * attempt, context.signal)
    }
  }
}

type Totals = { -readonly [Key in 'written' | 'deleted' | 'bytes']: SiteReport[Key] }

/**
 * @param known whether what the record says of the published packages is believed
 * @throws RepositoryError `CONTENTION` where others write the same site
 */
async function writeOnce(
  location: RepositoryLocation,
  context: RepositoryContext,
  options: SiteOptions,
  totals: Totals,
  known: 'believed' | 'not believed' = 'believed',
): Promise<Omit<SiteReport, keyof Totals> | undefined> {
  const { dryRun = false, onChange = () => {}, onProgress = () => {} } = options
  // Before the snapshot: whoever has written pages of a newer one since then has written the record, too.
  const found = await findSite(placeOf(location, options), context)
  const snapshot = await readSnapshot(location, context)
  if (snapshot.etag === undefined) return undefined
  const site = await SiteStore.open(found, snapshot.lookup.count, context)
  const said = saidNow(site.record?.said, options)
  const clients = { isSigned: await isSigned(location, context), hasMirrorlist: await hasMirrorlist(location, context) }
  const settings = settingsOf(location, said, clients, options)
  const units = (known === 'believed' ? site.record?.units : undefined) ?? new Map()
  const packages = await readPackages(snapshot, units, location, context)
  try {
    const { revision } = snapshot.repomd
    const { count, names } = packages
    const contents = { revision, packages: count, names, digestOf: (name: string) => packages.digestOf(name) }
    const rows = new Map<string, Row>(site.record?.rows)
    const plan = planSite(contents, settings, {
      has: (path, from) => site.has(path, from),
      rowOf: (name) => rows.get(name),
    })
    await site.ensureOurs(plan)
    const areFound = await packages.readAll(plan.wanted).catch((error: unknown) => {
      if (isOfBlocks(error)) return false
      throw explain(error, location)
    })
    if (!areFound) return await writeOnce(location, context, options, totals, 'not believed')

    const claim = { plan, said }
    let shown = 0
    const write = async (file: SiteFile): Promise<void> => {
      if (file.row !== undefined) {
        rows.set(file.row.name, file.row)
        shown += 1
        onProgress(shown, plan.wanted.size)
      }
      if (!(await site.write(file, claim, dryRun))) return
      totals.written += 1
      totals.bytes += file.bytes.length
      onChange({ kind: 'written', path: file.path })
    }
    // When it is written everything that it leads to is there.
    let front: SiteFile | undefined
    await forEachOf(
      siteFiles(plan, (name) => packages.of(name)),
      filesAtOnce,
      async (file) => {
        if (file.path === frontPath) front = file
        else await write(file)
      },
    )
    if (front !== undefined) await write(front)
    await inParallel(await site.superseded(plan), filesAtOnce, async (object) => {
      if (!dryRun && !(await site.delete(object, claim))) return
      totals.deleted += 1
      onChange({ kind: 'deleted', path: site.pathOf(object) })
    })
    if (!dryRun) await site.finish(claim, { units: packages.known, rows: rowsOf(names, rows) })
    const repoFile = said.baseUrl === undefined ? undefined : repoFilePath(settings.id)
    const files = plan.paths.size
    return { generation: snapshot.etag, revision, packages: count, names: names.length, said, repoFile, files }
  } finally {
    await packages.close()
  }
}

/** By name, so that the same site has the same record. */
function rowsOf(names: readonly string[], rows: ReadonlyMap<string, Row>): Map<string, Row> {
  const found = new Map<string, Row>()
  for (const name of names.toSorted()) {
    const row = rows.get(name)
    if (row !== undefined) found.set(name, row)
  }
  return found
}

/** By blocks; where a table turns out to be false the documents are read whole. */
async function readPackages(
  snapshot: Snapshot,
  known: KnownUnits,
  location: RepositoryLocation,
  context: RepositoryContext,
): Promise<PackagesByName> {
  const read = (units: readonly SiteUnit[]) => PackagesByName.read(units, known, context)
  try {
    try {
      return await read(await openUnits(snapshot, context))
    } catch (error) {
      if (!isOfBlocks(error)) throw error
      context.cache.distrust()
      return await read([wholeUnit(snapshot, context)])
    }
  } catch (error) {
    throw explain(error, location)
  }
}

function isOfBlocks(error: unknown): boolean {
  return error instanceof DocumentError && (error.code === 'BROKEN_TABLE' || error.code === 'OUT_OF_ORDER')
}

function placeOf({ store, root }: RepositoryLocation, { path = sitePathDefault, elsewhere }: SiteOptions): SitePlace {
  return elsewhere ?? { store, prefix: `${root}${path}` }
}

function saidNow(before: SaidOfSite = {}, { say = {} }: SiteOptions): SaidOfSite {
  const now: Record<string, string> = {}
  for (const key of ['title', 'baseUrl', 'gpgKey'] as const) {
    const value = say[key] === undefined ? before[key] : say[key]
    if (value !== undefined && value !== null) now[key] = value
  }
  return now
}

/** Whether a client can check the metadata by what lies beside it. */
async function isSigned({ store, root }: RepositoryLocation, context: RepositoryContext): Promise<boolean> {
  try {
    const signature = await store.head(signatureKey(root), withSignal(context))
    return signature !== undefined && (await store.head(publicKeyKey(root), withSignal(context))) !== undefined
  } catch (error) {
    // Who may not list what is there is told so of what is not there, too.
    if (error instanceof StoreError && error.code === 'ACCESS_DENIED') return false
    throw error
  }
}

/** One of somebody else's is not for our clients. */
async function hasMirrorlist(location: RepositoryLocation, context: RepositoryContext): Promise<boolean> {
  try {
    return (await readMirrorlist(location, context))?.mirrorlist !== undefined
  } catch (error) {
    if (error instanceof StoreError && error.code === 'ACCESS_DENIED') return false
    throw error
  }
}

function settingsOf(
  location: RepositoryLocation,
  said: SaidOfSite,
  clients: Pick<SiteSettings, 'isSigned' | 'hasMirrorlist'>,
  options: SiteOptions,
): SiteSettings {
  const { path = sitePathDefault, elsewhere } = options
  const { title = titleOf(location), baseUrl, gpgKey } = said
  const steps = path.split('/').length - 1
  const toRoot = elsewhere === undefined ? '../'.repeat(steps) : undefined
  return { title, id: idOf(title), baseUrl: baseUrl?.replace(/\/*$/, '/'), gpgKey, ...clients, toRoot }
}

/** `el9/x86_64`, or what the bucket or the directory is called. */
function titleOf({ store, root }: RepositoryLocation): string {
  const directory = root === '' ? basename(resolve(store.name.replace(/^s3:\/\//, ''))) : root.slice(0, -1)
  return directory === '' ? 'Packages' : directory
}
