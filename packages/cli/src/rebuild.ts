/**
 * The work of `rebuild`: the metadata from the packages alone.
 */
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import { listPackages, passOverKey, rebuildRepository, repomdKey } from '@repokeeper/repository'
import type { Cli } from './cli.ts'
import { ExitCode } from './failure.ts'
import { nothingThere, type OpenRepository } from './open-repository.ts'
import { startProgress } from './progress.ts'
import { ensureConditions } from './publish-changes.ts'
import { count } from './text-layout.ts'

interface RebuildCommandOptions {
  readonly dryRun: boolean
  readonly json: boolean
}

/** @returns the exit code: 1 where a package could not be read, although all the others are published */
export async function rebuild(repository: OpenRepository, options: RebuildCommandOptions, cli: Cli): Promise<number> {
  return options.dryRun ? tellWhatWould(repository, options, cli) : rebuildNow(repository, options, cli)
}

async function tellWhatWould(
  { location, name, isDirectory, context }: OpenRepository,
  { json }: RebuildCommandOptions,
  { output }: Cli,
): Promise<number> {
  const { packages, passedOver } = await listPackages(location, context())
  const bytes = packages.reduce((sum, { size }) => sum + size, 0)
  if (json) output.printJson({ repository: name, dryRun: true, ok: true, packages: packages.length, bytes, passedOver })
  else {
    for (const { key, why } of passedOver) output.print(`would pass over ${key}: ${why}`)
    output.print(
      `${name}: would read ${count(packages.length, 'package')} (${formatBytes(bytes)}${isDirectory ? '' : '; their headers only, where the store says their digests'}) ` +
        'and publish metadata of them (dry run: nothing was changed)',
    )
  }
  return ExitCode.done
}

/** A prefix that nothing lies below is a slip of the keyboard rather than an empty repository. A directory was made by somebody. */
async function requireSomething(repository: OpenRepository, signal: AbortSignal): Promise<void> {
  if (repository.isDirectory) return
  const { store, root } = repository.location
  for await (const object of store.list(root, { signal })) {
    if (passOverKey(object.key) === undefined || object.key === repomdKey(root)) return
  }
  throw nothingThere(repository)
}

async function rebuildNow(
  repository: OpenRepository,
  { json }: RebuildCommandOptions,
  { output, interruption: { signal } }: Cli,
): Promise<number> {
  const { location, name, context } = repository
  await requireSomething(repository, signal)
  await ensureConditions(repository)
  const progress = startProgress(output, { doing: 'reading', unit: 'packages', total: 0 })
  let known = 0
  const onProgress = (read: number, total: number) => {
    // A rebuild that lost a race begins again.
    progress.setTotal(total)
    progress.advance(Math.max(0, read - known))
    known = read
  }
  const report = await rebuildRepository(location, context(), { onProgress }).finally(() => progress.end())
  const { packages, refused, passedOver, revision } = report
  const ok = refused.length === 0
  for (const { path, reason } of refused) output.tell(`${path}: left out: ${reason}`)
  for (const { key, why } of passedOver) output.tell(`${key}: passed over: ${why}`)
  if (json) output.printJson({ repository: name, dryRun: false, ok, ...report })
  else {
    const orUnsigned = context().packagePolicy.kind === 'signed' ? ', or not signed as they have to be' : ''
    const without = ok
      ? ''
      : `, without ${count(refused.length, 'file that is no whole RPM package', 'files that are no whole RPM packages')}${orUnsigned}`
    output.print(`${name}: published revision ${revision} with ${count(packages, 'package')}${without}`)
  }
  return ok ? ExitCode.done : ExitCode.failed
}
