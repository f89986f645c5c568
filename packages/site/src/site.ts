/**
 * The files of a site that have to be made, one after the other. Memory holds the names, how lists tell of them, and what is on one page.
 */

import { scriptAsset, styleAsset } from './assets.ts'
import { formatFrontPage } from './front-page.ts'
import { formatRepoFile } from './install.ts'
import { formatListPage, linkRuns } from './list-page.ts'
import { formatMarkedJson } from './marks.ts'
import { compareNames } from './name-runs.ts'
import { formatPackagePage } from './package-page.ts'
import { type Row, rowOf, searchEntryOf } from './row.ts'
import { type SitePackage, siteName } from './site-package.ts'
import { frontPath, packagePath, repoFilePath, scriptPath, shardPath, shardsPath, stylePath } from './site-paths.ts'
import { madeOf, type SitePlan } from './site-plan.ts'

export interface SiteFile {
  /** Below the site's own directory. */
  readonly path: string
  readonly contentType: string
  readonly bytes: Buffer
  /** The digest of what it was made of. */
  readonly from: string
  /** Of the page of a name: how lists tell of it. */
  readonly row?: Row
}

const contentTypes = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  repo: 'text/plain; charset=utf-8',
} as const

const newestMax = 15

/**
 * A function of the metadata and the settings: the same bytes each time. What stands already is left out. The front page is the last, so
 * that what it leads to is there.
 *
 * @param read all that is listed under a name, in any order; asked of those names that the plan wants
 * @throws what `read` throws
 */
export async function* siteFiles(
  plan: SitePlan,
  read: (name: string) => AsyncIterable<SitePackage>,
): AsyncGenerator<SiteFile> {
  const { settings, contents, names, wanted, runs, shards, standing } = plan
  const isSmall = runs.length === 0
  const linked = linkRuns(runs)
  const listed = new Filling(runs.map(({ count }) => count))
  const searched = new Filling(shards.map(({ length }) => length))
  let front: Row[] = []

  /** Nothing where it stands. @param parts all that `make` goes by, beside the settings */
  function* file(
    path: string,
    type: keyof typeof contentTypes,
    parts: readonly unknown[],
    make: () => Buffer | undefined,
  ): Generator<SiteFile> {
    const from = madeOf(settings, ...parts)
    if (standing.has(path, from)) return
    const bytes = make()
    if (bytes !== undefined) yield { path, contentType: contentTypes[type], bytes, from }
  }

  yield* file(stylePath, 'css', ['style'], () => styleAsset)
  yield* file(scriptPath, 'js', ['script'], () => scriptAsset)
  for (const name of names) {
    let row = wanted.has(name) ? undefined : standing.rowOf(name)
    if (row === undefined) {
      const one = await siteName(name, read(name))
      row = rowOf(one)
      const from = madeOf(settings, 'package', name, contents.digestOf(name))
      yield {
        path: packagePath(name),
        contentType: contentTypes.html,
        bytes: formatPackagePage(settings, one),
        from,
        row,
      }
    }
    const list = listed.add(row)
    const [run, links] = list === undefined ? [] : [runs[list.number], linked[list.number]]
    if (list !== undefined && run !== undefined && links !== undefined) {
      const { rows } = list
      yield* file(run.path, 'html', ['list', run, links, rows], () => formatListPage(settings, run, links, rows))
    }
    const shard = searched.add(row)
    if (shard !== undefined) {
      const entries = shard.rows.map(searchEntryOf)
      yield* file(shardPath(shard.rows[0]?.name ?? ''), 'json', ['shard', entries], () =>
        Buffer.from(formatMarkedJson(entries)),
      )
    }
    front = isSmall ? [...front, row] : newestOf([...front, row])
  }
  const shardEntries = shards.map(shardEntryOf)
  yield* file(shardsPath, 'json', ['shards', shardEntries], () => Buffer.from(formatMarkedJson(shardEntries)))
  yield* file(repoFilePath(settings.id), 'repo', ['repo'], () => formatRepoFile(settings))
  const { packages, revision } = contents
  const parts = { packages, names: names.length, revision, runs, rows: front }
  yield* file(frontPath, 'html', ['front', parts], () => formatFrontPage(settings, parts))
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

/** @param rows the newest first, but for the last of them */
function newestOf(rows: readonly Row[]): Row[] {
  const [oldest, added] = rows.slice(-2)
  if (rows.length > newestMax && (added?.modified ?? 0) < (oldest?.modified ?? 0)) return rows.slice(0, -1)
  return rows.toSorted((a, b) => b.modified - a.modified || compareNames(a.name, b.name)).slice(0, newestMax)
}

/** By the first name a search knows where to begin. */
function shardEntryOf(names: readonly string[]): [string, string] {
  const first = names[0] ?? ''
  return [first.toLowerCase(), shardPath(first)]
}
