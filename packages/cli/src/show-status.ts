/**
 * The work of `status`: the published generation, and the queues in front of it.
 */
import { StoreError } from '@repokeeper/object-store'
import { documentKinds } from '@repokeeper/repodata'
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import {
  type IndexedSnapshot,
  type Mirrorlist,
  type RepositoryLocation,
  readIndexedSnapshot,
  readMirrorlist,
  repomdKey,
  surveyRepository,
} from '@repokeeper/repository'
import { openQueueDesk } from '@repokeeper/worker'
import { expiryText } from '@repokeeper/worker/key-expiry'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { expiringKeys, keyringSources } from './expiring-keys.ts'
import { describeFailure, ExitCode } from './failure.ts'
import { noMetadata, type OpenRepository } from './open-repository.ts'
import { queueConnection } from './queue-connection.ts'
import { count, formatSpan, formatTime, table } from './text-layout.ts'

interface StatusOptions {
  readonly json: boolean
  readonly deep: boolean
  /** Names, URLs or ARNs. */
  readonly queues: readonly string[]
  /** Sources; none: those of the environment. */
  readonly keyring: readonly string[]
}

/** @returns the exit code: 1 where a queue could not be asked */
export async function showStatus(
  repository: OpenRepository,
  { json, deep, queues: wanted, keyring: given }: StatusOptions,
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const { location, name } = repository
  const { output, interruption } = cli
  const { signal } = interruption
  const now = await location.store.clock({ near: repomdKey(location.root), signal })
  const snapshot = await readIndexedSnapshot(location, repository.context())
  const published = describePublished(snapshot, now)
  if (published === undefined) throw noMetadata(repository)
  const mirrorlist = await lookAtMirrorlist(location, signal)
  const bucket = deep ? await compareWithBucket(repository) : undefined
  const warnings = await keyWarnings(repository, snapshot, keyringSources(given, cli), connection, cli)
  const queues = await readQueues(wanted, connection, cli)
  const ok = queues.every((queue) => 'waiting' in queue)
  if (json) output.printJson({ repository: name, ok, ...published, mirrorlist, bucket, queues, warnings })
  else {
    const rows = [
      ['packages', `${published.packages}, ${formatBytes(published.bytes)}`],
      ['published', `${formatTime(published.publishedAt)}, ${formatSpan(published.secondsAgo * 1_000)} ago`],
      ['revision', published.revision ?? '(none)'],
      ['metadata', `${formatBytes(published.metadataBytes)}, ${published.compression}`],
      ...(mirrorlist === undefined ? [] : [['mirrorlist', wordsOfMirrorlist(mirrorlist)]]),
      ...(bucket === undefined ? [] : [['bucket', wordsOfBucket(bucket)]]),
      ...queues.flatMap((queue) => ('waiting' in queue ? [[`queue ${queue.name}`, wordsOfQueue(queue)]] : [])),
    ]
    output.print(name)
    for (const line of table(rows)) output.print(`  ${line}`)
  }
  if (!json) for (const warning of warnings) output.tell(`warning: ${warning}`)
  for (const queue of queues) if ('problem' in queue) output.tell(`queue ${queue.name}: ${queue.problem}`)
  return ok ? ExitCode.done : ExitCode.failed
}

/** Keys that cannot be read are no reason to say nothing of all else. */
async function keyWarnings(
  repository: OpenRepository,
  { stored }: IndexedSnapshot,
  keyring: readonly string[],
  connection: Connection,
  cli: Cli,
): Promise<string[]> {
  const now = new Date()
  try {
    const keys = await expiringKeys({ repository, repomd: stored?.bytes, keyring }, connection, cli, now)
    return keys.map((key) => expiryText(key, now))
  } catch (error) {
    return [`when the keys are over cannot be told: ${describeFailure(error, false).message}`]
  }
}

function describePublished({ stored, repomd, index }: IndexedSnapshot, now: Date) {
  if (stored === undefined) return undefined
  const records = repomd.records.filter(({ type }) => documentKinds.some((kind) => kind === type))
  const primary = records.find(({ type }) => type === 'primary')
  return {
    packages: index.packages.length,
    bytes: sum(index.packages.map(({ size }) => size)),
    revision: repomd.revision,
    publishedAt: stored.lastModified,
    secondsAgo: Math.max(0, Math.floor((now.getTime() - stored.lastModified.getTime()) / 1_000)),
    metadataBytes: sum(records.map(({ size }) => size)),
    compression: compressionOf(primary?.href ?? ''),
  }
}

/** createrepo_c (compression_wrapper.c `cr_compression_suffix`). */
const compressions: Readonly<Record<string, string>> = {
  gz: 'gzip',
  zst: 'zstd',
  xz: 'xz',
  bz2: 'bzip2',
  zck: 'zchunk',
}

function compressionOf(href: string): string {
  return compressions[href.slice(href.lastIndexOf('.') + 1)] ?? 'none'
}

async function compareWithBucket({ location, context }: OpenRepository) {
  const { differences, inBucket } = await surveyRepository(location, context())
  const kinds = ['missing', 'changed', 'vanished'] as const
  const [missing, changed, vanished] = kinds.map((kind) => differences.filter((one) => one.kind === kind).length)
  return { packages: inBucket, missing, changed, vanished }
}

function wordsOfBucket({ packages, ...differences }: Awaited<ReturnType<typeof compareWithBucket>>): string {
  const parts = Object.entries(differences).flatMap(([kind, number = 0]) => (number === 0 ? [] : [`${number} ${kind}`]))
  return `${count(packages, 'package')}, ${parts.length === 0 ? 'as the metadata says' : parts.join(', ')}`
}

/** Who may read no more than the metadata goes without. */
async function lookAtMirrorlist(location: RepositoryLocation, signal: AbortSignal): Promise<Mirrorlist | undefined> {
  try {
    return (await readMirrorlist(location, { signal }))?.mirrorlist
  } catch (error) {
    if (error instanceof StoreError && error.code === 'ACCESS_DENIED') return undefined
    throw error
  }
}

function wordsOfMirrorlist({ generation, isPinned }: Mirrorlist): string {
  return isPinned
    ? `PINNED to generation ${generation}: clients do not see what is published ("rollback --resume")`
    : `generation ${generation}`
}

interface QueueStatus {
  readonly name: string
  readonly waiting: number
  readonly inFlight: number
  readonly delayed: number
  readonly oldestSeconds: number | undefined
  /** `undefined` where it has no dead-letter queue. */
  readonly deadLetters: { readonly queue: string; readonly waiting: number; readonly inFlight: number } | undefined
}

/** One that cannot be asked does not hold back the others. */
type AskedQueue = QueueStatus | { readonly name: string; readonly problem: string }

async function readQueues(wanted: readonly string[], connection: Connection, cli: Cli): Promise<AskedQueue[]> {
  const asked: AskedQueue[] = []
  if (wanted.length === 0) return asked
  const desk = await openQueueDesk(queueConnection(connection, cli), wanted[0])
  try {
    for (const queue of wanted) {
      try {
        const { name, waiting, inFlight, delayed, oldestSeconds, redrive } = await desk.read(queue)
        const last = redrive === undefined ? undefined : await desk.read(redrive.deadLetterTargetArn)
        const deadLetters = last && { queue: last.name, waiting: last.waiting, inFlight: last.inFlight }
        asked.push({ name, waiting, inFlight, delayed, oldestSeconds, deadLetters })
      } catch (error) {
        asked.push({ name: queue, problem: describeFailure(error, false).message })
      }
    }
    return asked
  } finally {
    desk.close()
  }
}

function wordsOfQueue({ waiting, inFlight, delayed, oldestSeconds, deadLetters }: QueueStatus): string {
  return [
    `${waiting} waiting`,
    ...(oldestSeconds === undefined || waiting === 0 ? [] : [`the oldest for ${formatSpan(oldestSeconds * 1_000)}`]),
    `${inFlight} in flight`,
    ...(delayed === 0 ? [] : [`${delayed} delayed`]),
    deadLetters === undefined
      ? 'no dead-letter queue'
      : `${count(deadLetters.waiting + deadLetters.inFlight, 'dead letter')}${deadLetters.waiting > 0 ? ` in ${deadLetters.queue}` : ''}`,
  ].join(', ')
}

function sum(numbers: readonly (number | undefined)[]): number {
  return numbers.reduce<number>((total, number) => total + (number ?? 0), 0)
}
