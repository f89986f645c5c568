/**
 * All files of a site, one after the other. Memory holds the names, and what is on one page.
 */

import { scriptAsset, styleAsset } from './assets.ts'
import { formatFrontPage } from './front-page.ts'
import { formatRepoFile } from './install.ts'
import { formatListPage, planListRuns } from './list-page.ts'
import { compareNames, cutNames, searchRuns } from './name-runs.ts'
import { formatPackagePage } from './package-page.ts'
import { type Row, rowOf, searchEntryOf } from './row.ts'
import { type SitePackage, siteName } from './site-package.ts'
import { frontPath, packagePath, repoFilePath, scriptPath, shardPath, shardsPath, stylePath } from './site-paths.ts'
import type { SiteSettings } from './site-settings.ts'

/** What a site is made of. */
export interface SiteContents {
  readonly revision: string | undefined
  /** How many are listed. */
  readonly packages: number
  /** Each once, in any order. */
  readonly names: readonly string[]
  /** All that is listed under a name, in any order. */
  readonly read: (name: string) => AsyncIterable<SitePackage>
}

export interface SiteFile {
  /** Below the site's own directory. */
  readonly path: string
  readonly contentType: string
  readonly bytes: Buffer
}

const contentTypes = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  repo: 'text/plain; charset=utf-8',
} as const

/** Up to so many names stand on the front page; beyond, there are lists by letter. */
const onFrontMax = 150
const newestMax = 15

/**
 * A function of the metadata and the settings: the same bytes each time. The front page is the last, so that what it leads to
 * is there.
 * @throws what `contents.read` throws
 */
export async function* siteFiles(contents: SiteContents, settings: SiteSettings): AsyncGenerator<SiteFile> {
  const names = contents.names.toSorted(compareNames)
  const isSmall = names.length <= onFrontMax
  const runs = isSmall ? [] : planListRuns(names)
  const shards = cutNames(names, searchRuns)
  const listed = new Filling(runs.map(({ count }) => count))
  const searched = new Filling(shards.map(({ length }) => length))
  let front: Row[] = []

  yield file(stylePath, 'css', styleAsset)
  yield file(scriptPath, 'js', scriptAsset)
  for (const name of names) {
    const one = await siteName(name, contents.read(name))
    yield file(packagePath(name), 'html', formatPackagePage(settings, one))
    const row = rowOf(one)
    const list = listed.add(row)
    const run = list === undefined ? undefined : runs[list.number]
    if (list !== undefined && run !== undefined) {
      yield file(run.path, 'html', formatListPage(settings, runs, run, list.rows))
    }
    const shard = searched.add(row)
    if (shard !== undefined) {
      yield file(shardPath(shard.rows[0]?.name ?? ''), 'json', formatJson(shard.rows.map(searchEntryOf)))
    }
    front = isSmall ? [...front, row] : newestOf([...front, row])
  }
  yield file(shardsPath, 'json', formatJson(shards.map(shardEntryOf)))
  const repoFile = formatRepoFile(settings)
  if (repoFile !== undefined) yield file(repoFilePath(settings.id), 'repo', repoFile)
  const { packages, revision } = contents
  yield file(
    frontPath,
    'html',
    formatFrontPage(settings, { packages, names: names.length, revision, runs, rows: front }),
  )
}

/** Gathers rows until a run is complete. */
class Filling {
  readonly #lengths: readonly number[]
  #number = 0
  #rows: Row[] = []

  constructor(lengths: readonly number[]) {
    this.#lengths = lengths
  }

  /** The run that this row completes. */
  add(row: Row): { readonly number: number; readonly rows: readonly Row[] } | undefined {
    this.#rows.push(row)
    if (this.#rows.length !== this.#lengths[this.#number]) return undefined
    const complete = { number: this.#number, rows: this.#rows }
    this.#number += 1
    this.#rows = []
    return complete
  }
}

function newestOf(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => b.modified - a.modified || compareNames(a.name, b.name)).slice(0, newestMax)
}

/** By the first name a search knows where to begin. */
function shardEntryOf(names: readonly string[]): [string, string] {
  const first = names[0] ?? ''
  return [first.toLowerCase(), shardPath(first)]
}

function formatJson(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`)
}

function file(path: string, type: keyof typeof contentTypes, bytes: Buffer): SiteFile {
  return { path, contentType: contentTypes[type], bytes }
}
