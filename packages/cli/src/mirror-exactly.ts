/**
 * `mirror --keep-upstream-metadata`: the repository becomes a replica of upstream, from the first of its addresses that gives it.
 */
import { createHash } from 'node:crypto'
import { parseStoreUrl } from '@repokeeper/object-store'
import { parseRepositoryRoot } from '@repokeeper/repository'
import type { Keyring } from '@repokeeper/signing'
import {
  Replica,
  type ReplicaEvent,
  type ReplicaOptions,
  type ReplicaUpdate,
  realTime,
  TransferError,
  type Upstream,
  WebError,
} from '@repokeeper/transfer'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import type { MirrorJob, MirrorManner, MirrorReport } from './mirror-repository.ts'
import { openConnected } from './open-repository.ts'
import { type Progress, startProgress } from './progress.ts'
import { count } from './text-layout.ts'

export interface ExactMirror {
  readonly job: MirrorJob
  readonly manner: MirrorManner
  readonly keyring: Keyring | undefined
  readonly scratch: string
  readonly connection: Connection
}

/** With `--prune`: as long as `repokeeper pull` keeps what its source no longer names. */
const retentionMs = 24 * 3_600_000

/** @throws TransferError, WebError, StoreError of the last address */
export async function mirrorExactly(
  upstream: Upstream,
  { job, manner, keyring, scratch, connection }: ExactMirror,
  cli: Cli,
): Promise<MirrorReport> {
  const { signal } = cli.interruption
  const { concurrency, bytesPerSecond, takesOver } = manner
  const address = parseStoreUrl(job.repository)
  const target = { store: openConnected(address, connection), root: parseRepositoryRoot(address.prefix) }
  let progress: Progress | undefined
  const hear = (event: ReplicaEvent): void => {
    if (event.kind === 'placed' && event.how === 'placed') progress?.advance(event.file.size ?? 0)
    if (event.kind === 'placed') return
    progress?.end()
    progress = undefined
    if (event.kind === 'again') cli.output.tell(`looking again: ${event.why}`)
    else if (event.bytes > 0) {
      progress = startProgress(cli.output, { doing: 'mirroring', unit: 'bytes', total: event.bytes })
    }
  }
  const options: ReplicaOptions = {
    ...{ keyring, concurrency, bytesPerSecond, takesOver, scratch, time: realTime, signal },
    ...{ checksAll: false, copiesInStore: address.kind === 's3', onEvent: hear },
    generations: connection.generations ?? { kind: 'as found' },
    retentionMs: job.prune ? retentionMs : Number.POSITIVE_INFINITY,
  }
  try {
    for (const [at, source] of upstream.sources.entries()) {
      const replica = new Replica({ ...source, name: nameFor(upstream) }, target, options)
      try {
        if (manner.dryRun) return await tellPlan(replica, job, manner, cli)
        const done = await replica.update()
        progress?.end()
        progress = undefined
        return tellUpdate(done, job, manner, cli)
      } catch (error) {
        signal.throwIfAborted()
        if (at === upstream.sources.length - 1 || !isOfAddress(error)) throw error
        cli.output.tell(`${error.message}; the next address is tried`)
      }
    }
    throw new Error(`${upstream.name} has no address`)
  } finally {
    progress?.end()
    await target.store.close()
  }
}

/** Whichever address it comes from, it is a replica of this one upstream. What is asked of that may be a secret, and a replica's record is for all to read. */
function nameFor({ name }: Upstream): string {
  return name.replace(/\?.*$/s, (query) => `#${createHash('sha256').update(query).digest('hex').slice(0, 16)}`)
}

function isOfAddress(error: unknown): error is Error {
  if (error instanceof TransferError) return error.code !== 'NOT_A_REPLICA'
  return error instanceof WebError
}

function tellUpdate(
  update: ReplicaUpdate,
  { repository }: MirrorJob,
  { json }: MirrorManner,
  { output }: Cli,
): MirrorReport {
  if (update.kind === 'unchanged') return { ok: true }
  const { revision, paths, fetched, deleted } = update
  const packages = paths.length
  if (!json) output.print(`${repository}: an exact copy, ${count(packages, 'package')}, ${fetched} of them fetched`)
  return { ok: true, exact: true, revision, packages, fetched, deleted }
}

async function tellPlan(
  replica: Replica,
  { repository }: MirrorJob,
  { json }: MirrorManner,
  { output }: Cli,
): Promise<MirrorReport> {
  const { fetch, replace, kept } = await replica.plan()
  const files = [...fetch, ...replace].map(({ path }) => path)
  const numbers = `${files.length} to fetch, ${kept} there already`
  if (!json) output.print(`${repository}: ${numbers} (dry run: nothing was changed)`)
  return { ok: true, exact: true, fetch: files, kept }
}
