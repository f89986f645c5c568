/**
 * What `pull` and `copy` have in common on the command line.
 */
import { type Generations, wrongGenerationsUrl } from '@repokeeper/repository/generation-settings'
import { formatDuration, parseDuration } from '@repokeeper/worker/duration'
import { type Address, parseAddress } from '@repokeeper/worker/network-address'
import { type Command, InvalidArgumentError, Option } from 'commander'
import * as z from 'zod'
import { UsageError } from './failure.ts'
import type { PullOptions } from './pull-repository.ts'
import { gather } from './repeated-option.ts'

const everyMs = 5_000

export function defineReplicaOptions(command: Command): Command {
  const every = new Option('--every <time>', 'with --watch: how long between two looks at the source')
  const retention = new Option('--retention <time>', 'how long what the source no longer names stays: 30m, 24h, 7d')
  return command
    .option('--key <file>', 'take only what is signed by one of these public keys; may be given several times', gather)
    .option('--watch', 'go on and follow the source until it is interrupted')
    .addOption(every.argParser(readInterval).default(everyMs, formatDuration(everyMs)))
    .option('--http <host:port>', 'with --watch: answer /healthz and /readyz there', readAddress)
    .option('--bandwidth <rate>', 'bytes a second at most: 500K, 20M, 1G', readRate)
    .addOption(retention.argParser(readDuration).default(readDuration('24h'), '24h'))
    .option('--concurrency <count>', 'files at the same time', readCount, 8)
    .option('--checksum', 'read what is there already, too, and compare every byte')
    .option('--take-over', 'the target may hold something else: what the source does not list goes after the retention')
    .option(
      '--generations-url <url>',
      'keep each generation below generations/ too, and a mirrorlist of its own; where clients reach the replica',
    )
    .option('--timeout <time>', 'how long a web server may say nothing (default: 30s)', readTimeout)
    .option('-n, --dry-run', 'say what would be done, change nothing')
    .option('--json', 'report as one JSON document for each update')
}

/** @param values as commander has them @throws UsageError where two options contradict each other */
export function readReplicaOptions(values: unknown): PullOptions {
  const { key, every, bandwidth, retention, checksum, takeOver, generationsUrl, timeout, ...options } =
    Values.parse(values)
  const { watch, http, snapshot, dryRun } = options
  if (watch && dryRun) throw new UsageError('--watch and --dry-run: leave out one of them')
  if (watch && snapshot !== undefined) throw new UsageError('--watch and --snapshot: leave out one of them')
  if (!watch && http !== undefined) {
    throw new UsageError('--http answers for as long as the command runs: it needs --watch')
  }
  return {
    ...options,
    ...{ keys: key, everyMs: every, bytesPerSecond: bandwidth, retentionMs: retention },
    ...{ checksAll: checksum, takesOver: takeOver, generations: generationsOf(generationsUrl), silenceMs: timeout },
  }
}

/** Not from the environment: what stands there is where the source is reached. */
function generationsOf(url: string | undefined): Generations {
  if (url === undefined) return { kind: 'as found' }
  const wrong = wrongGenerationsUrl(url, false)
  if (wrong !== undefined) throw new UsageError(wrong)
  return { kind: 'published', url }
}

const Values = z.object({
  key: z.array(z.string().min(1)).default([]),
  watch: z.boolean().default(false),
  every: z.number(),
  http: z.custom<Address>().optional(),
  bandwidth: z.number().optional(),
  retention: z.number(),
  concurrency: z.number(),
  checksum: z.boolean().default(false),
  takeOver: z.boolean().default(false),
  generationsUrl: z.string().optional(),
  snapshot: z.string().min(1).optional(),
  timeout: z.number().default(30_000),
  dryRun: z.boolean().default(false),
  json: z.boolean().default(false),
})

function readInterval(text: string): number {
  const milliseconds = parseDuration(text)
  if (milliseconds !== undefined && milliseconds >= 1_000 && milliseconds <= 24 * 3_600_000) return milliseconds
  throw new InvalidArgumentError('Expected a time such as 5s or 10m, from 1s to a day.')
}

export function readDuration(text: string): number {
  const milliseconds = parseDuration(text)
  if (milliseconds !== undefined) return milliseconds
  throw new InvalidArgumentError('Expected a time such as 30m, 24h or 7d, ten years at most.')
}

export function readTimeout(text: string): number {
  const milliseconds = parseDuration(text)
  if (milliseconds !== undefined && milliseconds >= 1_000 && milliseconds <= 3_600_000) return milliseconds
  throw new InvalidArgumentError('Expected a time such as 30s or 2m, from 1s to an hour.')
}

export function readAddress(text: string): Address {
  const address = parseAddress(text)
  if (address !== undefined) return address
  throw new InvalidArgumentError('Expected an address such as 127.0.0.1:5001 or [::1]:5001.')
}

const bytesOf: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }

/** As rsync's --bwlimit and curl's --limit-rate have their suffixes: powers of 1024. */
export function readRate(text: string): number {
  const [, amount, unit = ''] = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)([KMG]?)$/.exec(text.trim().toUpperCase()) ?? []
  const rate = Math.round(Number(amount) * (bytesOf[unit] ?? Number.NaN))
  if (rate >= 1_024) return rate
  throw new InvalidArgumentError('Expected bytes a second such as 500K, 20M or 1G, at least 1K.')
}

export function readCount(text: string): number {
  const value = /^[0-9]{1,3}$/.test(text) ? Number(text) : Number.NaN
  if (value >= 1 && value <= 64) return value
  throw new InvalidArgumentError('Expected a whole number from 1 to 64.')
}
