/**
 * The work of `site`: where the pages go, and what is said of it.
 */
import { stat } from 'node:fs/promises'
import { MemoryStore, makeDirectory, type ObjectStore, openStore } from '@repokeeper/object-store'
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import { type SiteChange, type SiteOptions, type SiteReport, writeSite } from '@repokeeper/repository/site'
import type { Cli } from './cli.ts'
import { CommandError, ExitCode } from './failure.ts'
import { noMetadata, type OpenRepository } from './open-repository.ts'
import { startProgress } from './progress.ts'
import { shellWord } from './shell-word.ts'
import { count } from './text-layout.ts'

interface SiteCommandOptions {
  readonly json: boolean
  readonly dryRun: boolean
  readonly to: string
  readonly output?: string | undefined
  /** `false` takes back what was said before. */
  readonly baseUrl?: string | false | undefined
  readonly gpgKey?: string | false | undefined
  readonly title?: string | false | undefined
}

/** @returns the exit code: 0, also where nothing had to be written */
export async function writePages(
  repository: OpenRepository,
  options: SiteCommandOptions,
  { output }: Cli,
): Promise<number> {
  const { location, name } = repository
  const { dryRun, json, to } = options
  const elsewhere = options.output === undefined ? undefined : await openOutput(options.output, dryRun)
  const changes: SiteChange[] = []
  const progress = startProgress(output, { doing: 'writing', unit: 'pages', total: 0 })
  let known = 0
  try {
    const report = await writeSite(location, repository.context(), {
      path: `${to}/`,
      ...(elsewhere === undefined ? {} : { elsewhere: { store: elsewhere, prefix: '' } }),
      say: sayingOf(options),
      dryRun,
      onChange: (change) => {
        if (dryRun || json) changes.push(change)
      },
      onProgress: (pages, total) => {
        progress.setTotal(total)
        progress.advance(pages - known)
        known = pages
      },
    })
    if (report === undefined) throw noMetadata(repository)
    changes.sort((a, b) => (a.path < b.path ? -1 : 1))
    const { generation: _, repoFile = null, ...told } = report
    const { site, address } = placeOfFront(repository, options, report)
    if (json) {
      const place = { site, address: address ?? null, repoFile }
      output.printJson({ repository: name, dryRun, ok: true, ...place, ...told, changes })
    } else {
      for (const { kind, path } of changes) output.print(`would be ${kind}  ${path}`)
      output.print(
        `${name}: ${verdict(report, dryRun)}: ${address ?? `${site} (an object, which browsers cannot open)`}`,
      )
      // Who has just taken it back knows.
      if (repoFile === null && options.baseUrl !== false) output.tell(withoutRepoFile(name, options))
    }
    return ExitCode.done
  } finally {
    progress.end()
    await elsewhere?.close()
  }
}

function sayingOf({ baseUrl, gpgKey, title }: SiteCommandOptions): SiteOptions['say'] {
  const say = (value: string | false | undefined) => (value === false ? null : value)
  return { baseUrl: say(baseUrl), gpgKey: say(gpgKey), title: say(title) }
}

/** A dry run makes no directory: what is not there is empty. */
async function openOutput(path: string, dryRun: boolean): Promise<ObjectStore> {
  const found = await stat(path).catch(() => undefined)
  if (found !== undefined && !found.isDirectory()) {
    throw new CommandError('NOT_A_DIRECTORY', `--output ${path} is a file; name a directory`)
  }
  if (found === undefined && dryRun) return new MemoryStore({ name: path })
  await makeDirectory(path)
  return openStore({ kind: 'directory', path, prefix: '' })
}

interface FrontPlace {
  /** Where the front page lies. */
  readonly site: string
  /** What a browser opens: a file, or below the base URL; `undefined` where nobody has said one that leads anywhere by itself. */
  readonly address: string | undefined
}

function placeOfFront(
  { name }: OpenRepository,
  { to, output }: SiteCommandOptions,
  { said: { baseUrl } }: SiteReport,
): FrontPlace {
  const site =
    output === undefined ? `${name.replace(/\/$/, '')}/${to}/index.html` : `${output.replace(/\/$/, '')}/index.html`
  if (output !== undefined || !name.startsWith('s3://')) return { site, address: site }
  // Variables such as $basearch are dnf's.
  if (baseUrl === undefined || !/^https?:/i.test(baseUrl) || baseUrl.includes('$')) return { site, address: undefined }
  const path = to.split('/').map(encodeURIComponent).join('/')
  return { site, address: `${baseUrl.replace(/\/*$/, '')}/${path}/index.html` }
}

function withoutRepoFile(name: string, { to, output, dryRun }: SiteCommandOptions): string {
  const place = output === undefined ? (to === 'repoview' ? [] : ['--to', to]) : ['--output', output]
  const command = ['repokeeper', 'site', name, ...place].map(shellWord).join(' ')
  return (
    `no .repo file ${dryRun ? 'would be' : 'was'} made, for nobody has said where clients find this repository; say it once: ` +
    `"${command} --base-url https://..."`
  )
}

function verdict({ files, written, deleted, bytes, packages }: SiteReport, dryRun: boolean): string {
  const of = `${count(files, 'file')} about ${count(packages, 'package')}`
  if (written === 0 && deleted === 0) return `nothing to do, ${of} are as they should be`
  const what = `${written} of ${of} (${formatBytes(bytes)})${deleted === 0 ? '' : `, deleted ${deleted}`}`
  return dryRun
    ? `would write ${what.replace(', deleted', ', delete')} (dry run: nothing was changed)`
    : `wrote ${what}`
}
