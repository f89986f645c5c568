/**
 * After the bucket was changed: publish where no worker does, and wait until it shows.
 */
import type { KeyVerdict } from '@repokeeper/repository'
import type { ChangeOptions } from './change-options.ts'
import { isMissing } from './check-place.ts'
import type { Cli } from './cli.ts'
import { describeFailure } from './failure.ts'
import type { OpenRepository } from './open-repository.ts'
import { policyReminder } from './policy-reminder.ts'
import { publishChanges } from './publish-changes.ts'
import { count, enumerate } from './text-layout.ts'
import { type Expectation, type WaitOutcome, waitForMetadata } from './wait-for-metadata.ts'

/** What became of the metadata; plain data for the JSON report. */
export interface Settled {
  readonly published?: Published
  readonly waited?: WaitOutcome | Failed
  /** Nothing went wrong. */
  readonly ok: boolean
}

export type Published =
  | {
      readonly kind: 'published'
      readonly revision?: string | undefined
      /** There was no repository before. */
      readonly isNew: boolean
      readonly refused: readonly { readonly path: string; readonly code: string; readonly reason: string }[]
    }
  | Failed

interface Failed {
  readonly kind: 'failed'
  readonly code: string
  readonly message: string
}

/** @param expectations every path that the command has to answer for, changed by it or found so */
export async function settleChange(
  repository: OpenRepository,
  expectations: readonly Expectation[],
  options: ChangeOptions,
  cli: Cli,
): Promise<Settled> {
  if (options.dryRun || expectations.length === 0) return { ok: true }
  let published: Published | undefined
  if (options.publish ?? repository.isDirectory) {
    published = await publish(repository, expectations, options, cli)
    if (published.kind === 'failed' || published.refused.length > 0) return { published, ok: false }
  }
  const settled = published === undefined ? {} : { published }
  if (!options.wait) {
    if (published === undefined && !options.json) remindOfWorkers(repository, cli)
    return { ...settled, ok: true }
  }
  const { timeoutSeconds } = options
  const { signal } = cli.interruption
  const waited = await waitForMetadata(repository, expectations, { timeoutSeconds, signal }).catch((error: unknown) => {
    const { code, message } = describeFailure(error, false)
    return { kind: 'failed' as const, code, message }
  })
  if (waited.kind === 'failed') {
    cli.output.tell(`the bucket was changed, but whether the metadata shows it is not known: ${waited.message}`)
    return { ...settled, waited, ok: false }
  }
  if (!options.json) tellWaited(waited, { repository, expectations, options }, cli)
  return { ...settled, waited, ok: waited.kind === 'shown' }
}

/** Only where a person looks on: a pipeline that says the same every day needs no reminder. */
function remindOfWorkers({ name, isDirectory, toCopy }: OpenRepository, { output }: Cli): void {
  if (!output.isTerminal) return
  const line = isDirectory
    ? `the metadata of ${name} is as it was: "${toCopy('audit', name, '--repair')}" brings it into line`
    : `a worker brings the metadata into line (--wait waits for it); where there is none, "${toCopy('audit', name, '--repair')}", or say --publish`
  output.tell(line)
}

async function publish(
  repository: OpenRepository,
  expectations: readonly Expectation[],
  { json }: ChangeOptions,
  cli: Cli,
): Promise<Published> {
  const { root } = repository.location
  const keys = new Set(expectations.map(({ path }) => `${root}${path}`))
  try {
    const isNew = await isMissing(repository)
    const { verdicts, undecided, revision } = await publishChanges(repository, keys)
    const refused = [
      ...[...verdicts].flatMap(([key, verdict]) => refusalOf(key.slice(root.length), verdict)),
      ...[...undecided].map(([key, error]) => {
        const { code, message } = describeFailure(error, false)
        return { path: key.slice(root.length), code, reason: `${message}; try again` }
      }),
    ]
    for (const { path, reason } of refused) cli.output.tell(`${path}: not published: ${reason}`)
    const published = `published${isNew ? ': a new repository' : ''}`
    if (!json) cli.output.print(`${repository.name}: metadata ${revision === undefined ? 'is up to date' : published}`)
    return { kind: 'published', revision, isNew, refused }
  } catch (error) {
    const { code, message } = describeFailure(error, false)
    cli.output.tell(`the metadata was not published: ${message}`)
    return { kind: 'failed', code, message }
  }
}

function refusalOf(path: string, verdict: KeyVerdict): { path: string; code: string; reason: string }[] {
  return verdict.kind === 'refused' ? [{ path, code: verdict.code, reason: verdict.reason }] : []
}

interface Waiting {
  readonly repository: OpenRepository
  readonly expectations: readonly Expectation[]
  readonly options: ChangeOptions
}

function tellWaited(waited: WaitOutcome, { repository, expectations, options }: Waiting, cli: Cli): void {
  const { output, environment } = cli
  if (waited.kind === 'shown') {
    output.print(`${repository.name}: the metadata shows it (after ${(waited.milliseconds / 1000).toFixed(1)} s)`)
    return
  }
  const { pending, publishedMeanwhile } = waited
  const isUpload = expectations.some(({ sha256 }) => sha256 !== undefined)
  for (const { path, reason } of pending.slice(0, 20)) output.tell(`${path}: ${reason}`)
  if (pending.length > 20) output.tell(`and ${pending.length - 20} more`)
  output.tell(
    `${repository.name}: after ${options.timeoutSeconds} s the metadata does not show ${count(pending.length, 'change')} ` +
      `(${enumerate(
        pending.map(({ path }) => path),
        3,
      )}). ${adviceFor(publishedMeanwhile, { repository, isUpload }, environment)}`,
  )
}

function adviceFor(
  publishedMeanwhile: boolean,
  { repository, isUpload }: { readonly repository: OpenRepository; readonly isUpload: boolean },
  environment: Cli['environment'],
): string {
  const { name, isDirectory, toCopy } = repository
  if (isDirectory) return 'No worker watches a directory: leave out --no-publish.'
  const sentences = [
    publishedMeanwhile
      ? "Others were published meanwhile, so look for these in the workers' logs and in the dead-letter queues."
      : "Nothing was published meanwhile: is a worker running for this bucket's queue, does its --repository match this path, does the bucket send notifications, is the dead-letter queue empty?",
    isUpload
      ? 'A worker may have refused it, by its --package-policy for instance: "repokeeper history" on its machine says what, and why.'
      : '',
    `"${toCopy('plan', name)}" says what differs, and --publish publishes without a worker.`,
    isUpload ? policyReminder(repository, environment) : '',
  ]
  return sentences.filter((sentence) => sentence !== '').join(' ')
}
