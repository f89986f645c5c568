/**
 * The record of a site: what was said of it, which of its files were written and of what they were made. It lies among its pages, so that
 * whoever writes them next, a worker or a person, goes on from there.
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import { type ETag, parseETag } from '@repokeeper/object-store'
import { isSitePath, type Row, templates } from '@repokeeper/site'
import * as z from 'zod'
import { type SaidOfSite, saidOfSite } from './site-said.ts'

export interface SiteRecord {
  readonly said: SaidOfSite
  readonly units: KnownUnits
  /** Each file that was written, or was about to be. */
  readonly files: ReadonlyMap<string, RecordedFile>
  /** How lists tell of the names that have pages. */
  readonly rows: ReadonlyMap<string, Row>
}

export interface RecordedFile {
  /** `undefined`: it was about to be written, and what stands there may be that or what stood there before. */
  readonly written: { readonly etag: ETag; readonly from: string } | undefined
}

export interface KnownPackage {
  readonly name: string
  /** Of its entries in the three documents. */
  readonly digest: string
}

/** The packages of a unit, by its key. */
export type KnownUnits = ReadonlyMap<string, readonly KnownPackage[]>

/** Among the files of the site. */
export const recordPath = 'repokeeper-site.json.gz'

/** Some 300 bytes a package, open. A string holds no more than 512 MiB. */
export const recordBytesMax = 2 ** 28
const openBytesMax = 400 * 2 ** 20
/** Of more packages a record knows nothing but the files: all is read and made each time. */
const packagesMax = 1_000_000

/** The same record gives the same bytes. Not yet compressed. */
export function formatSiteRecord({ said, units, files, rows }: SiteRecord): Buffer {
  const isShort = rows.size <= packagesMax && [...units.values()].flat().length <= packagesMax
  const stored: z.input<typeof Stored> = {
    format: 1,
    templates,
    settings: said,
    files: [...files].map(([path, { written }]) =>
      written === undefined ? [path] : [path, written.etag, written.from],
    ),
    names: isShort
      ? [...rows.values()].map(({ name, version, summary, modified }) => [name, version, summary, modified])
      : [],
    units: isShort
      ? [...units].map(([key, packages]) => [key, packages.flatMap(({ name, digest }) => [name, digest])])
      : [],
  }
  return Buffer.from(`${JSON.stringify(stored)}\n`)
}

/** The fastest level: most of it are digests. */
export function packSiteRecord(open: Uint8Array): Buffer {
  return gzipSync(open, { level: 1 })
}

/** @throws Error where these bytes are not such a record */
export function parseSiteRecord(bytes: Uint8Array): { readonly record: SiteRecord; readonly open: Buffer } {
  const open = gunzipSync(bytes, { maxOutputLength: openBytesMax })
  const { settings, files, names, units, ...by } = Stored.parse(JSON.parse(open.toString()))
  const record: SiteRecord = {
    said: settings,
    files: new Map(
      files.map(([path, etag, from]) => [
        path,
        { written: etag === undefined || from === undefined ? undefined : { etag: parseETag(etag), from } },
      ]),
    ),
    rows: new Map(names.map(([name, version, summary, modified]) => [name, { name, version, summary, modified }])),
    // Another version may read entries in another way.
    units: new Map(by.templates === templates ? units.map(([key, words]) => [key, pairs(words)]) : []),
  }
  return { record, open }
}

const Stored = z.object({
  format: z.literal(1),
  /** Which ones wrote this. */
  templates: z.string(),
  settings: saidOfSite,
  /** Path, ETag, digest of what it was made of; the path alone of what was about to be written. */
  files: z.array(
    z.tuple([z.string().refine(isSitePath, 'no file of a site'), z.string().optional(), z.string().optional()]),
  ),
  /** Name, version, summary, time. */
  names: z.array(z.tuple([z.string(), z.string(), z.string(), z.number()])),
  /** Key; name and digest of each package, by turns. */
  units: z.array(z.tuple([z.string(), z.array(z.string())])),
})

function pairs(words: readonly string[]): KnownPackage[] {
  const packages: KnownPackage[] = []
  for (let at = 0; at + 1 < words.length; at += 2) packages.push({ name: words[at] ?? '', digest: words[at + 1] ?? '' })
  return packages
}
