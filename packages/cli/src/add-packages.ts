/**
 * The work of `add`: look at every file, then upload them side by side, then see to the metadata.
 */
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import { verifierOf } from '@repokeeper/repository'
import { atATime } from './at-a-time.ts'
import type { AddOptions, ChangeOptions } from './change-options.ts'
import { changeSummary } from './change-summary.ts'
import { refuseInnerRepository, tellMissingRepository } from './check-place.ts'
import type { Cli } from './cli.ts'
import { ExitCode } from './failure.ts'
import { type BadFile, findFiles, type LocalPackage, parseTarget, readLocalPackage } from './local-package.ts'
import type { OpenRepository } from './open-repository.ts'
import { type Progress, startProgress } from './progress.ts'
import { ensureSignable } from './publish-changes.ts'
import { type Settled, settleChange } from './settle-change.ts'
import { type StoreOutcome, storePackage } from './store-package.ts'
import { count } from './text-layout.ts'

/** What became of one file. */
interface AddedFile {
  readonly local: LocalPackage
  readonly path: string
  readonly outcome: StoreOutcome | { readonly kind: 'not done' }
}

/** @returns the exit code */
export async function addPackages(
  repository: OpenRepository,
  files: readonly string[],
  options: ChangeOptions & AddOptions,
  cli: Cli,
): Promise<number> {
  const { signal } = cli.interruption
  const target = parseTarget(options.to)
  await refuseInnerRepository(repository, target)
  await ensureSignable(repository, options)
  const { found, bad } = await findFiles(files)
  const bytes = found.reduce((sum, { size }) => sum + size, 0)
  const doing = options.dryRun ? 'checking' : 'checking and uploading'
  const total = options.dryRun ? bytes : 2 * bytes
  const progress = startProgress(cli.output, { doing, unit: 'bytes', total })
  let results: readonly AddedFile[] = []
  try {
    const onProgress = (read: number) => progress.advance(read)
    const verifier = verifierOf(repository.context().packagePolicy)
    // Two at a time: it is the disk that is read.
    const readings = await atATime(found, 2, (file) => readLocalPackage(file, { signal, onProgress, verifier }))
    const locals: LocalPackage[] = []
    for (const reading of readings) {
      if (reading.kind === 'package') locals.push(reading.package)
      else bad.push(reading)
    }
    if (bad.length > 0) return refuse(repository, bad, locals, options, cli)
    await tellMissingRepository(repository, target, options, cli)
    results = await uploadAll(repository, locals, target, options, progress, cli)
  } finally {
    progress.end()
  }
  return report(repository, results, options, cli)
}

async function uploadAll(
  { location, singleWriter }: OpenRepository,
  locals: readonly LocalPackage[],
  target: string,
  options: ChangeOptions & AddOptions,
  progress: Progress,
  cli: Cli,
): Promise<AddedFile[]> {
  const { signal } = cli.interruption
  return atATime(locals, options.concurrency, async (local) => {
    const path = `${target}${local.name}`
    let sent = 0
    const onProgress = (bytesSent: number) => {
      // A second try begins again at nothing, and what was counted stays counted.
      progress.advance(Math.max(0, bytesSent - sent))
      sent = Math.max(sent, bytesSent)
    }
    const { replace, dryRun } = options
    let outcome: AddedFile['outcome'] = { kind: 'not done' }
    if (!signal.aborted) {
      outcome = await storePackage(location.store, `${location.root}${path}`, local, {
        replace,
        dryRun,
        singleWriter,
        signal,
        onProgress,
      }).catch((error: unknown) => {
        if (signal.aborted) return { kind: 'not done' as const }
        throw error
      })
    }
    if (!dryRun) onProgress(local.size)
    const result = { local, path, outcome }
    if (!options.json) tellFile(result, options, cli)
    return result
  })
}

/** Nothing is uploaded: every bad file is named. */
function refuse(
  repository: OpenRepository,
  bad: readonly BadFile[],
  good: readonly LocalPackage[],
  { json, dryRun }: ChangeOptions,
  { output }: Cli,
): number {
  for (const { file, reason } of bad) output.tell(`${file}: ${reason}`)
  output.tell(`nothing was uploaded, because of ${count(bad.length, 'bad file')}`)
  if (json) {
    const files = [
      ...bad.map(({ file, code, reason }) => ({ file, status: 'bad', code, reason })),
      ...good.map(({ file, nevra, size, sha256 }) => ({ file, nevra, size, sha256, status: 'not done' })),
    ]
    output.printJson({ repository: repository.name, dryRun, ok: false, files })
  }
  return ExitCode.failed
}

async function report(
  repository: OpenRepository,
  results: readonly AddedFile[],
  options: ChangeOptions,
  cli: Cli,
): Promise<number> {
  const { output, interruption } = cli
  const outcomes = results.map(({ outcome }) => outcome)
  if (!options.json) output.print(changeSummary(repository.name, outcomes, kinds, options))
  let settled: Settled = { ok: true }
  if (interruption.signal.aborted) output.tell(interruptionText(repository, results))
  else settled = await settleChange(repository, results.flatMap(expectationOf), options, cli)
  const ok = settled.ok && results.every(({ outcome }) => outcome.kind !== 'failed' && outcome.kind !== 'not done')
  if (options.json) {
    const { published, waited } = settled
    const files = results.map(fileReport)
    output.printJson({ repository: repository.name, dryRun: options.dryRun, ok, files, published, waited })
  }
  return ok ? ExitCode.done : ExitCode.failed
}

function expectationOf({ path, local, outcome }: AddedFile) {
  return outcome.kind === 'failed' || outcome.kind === 'not done' ? [] : [{ path, sha256: local.sha256 }]
}

function fileReport({ local: { file, nevra, size, sha256 }, path, outcome }: AddedFile) {
  const { kind: status, ...details } = outcome
  return { file, location: path, nevra, size, sha256, status, ...details }
}

function tellFile({ local, path, outcome }: AddedFile, { dryRun }: ChangeOptions, { output }: Cli): void {
  const would = dryRun ? 'would be ' : ''
  switch (outcome.kind) {
    case 'added':
      output.print(`${would}added ${path} (${local.nevra}, ${formatBytes(local.size)})`)
      break
    case 'replaced':
      output.print(`${would}replaced ${path} (${local.nevra}, ${formatBytes(local.size)})`)
      break
    case 'skipped':
      output.print(`skipped ${path}: it is there already`)
      break
    case 'failed':
      output.tell(`failed ${path}: ${outcome.reason}`)
      break
    case 'not done':
      output.tell(`not uploaded ${path}`)
      break
  }
}

const kinds = { changes: ['added', 'replaced'], others: ['skipped', 'failed', 'not done'] } as const

function interruptionText({ isDirectory }: OpenRepository, results: readonly AddedFile[]): string {
  const done = results.filter(({ outcome }) => outcome.kind === 'added' || outcome.kind === 'replaced').length
  const left = results.filter(({ outcome }) => outcome.kind === 'not done').length
  const metadata = isDirectory ? ' The metadata was not published.' : ''
  return `interrupted: ${count(done, 'file')} uploaded, ${left} left.${metadata} The same command again does the rest.`
}
