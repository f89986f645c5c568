/**
 * The record of a site: what was said of it, which of its files were written and of what they were made. It lies among its pages, so that
 * whoever writes them next, a worker or a person, goes on from there.
 */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type ETag, parseETag } from '@repokeeper/object-store'
import { DocumentError, decompress } from '@repokeeper/repodata'
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

/** Of more packages a record knows nothing but the files: all is read and made each time. A string holds no more than 512 MiB. */
const packagesMax = 1_000_000

/**
 * What a record may be, by the packages that are listed now: those of ours have some 300 bytes and four lines of each, and there may have been
 * more packages before.
 */
const openBytesMax = (packages: number): number => 2 ** 24 + packages * 2 ** 10
const linesMax = (packages: number): number => 100_000 + packages * 8
/** The longest has a summary, or the name of a package. */
const lineBytesMax = 2 ** 20

/** A line of JSON for each thing that it knows. The same record gives the same bytes. Not yet compressed. */
export function formatSiteRecord({ said, units, files, rows }: SiteRecord): Buffer {
  const isShort = rows.size <= packagesMax && [...units.values()].flat().length <= packagesMax
  const lines: [z.input<typeof Head>, ...z.input<typeof Line>[]] = [{ format: 2, templates, settings: said }]
  for (const [path, { written }] of files) {
    lines.push(written === undefined ? ['file', path] : ['file', path, written.etag, written.from])
  }
  if (isShort) {
    for (const { name, version, summary, modified } of rows.values()) {
      lines.push(['name', name, version, summary, modified])
    }
    for (const [key, packages] of units) {
      lines.push(['unit', key])
      for (const { name, digest } of packages) lines.push(['package', name, digest])
    }
  }
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

/** The fastest level: most of it are digests. */
export function packSiteRecord(open: Uint8Array): Buffer {
  return gzipSync(open, { level: 1 })
}

export interface ParsedRecord {
  readonly record: SiteRecord
  /** Of the record, open; `undefined` where it is more than a record of this repository could be: then nothing but what was said is believed. */
  readonly digest: string | undefined
}

/**
 * Reads a line at a time, and no more than a record of so many packages could be.
 * @throws Error where this is no such record
 */
export async function parseSiteRecord(packed: AsyncIterable<Uint8Array>, packages: number): Promise<ParsedRecord> {
  const bytesMax = openBytesMax(packages)
  const digest = createHash('sha256')
  let gathered: Gathered | undefined
  let lines = 0
  try {
    for await (const line of linesOf(decompress(atMost(bytesMax, packed), bytesMax))) {
      digest.update(line).update('\n')
      lines += 1
      if (lines > linesMax(packages)) throw tooLarge(`${lines} lines`)
      const value: unknown = JSON.parse(line.toString())
      if (gathered === undefined) gathered = new Gathered(Head.parse(value))
      else gathered.add(Line.parse(value))
    }
  } catch (error) {
    if (!(error instanceof DocumentError) || error.code !== 'TOO_LARGE' || gathered === undefined) throw error
    const nothing = { units: new Map(), files: new Map(), rows: new Map() }
    return { record: { said: gathered.said, ...nothing }, digest: undefined }
  }
  if (gathered === undefined) throw new TypeError('it is empty')
  return { record: gathered, digest: digest.digest('hex') }
}

const Head = z.object({
  format: z.literal(2),
  /** Which ones wrote this. */
  templates: z.string(),
  settings: saidOfSite,
})

const Line = z.union([
  /** Path, ETag, digest of what it was made of; the path alone of what was about to be written. */
  z.tuple([
    z.literal('file'),
    z.string().refine(isSitePath, 'no file of a site'),
    z.string().optional(),
    z.string().optional(),
  ]),
  /** Name, version, summary, time. */
  z.tuple([z.literal('name'), z.string(), z.string(), z.string(), z.number()]),
  /** Its key; its packages follow. */
  z.tuple([z.literal('unit'), z.string()]),
  /** Name and digest. */
  z.tuple([z.literal('package'), z.string(), z.string()]),
])

/** A record, line by line. */
class Gathered implements SiteRecord {
  readonly said: SaidOfSite
  readonly files = new Map<string, RecordedFile>()
  readonly rows = new Map<string, Row>()
  readonly units = new Map<string, KnownPackage[]>()
  readonly #areUnitsKnown: boolean
  #unit: KnownPackage[] = []

  constructor({ settings, templates: by }: z.infer<typeof Head>) {
    this.said = settings
    // Another version may read entries in another way.
    this.#areUnitsKnown = by === templates
  }

  add(line: z.infer<typeof Line>): void {
    switch (line[0]) {
      case 'file': {
        const [, path, etag, from] = line
        const isWritten = etag !== undefined && from !== undefined
        this.files.set(path, { written: isWritten ? { etag: parseETag(etag), from } : undefined })
        return
      }
      case 'name': {
        const [, name, version, summary, modified] = line
        this.rows.set(name, { name, version, summary, modified })
        return
      }
      case 'unit':
        this.#unit = []
        if (this.#areUnitsKnown) this.units.set(line[1], this.#unit)
        return
      case 'package': {
        const [, name, digest] = line
        if (this.#areUnitsKnown) this.#unit.push({ name, digest })
        return
      }
    }
  }
}

/** Empty pieces of a compressed stream become nothing, and never end. */
async function* atMost(bytesMax: number, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > bytesMax) throw tooLarge(`more than ${bytesMax} bytes`)
    yield chunk
  }
}

async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  for await (const piece of pieces) {
    rest = Buffer.concat([rest, piece])
    let start = 0
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n', start)) {
      yield rest.subarray(start, end)
      start = end + 1
    }
    rest = rest.subarray(start)
    if (rest.length > lineBytesMax) throw tooLarge(`a line of more than ${lineBytesMax} bytes`)
  }
  if (rest.length > 0) yield rest
}

function tooLarge(what: string): DocumentError {
  return new DocumentError('TOO_LARGE', `the record of the site has ${what}`)
}
