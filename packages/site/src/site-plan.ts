/**
 * Which files a site has, and which of them have to be made: those that are not there yet, or were made of something else.
 */
import { createHash } from 'node:crypto'
import { type ListRun, planListRuns } from './list-page.ts'
import { compareNames, cutNames, searchRuns } from './name-runs.ts'
import type { Row } from './row.ts'
import { frontPath, packagePath, repoFilePath, scriptPath, shardPath, shardsPath, stylePath } from './site-paths.ts'
import type { SiteSettings } from './site-settings.ts'
import { templates } from './templates.ts'

/** What a site is made of, as far as has to be known before anything is read of its packages. */
export interface SiteContents {
  readonly revision: string | undefined
  /** How many are listed. */
  readonly packages: number
  /** Each once, in any order. */
  readonly names: readonly string[]
  /** Of all that is listed under a name: another one where anything of that is different. */
  readonly digestOf: (name: string) => string
}

/** What is there already of a site. */
export interface Standing {
  /** Whether the file at this path is there as it was written, and was made of this. */
  has(path: string, from: string): boolean
  /** How the lists told of this name when its page was written. */
  rowOf(name: string): Row | undefined
}

export interface SitePlan {
  readonly contents: SiteContents
  readonly settings: SiteSettings
  readonly standing: Standing
  /** In order. */
  readonly names: readonly string[]
  /** Names whose pages have to be made: all that is listed under them has to be read. */
  readonly wanted: ReadonlySet<string>
  /** Of the lists by letter. None where all names stand on the front page. */
  readonly runs: readonly ListRun[]
  /** Names by the file of the search index that has them. */
  readonly shards: readonly (readonly string[])[]
  /** Of all its files. */
  readonly paths: ReadonlySet<string>
  /** Of those that may have to be written: all but the pages of names that are not wanted. */
  readonly open: ReadonlySet<string>
}

/** Up to so many names stand on the front page; beyond, there are lists by letter. */
const onFrontMax = 150

const nothingStands: Standing = { has: () => false, rowOf: () => undefined }

export function planSite(contents: SiteContents, settings: SiteSettings, standing: Standing = nothingStands): SitePlan {
  const names = contents.names.toSorted(compareNames)
  const runs = names.length <= onFrontMax ? [] : planListRuns(names)
  const shards = cutNames(names, searchRuns)
  const wanted = names.filter(
    (name) =>
      standing.rowOf(name) === undefined ||
      !standing.has(packagePath(name), madeOf(settings, 'package', name, contents.digestOf(name))),
  )
  const around = [
    stylePath,
    scriptPath,
    ...runs.map(({ path }) => path),
    ...shards.map(([first = '']) => shardPath(first)),
    shardsPath,
    ...(settings.baseUrl === undefined ? [] : [repoFilePath(settings.id)]),
    frontPath,
  ]
  return {
    ...{ contents, settings, standing, names, runs, shards },
    wanted: new Set(wanted),
    paths: new Set([...names.map(packagePath), ...around]),
    open: new Set([...wanted.map(packagePath), ...around]),
  }
}

/** The digest of all that goes into a file: of this way to make it, and of what it is made of. */
export function madeOf(settings: SiteSettings, ...parts: readonly unknown[]): string {
  const { title, id, baseUrl, gpgKey, isSigned = false, hasMirrorlist = false, toRoot } = settings
  const clients = [isSigned, ...(hasMirrorlist ? ['mirrorlist'] : [])]
  const all = [templates, title, id, baseUrl ?? null, gpgKey ?? null, ...clients, toRoot ?? null, ...parts]
  return createHash('sha256').update(JSON.stringify(all)).digest('base64url').slice(0, digestCharacters)
}

/** 132 bits. */
const digestCharacters = 22
