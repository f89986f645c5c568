/**
 * The work of `mirror`: one upstream after the other into its repository. One that fails does not hold back the others.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { makeDirectory, parseStoreUrl } from '@repokeeper/object-store'
import { type Keyring, openKeyring } from '@repokeeper/signing'
import { openUpstream, type UpstreamAddress } from '@repokeeper/transfer'
import type { ChangeOptions } from './change-options.ts'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { describeFailure, ExitCode, UsageError } from './failure.ts'
import { mirrorExactly } from './mirror-exactly.ts'
import { mirrorUpstream } from './mirror-upstream.ts'
import { withRepository } from './open-repository.ts'
import { openSource } from './open-source.ts'

/** What comes from where to where, and what of it. */
export interface MirrorJob {
  readonly upstream: UpstreamAddress
  readonly repository: string
  /** Files of public keys. */
  readonly keys: readonly string[]
  /** Patterns of names and NEVRAs; no `include`: all. */
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly arches: readonly string[]
  readonly newest: number | undefined
  readonly sinceSeconds: number | undefined
  /** Below the root of the repository, with a slash at its end; or nothing. */
  readonly directory: string
  readonly replace: boolean
  readonly prune: boolean
  readonly packagesOnly: boolean
  readonly keepUpstreamMetadata: boolean
}

/** How it is done, of all jobs. */
export interface MirrorManner extends ChangeOptions {
  readonly concurrency: number
  readonly bytesPerSecond: number | undefined
  readonly silenceMs: number
  /** Prune also where upstream looks broken. */
  readonly forcePrune: boolean
  /** With the metadata of upstream: what is there may be something else. */
  readonly takesOver: boolean
}

/** Plain data for the JSON report. */
export interface MirrorReport {
  readonly ok: boolean
  readonly [name: string]: unknown
}

/** @returns the exit code */
export async function mirrorAll(
  jobs: readonly MirrorJob[],
  manner: MirrorManner,
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const { output, interruption } = cli
  const reports: MirrorReport[] = []
  for (const job of jobs) {
    if (interruption.signal.aborted) break
    const { repository } = job
    const upstream = shown(job.upstream.place)
    try {
      reports.push({ upstream, repository, ...(await mirrorOne(job, manner, connection, cli)) })
    } catch (error) {
      if (jobs.length === 1) throw error
      interruption.signal.throwIfAborted()
      const { code, message } = describeFailure(error, false)
      output.tell(`${upstream}: ${message}`)
      reports.push({ upstream, repository, ok: false, error: { code, message } })
    }
  }
  const ok = reports.length === jobs.length && reports.every((report) => report.ok)
  if (manner.json) output.printJson({ ok, dryRun: manner.dryRun, mirrors: reports })
  return ok ? ExitCode.done : ExitCode.failed
}

async function mirrorOne(
  job: MirrorJob,
  manner: MirrorManner,
  connection: Connection,
  cli: Cli,
): Promise<MirrorReport> {
  const { signal } = cli.interruption
  const { silenceMs } = manner
  if (placeOf(job.upstream.place) === placeOf(job.repository)) {
    throw new UsageError(`${job.repository} cannot be mirrored to itself: name two repositories`)
  }
  if (job.keepUpstreamMetadata && connection.packagePolicy?.packagePolicy === 'signed') {
    throw new UsageError(
      '--keep-upstream-metadata and --package-policy signed: an exact copy lists what upstream lists; leave out one of them',
    )
  }
  const keyring = await openKeys(job, cli)
  const openPlace = (place: string) => openSource(placeOf(place), connection, { signal })
  const upstream = await openUpstream(job.upstream, { openPlace, silenceMs, signal })
  const address = parseStoreUrl(job.repository)
  const scratch = await mkdtemp(join(tmpdir(), 'repokeeper-mirror-'))
  try {
    if (address.kind === 'directory') await makeDirectory(address.path)
    if (job.keepUpstreamMetadata) {
      return await mirrorExactly(upstream, { job, manner, keyring, scratch, connection }, cli)
    }
    return await withRepository(job.repository, connection, cli, (repository) =>
      mirrorUpstream(upstream, repository, { job, manner, keyring, scratch }, cli),
    )
  } finally {
    await upstream.close()
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Without a password. */
function shown(place: string): string {
  const url = /^https?:/i.test(place) ? URL.parse(place) : null
  return url === null ? place : `${url.origin}${url.pathname}${url.search}`
}

/** A directory by its whole path: under that a repository remembers it, wherever the command runs. */
function placeOf(text: string): string {
  if (/^https?:/i.test(text)) return text
  const address = parseStoreUrl(text)
  return address.kind === 'directory' ? resolve(address.path) : `s3://${address.bucket}/${address.prefix}`
}

async function openKeys({ keys }: MirrorJob, { output }: Cli): Promise<Keyring | undefined> {
  if (keys.length === 0) return undefined
  const keyring = await openKeyring(keys, Date.now())
  for (const { file, keyId, reason } of keyring.notes) {
    output.tell(`warning: ${file}: ${keyId === undefined ? '' : `${keyId}: `}${reason}`)
  }
  return keyring
}
