/**
 * The work of `pull` and `copy`: a replica, once or for as long as the command runs.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeDirectory, parseStoreUrl } from '@repokeeper/object-store'
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import { type Generations, parseRepositoryRoot } from '@repokeeper/repository'
import { openKeyring } from '@repokeeper/signing'
import {
  followSource,
  linkSnapshot,
  Replica,
  type ReplicaEvent,
  type ReplicaPlan,
  type ReplicaUpdate,
  realTime,
} from '@repokeeper/transfer'
import type { Address } from '@repokeeper/worker/network-address'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { describeFailure, ExitCode, UsageError } from './failure.ts'
import { openConnected } from './open-repository.ts'
import { openSource } from './open-source.ts'
import { type Progress, startProgress } from './progress.ts'
import { ReplicaHealth } from './replica-health.ts'
import { count } from './text-layout.ts'

export interface PullOptions {
  /** Files of public keys. */
  readonly keys: readonly string[]
  readonly watch: boolean
  readonly everyMs: number
  readonly http?: Address | undefined
  readonly bytesPerSecond?: number | undefined
  readonly retentionMs: number
  readonly concurrency: number
  readonly checksAll: boolean
  readonly takesOver: boolean
  readonly generations: Generations
  /** A directory that a snapshot is made in by hard links. */
  readonly snapshot?: string | undefined
  readonly silenceMs: number
  readonly dryRun: boolean
  readonly json: boolean
}

/** @returns the exit code */
export async function pullRepository(
  from: string,
  to: string,
  options: PullOptions,
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const { output, interruption } = cli
  const { signal } = interruption
  const { silenceMs } = options
  const keyring = options.keys.length === 0 ? undefined : await openKeyring(options.keys, Date.now())
  for (const { file, keyId, reason } of keyring?.notes ?? []) {
    output.tell(`warning: ${file}: ${keyId === undefined ? '' : `${keyId}: `}${reason}`)
  }
  const address = parseStoreUrl(to)
  refusePathIn(options.generations, address)
  const root = parseRepositoryRoot(address.prefix)
  const source = await openSource(from, connection, { signal, silenceMs })
  if (address.kind === 'directory') await makeDirectory(address.path)
  const store = openConnected(address, connection)
  const scratch = await mkdtemp(join(tmpdir(), 'repokeeper-pull-'))
  const teller = new Teller(options, cli)
  const { bytesPerSecond, checksAll, concurrency, retentionMs, takesOver, generations } = options
  try {
    const replica = new Replica(
      source,
      { store, root },
      {
        ...{ keyring, concurrency, retentionMs, bytesPerSecond, checksAll, takesOver, scratch, time: realTime, signal },
        ...{ generations, copiesInStore: address.kind === 's3' },
        onEvent: (event) => teller.hear(event),
      },
    )
    if (options.dryRun) return teller.tellPlan(to, await replica.plan())
    if (!options.watch) {
      const update = await replica.update()
      teller.tellUpdate(to, update)
      if (options.snapshot !== undefined && address.kind === 'directory' && update.kind === 'whole') {
        await linkSnapshot(address.path, options.snapshot, update.paths)
        if (!options.json) output.print(`${options.snapshot}: a snapshot of it, by hard links`)
      }
      return ExitCode.done
    }
    return await watch(replica, { from, to }, options, teller, cli)
  } finally {
    teller.end()
    await source.close()
    await store.close()
    await rm(scratch, { recursive: true, force: true })
  }
}

/** It stands for the directory in a bucket. @throws UsageError */
function refusePathIn(generations: Generations, { kind }: ReturnType<typeof parseStoreUrl>): void {
  if (kind !== 'directory' || generations.kind !== 'published' || !generations.url.includes('{path}')) return
  throw new UsageError(
    `--generations-url ${generations.url}: a directory has no {path}; write the URL under which clients reach it`,
  )
}

async function watch(
  replica: Replica,
  { from, to }: { readonly from: string; readonly to: string },
  { everyMs, http }: PullOptions,
  teller: Teller,
  { output, interruption }: Cli,
): Promise<number> {
  const { signal } = interruption
  const health = http === undefined ? undefined : await ReplicaHealth.open(http, { everyMs, now: Date.now })
  if (health !== undefined) output.tell(`answering at http://${health.address.host}:${health.address.port}/readyz`)
  output.tell(`${to} follows ${from}; Ctrl-C ends it`)
  try {
    await followSource(replica, {
      everyMs,
      signal,
      random: Math.random,
      onUpdate(update) {
        health?.succeeded(update)
        if (update.kind === 'whole') teller.tellUpdate(to, update)
      },
      onFailure(error, retryMs) {
        const { message } = describeFailure(error, false)
        health?.failed(message)
        teller.end()
        output.tell(`${message}; it is tried again in ${Math.ceil(retryMs / 1000)} s`)
      },
    })
  } finally {
    await health?.close()
  }
  return ExitCode.done
}

/** Says how it goes. */
class Teller {
  readonly #options: Pick<PullOptions, 'json'>
  readonly #cli: Cli
  #progress: Progress | undefined

  constructor(options: Pick<PullOptions, 'json'>, cli: Cli) {
    this.#options = options
    this.#cli = cli
  }

  hear(event: ReplicaEvent): void {
    switch (event.kind) {
      case 'planned':
        this.end()
        if (event.bytes > 0) {
          this.#progress = startProgress(this.#cli.output, { doing: 'pulling', unit: 'bytes', total: event.bytes })
        }
        break
      case 'placed':
        if (event.how === 'placed') this.#progress?.advance(event.file.size ?? 0)
        break
      case 'again':
        this.end()
        this.#cli.output.tell(`looking again: ${event.why}`)
        break
      default:
        event satisfies never
    }
  }

  tellUpdate(to: string, update: ReplicaUpdate): void {
    this.end()
    const { output } = this.#cli
    if (update.kind === 'unchanged') return
    const { revision, paths, fetched, deleted, isNew } = update
    const packages = paths.length
    if (this.#options.json) output.printJson({ target: to, ok: true, revision, packages, fetched, deleted, isNew })
    else {
      const gone = deleted === 0 ? '' : `, ${count(deleted, 'old file')} deleted`
      const what = isNew ? `revision ${revision ?? 'unknown'}, ` : 'up to date, '
      output.print(`${to}: ${what}${count(packages, 'package')}, ${fetched} of them fetched${gone}`)
    }
  }

  /** @returns the exit code */
  tellPlan(to: string, { fetch, check, replace, kept, superseded }: ReplicaPlan): number {
    const { output } = this.#cli
    if (this.#options.json) {
      const paths = (files: ReplicaPlan['fetch']): string[] => files.map(({ path }) => path)
      output.printJson({
        ...{ target: to, dryRun: true, ok: true, kept, superseded },
        ...{ fetch: paths(fetch), check: paths(check), replace: paths(replace) },
      })
      return ExitCode.done
    }
    for (const { path, size } of fetch) output.print(`would be fetched   ${path}  ${formatBytes(size ?? 0)}`)
    for (const { path, size } of replace) output.print(`would be replaced  ${path}  ${formatBytes(size ?? 0)}`)
    for (const { path } of check) output.print(`would be checked   ${path}`)
    for (const path of superseded) output.print(`no longer named    ${path}`)
    const bytes = [...fetch, ...replace].reduce((sum, { size }) => sum + (size ?? 0), 0)
    const numbers = `${fetch.length + replace.length} to fetch, ${kept} there already`
    output.print(`${to}: ${numbers}, ${formatBytes(bytes)} (dry run: nothing was changed)`)
    return ExitCode.done
  }

  end(): void {
    this.#progress?.end()
    this.#progress = undefined
  }
}
