/**
 * What `serve` and `gateway` have in common on the command line.
 */
import type { DoorAddress, UpkeepSettings, Verb, WriteLimits } from '@repokeeper/door'
// On its own: the door itself is loaded by who opens one.
import { isNetwork, TrustedProxies } from '@repokeeper/door/client-address'
import { parseRootPattern, type RootPattern } from '@repokeeper/repository'
import { type Command, InvalidArgumentError, Option } from 'commander'
import * as z from 'zod'
import { UsageError } from './failure.ts'
import { gather } from './repeated-option.ts'
import { readAddress, readDuration, readTimeout } from './replica-options.ts'
import { readCount } from './whole-number.ts'

export interface DoorFlags {
  readonly address: DoorAddress
  readonly connectionsMax: number
  /** Requests that one user or address may send. Absent: as many as they like. */
  readonly rate: { readonly perSecond: number; readonly burst: number } | undefined
  /** Whose `X-Forwarded-For` is believed. */
  readonly proxies: TrustedProxies
  /** Reads are told, too. */
  readonly tellsReads: boolean
  /** What anybody may who does not say who it is. */
  readonly open: ReadonlySet<Verb>
  /** File of the users. */
  readonly users: string | undefined
  /** Files of the certificate and its key. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  /** Another file of the same name is replaced. */
  readonly replaces: boolean
  readonly limits: WriteLimits
  /** Where uploads lie until they are whole. */
  readonly scratch: string | undefined
  readonly patterns: readonly RootPattern[]
  readonly upkeep: UpkeepSettings
}

const usualAddress = { host: '127.0.0.1', port: 8080 }
/** A rest of so long fills up what may come at once: dnf fetches the metadata and some packages in a row, and then nothing for hours. */
const burstSeconds = 10
/** S3 takes no more in one request. */
const uploadBytesMax = 5 * 2 ** 30
/** On the average, after a minute: an upload that is slower takes the place of others. */
const pace = { bytesPerSecondMin: 1_024, slowStartMs: 60_000 }

export function defineDoorOptions(command: Command): Command {
  const wait = new Option('--wait-timeout <time>', 'how long ?wait=1 waits until it is published')
  return command
    .optionsGroup('Options of the door:')
    .option(
      '--http <host:port>',
      'where it answers; 0.0.0.0:8080 is on every address (default: 127.0.0.1:8080)',
      readAddress,
    )
    .option('--connections <count>', 'that are open at the same time', readCount(1, 100_000), 512)
    .option(
      '--rate <count>',
      'requests a second of one user or address, in the long run (default: no limit)',
      readCount(1, 100_000),
    )
    .option(
      '--burst <count>',
      'requests that may come at once, after a rest (default: ten seconds of --rate)',
      readCount(1, 1_000_000),
    )
    .option(
      '--trust-proxy <address>',
      'believe the X-Forwarded-For of this proxy, or of a network such as 10.0.0.0/8; may be given several times',
      gatherNetworks,
    )
    .option('--no-access-log', 'say nothing of what was read')
    .option('--users <file>', 'YAML file of users and what each may; "repokeeper door-user" makes entries')
    .addOption(who('--read <who>', 'who may read: anybody (open), or users who may (closed)').default('open'))
    .addOption(who('--write <who>', 'who may put and delete packages: anybody, or users who may').default('closed'))
    .option('--tls-cert <file>', 'speak TLS with this certificate, in PEM, with those that lead to its root')
    .option('--tls-key <file>', 'key of the certificate, in PEM')
    .option('--replace', 'put an upload in the place of another file of its name')
    .option('--max-upload <size>', 'largest package that is taken: 500M, 2G (default: 5G)', readSize)
    .option('--uploads <count>', 'that are under way at the same time', readCount(1, 1_000), 32)
    .addOption(wait.argParser(readTimeout).default(60_000, '60s'))
    .option('--scratch <dir>', 'where uploads lie until they are whole')
}

export function defineKeepingOptions(command: Command): Command {
  const audit = new Option('--audit-interval <time>', 'how often bucket or folder and metadata are compared; 0: never')
  const gc = new Option('--gc-interval <time>', 'how often superseded documents are cleared away; 0: never')
  const retention = new Option('--retention <time>', 'how long superseded documents stay: 30m, 24h, 7d')
  return command
    .optionsGroup('Options of publishing:')
    .option(
      '--repository <pattern>',
      'directory that is a repository; * stands for one directory; may be given several times (default: the nearest one with metadata above a package, else its own)',
      gather,
    )
    .addOption(audit.argParser(readInterval).default(readDuration('6h'), '6h'))
    .addOption(gc.argParser(readInterval).default(readDuration('6h'), '6h'))
    .addOption(retention.argParser(readDuration).default(readDuration('24h'), '24h'))
}

/** @param values as commander has them @throws UsageError, and RootError where a pattern is none */
export function readDoorFlags(values: unknown): DoorFlags {
  const flags = Values.parse(values)
  const { users, tlsCert: cert, tlsKey: key, rate, burst } = flags
  if (flags.read === 'closed' && users === undefined) {
    throw new UsageError('--read closed: nobody could read; say with --users who may')
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('--tls-cert and --tls-key: name both, the certificate and its key')
  }
  if (burst !== undefined && rate === undefined) throw new UsageError('--burst: say with --rate how many a second')
  return {
    address: flags.http,
    connectionsMax: flags.connections,
    rate: rate === undefined ? undefined : { perSecond: rate, burst: burst ?? rate * burstSeconds },
    proxies: new TrustedProxies(flags.trustProxy),
    tellsReads: flags.accessLog,
    open: new Set([...(flags.read === 'open' ? (['read'] as const) : []), ...openWrites(flags.write)]),
    users,
    tls: cert === undefined || key === undefined ? undefined : { cert, key },
    replaces: flags.replace,
    limits: { ...pace, uploadBytesMax: flags.maxUpload, uploadsMax: flags.uploads, waitMs: flags.waitTimeout },
    scratch: flags.scratch,
    patterns: flags.repository.map(parseRootPattern),
    upkeep: {
      auditIntervalMs: flags.auditInterval,
      gcIntervalMs: flags.gcInterval,
      retentionMs: flags.retention,
    },
  }
}

const Values = z.object({
  http: z.custom<DoorAddress>().default(usualAddress),
  connections: z.number(),
  rate: z.number().optional(),
  burst: z.number().optional(),
  trustProxy: z.array(z.string()).default([]),
  accessLog: z.boolean(),
  users: z.string().min(1).optional(),
  read: z.enum(['closed', 'open']),
  write: z.enum(['closed', 'open']),
  tlsCert: z.string().min(1).optional(),
  tlsKey: z.string().min(1).optional(),
  replace: z.boolean().default(false),
  maxUpload: z.number().default(uploadBytesMax),
  uploads: z.number(),
  waitTimeout: z.number(),
  scratch: z.string().min(1).optional(),
  repository: z.array(z.string()).default([]),
  auditInterval: z.number(),
  gcInterval: z.number(),
  retention: z.number(),
})

function who(flags: string, description: string): Option {
  return new Option(flags, description).choices(['open', 'closed'])
}

function openWrites(write: 'open' | 'closed'): readonly Verb[] {
  return write === 'open' ? ['write', 'delete'] : []
}

function gatherNetworks(text: string, before?: readonly string[]): readonly string[] {
  if (isNetwork(text)) return gather(text, before)
  throw new InvalidArgumentError('Expected an address, or a network such as 10.0.0.0/8.')
}

const bytesOf: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }

function readSize(text: string): number {
  const [, amount, unit = ''] = /^([0-9]{1,12})([KMG]?)$/.exec(text.trim().toUpperCase()) ?? []
  const bytes = Number(amount) * (bytesOf[unit] ?? Number.NaN)
  if (bytes >= 1 && bytes <= uploadBytesMax) return bytes
  throw new InvalidArgumentError('Expected bytes such as 500M or 2G, 5G at most.')
}

function readInterval(text: string): number {
  return text.trim() === '0' ? 0 : readDuration(text)
}
