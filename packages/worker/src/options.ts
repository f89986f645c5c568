import { type PackageInbox, parsePackageInboxes, parseRootPattern, type RootPattern } from '@repokeeper/repository'
import { parse as parseYaml } from 'yaml'
import * as z from 'zod'
import { wrongGenerations } from './generations-settings.ts'
import { describeProblem } from './option-problems.ts'
import { address, duration, flag, httpUrl, inboxes, list, number, readInbox } from './option-values.ts'
import { wrongPackagePolicy } from './package-policy-settings.ts'
import { signingOptions } from './signing-options.ts'
import { wrongSigning } from './signing-settings.ts'

/** A timer holds no more than 24 days. */
const intervalDaysMax = 24
/** Ten years: dates stay dates. */
const retentionDaysMax = 3_650

const repository = z.string().superRefine((text, context) => {
  try {
    parseRepository(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
  }
})

/** Every option of the worker: what it means, what is allowed, what holds where nothing is said. */
const workerOptions = z.strictObject({
  queue: z.string('give the name or URL of the SQS queue').min(1, 'give the name or URL of the SQS queue').meta({
    description: 'SQS queue that receives the notifications: its name or its URL',
    placeholder: 'QUEUE',
    short: 'q',
  }),
  repositories: list(repository)
    .optional()
    .meta({
      description:
        'repositories this worker keeps, as s3://bucket/path; "*" stands for one directory. Everything else is passed over. ' +
        'Without it the nearest directory that has repodata is taken',
      placeholder: 'S3-URL',
      flag: 'repository',
    }),
  inbox: inboxes.optional().meta({
    description:
      'directory of the bucket whose packages move to where repositories are, once they are checked, as inbox/=repo/: who writes there needs no right to the ' +
      'repositories',
    placeholder: 'FROM=TO',
  }),
  inboxRejected: z.string().min(1).default('rejected/').meta({
    description: 'directory to which packages of an inbox move that are not let in, each with a .reason.txt beside it',
    placeholder: 'DIRECTORY',
  }),
  inboxReplace: flag().default(false).meta({
    description: 'a package of an inbox may take the place of another file of its name',
  }),
  endpointUrl: httpUrl
    .optional()
    .meta({ description: 'where SQS and S3 answer, other than at AWS', placeholder: 'URL' }),
  region: z.string().min(1).optional().meta({ description: 'AWS region of the queue', placeholder: 'REGION' }),
  profile: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'AWS profile to take credentials from', placeholder: 'NAME' }),
  batchQuietSeconds: number(z.number().min(0).max(300)).default(2).meta({
    description: 'a batch closes when nothing came for so long',
    placeholder: 'SECONDS',
  }),
  batchLongestWaitSeconds: number(z.number().min(0).max(3600)).default(20).meta({
    description: 'a batch closes at the latest so long after its first change',
    placeholder: 'SECONDS',
  }),
  batchKeysMax: number(z.number().int().min(1).max(100_000)).default(1_000).meta({
    description: 'a batch closes when it has so many packages',
    placeholder: 'COUNT',
  }),
  visibilityTimeoutSeconds: number(z.number().int().min(2).max(43_200)).default(120).meta({
    description: 'others see a message of a worker that died after so long; extended while it is held',
    placeholder: 'SECONDS',
  }),
  concurrency: number(z.number().int().min(1).max(64)).default(4).meta({
    description: 'repositories published at the same time',
    placeholder: 'COUNT',
  }),
  messagesMax: number(z.number().int().min(1).max(100_000)).default(5_000).meta({
    description: 'messages held at most; SQS allows 120000 in flight for all consumers of a queue',
    placeholder: 'COUNT',
  }),
  graceSeconds: number(z.number().min(0).max(3600)).default(25).meta({
    description: 'how long publishes under way may go on after SIGTERM or SIGINT',
    placeholder: 'SECONDS',
  }),
  auditInterval: duration(intervalDaysMax).default('6h').meta({
    description:
      'so often each repository is compared with its bucket, and packages whose notifications were lost are published; 0 is never',
    placeholder: 'TIME',
  }),
  gcInterval: duration(intervalDaysMax).default('6h').meta({
    description: 'so often superseded documents are deleted; 0 is never',
    placeholder: 'TIME',
  }),
  retention: duration(retentionDaysMax).default('24h').meta({
    description: 'how long a superseded document is kept for clients that still name it',
    placeholder: 'TIME',
  }),
  keepGenerations: number(z.number().int().min(1).max(100_000)).default(1).meta({
    description: 'the newest so many generations are kept in any case, the published one among them',
    placeholder: 'COUNT',
  }),
  site: flag().default(false).meta({
    description: 'after a publish bring the pages for people up to date, as "repokeeper site" does, below repoview/',
  }),
  singleWriter: flag().default(false).meta({
    description: 'nobody else writes these repositories: work although the store ignores conditional writes',
  }),
  compression: z.enum(['gzip', 'zstd']).optional().meta({
    description: 'of metadata: that of the published one, else gzip; not all old clients read zstd',
    placeholder: 'NAME',
  }),
  openChecksum: z.enum(['auto', 'always', 'never']).default('auto').meta({
    description: 'whether repomd.xml has digests of the uncompressed documents: auto is up to 64 MiB a document',
    placeholder: 'WHEN',
  }),
  ...signingOptions,
  generationsUrl: z.string().min(1).optional().meta({
    description:
      'publish each generation below generations/ too, and a mirrorlist that names it; where clients reach a repository, {path} being its directory in the bucket',
    placeholder: 'URL',
  }),
  packagePolicy: z.enum(['any', 'signed']).optional().meta({
    description:
      'which packages are let into the metadata: any, which holds where nothing is said, or those signed by a key of the keyring',
    placeholder: 'POLICY',
  }),
  keyring: list(z.string().min(1)).optional().meta({
    description:
      'public keys whose signatures count, one or several in each: a file, or env:VARIABLE, secretsmanager:SECRET, ssm:PARAMETER',
    placeholder: 'SOURCE',
  }),
  acceptWeakSignatures: flag().default(false).meta({
    description: 'believe SHA-1, MD5 and keys below 2048 bits, too: for packages of old distributions',
  }),
  http: address(0, '127.0.0.1:5000 or [::1]:5000').optional().meta({
    description:
      'where to answer /healthz, /readyz, /metrics, /status, /history, /scheduledJobs and /packages, to whoever asks there; port 0 is one that is free',
    placeholder: 'HOST:PORT',
  }),
  statsd: address(1, '127.0.0.1:8125')
    .optional()
    .meta({ description: 'where metrics are sent by UDP, in the form of DogStatsD', placeholder: 'HOST:PORT' }),
  emf: flag().default(false).meta({
    description: 'metrics on standard output, as lines that CloudWatch Logs makes metrics of',
  }),
  once: flag().default(false).meta({
    description:
      'empty the queue, publish, and exit: 0, or 1 where a message was left or a bucket of --repository did not answer',
  }),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ description: 'what is logged', placeholder: 'LEVEL' }),
  logFormat: z.enum(['auto', 'json', 'text']).default('auto').meta({
    description: 'json for machines, text for people; auto is text on a terminal',
    placeholder: 'FORMAT',
  }),
})

export type WorkerOptions = Readonly<z.output<typeof workerOptions>>
export type WorkerOptionName = keyof z.output<typeof workerOptions>

/** What `--help`, the documents and the command line say of one option. */
export interface OptionDescription {
  readonly name: WorkerOptionName
  /** Without dashes: `batch-quiet-seconds`. */
  readonly flag: string
  readonly short?: string
  /** Absent: a switch. */
  readonly placeholder?: string
  /** May be given several times. */
  readonly repeatable: boolean
  readonly environment: string
  readonly description: string
  /** As text; absent where the option has none. */
  readonly defaultValue?: string
}

const Meta = z.object({
  description: z.string(),
  placeholder: z.string().optional(),
  short: z.string().optional(),
  flag: z.string().optional(),
})

const repeatable: ReadonlySet<WorkerOptionName> = new Set(['repositories', 'inbox', 'keyring'])

/** Every option, in the order of the schema. */
export function describeWorkerOptions(): OptionDescription[] {
  return optionNames().map((name) => {
    const schema = workerOptions.shape[name]
    const { description, placeholder, short, flag: flagName } = Meta.parse(schema.meta())
    const fallback = name === 'queue' ? undefined : schema.safeParse(undefined).data
    return {
      name,
      flag: flagName ?? kebab(name),
      repeatable: repeatable.has(name),
      environment: environmentName(name),
      description,
      ...(short === undefined ? {} : { short }),
      ...(placeholder === undefined ? {} : { placeholder }),
      ...(fallback === undefined ? {} : { defaultValue: String(fallback) }),
    }
  })
}

export interface OptionSources {
  /** By option name, as the command line has them; absent or undefined where not given. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** A YAML file that was named. */
  readonly file?: { readonly path: string; readonly text: string } | undefined
}

export type OptionsOutcome =
  | { readonly kind: 'options'; readonly options: WorkerOptions }
  /** Everything that is wrong, each with where it was said. */
  | { readonly kind: 'problems'; readonly problems: readonly string[] }

/**
 * Options from flags, before the environment (`REPOKEEPER_…`, then AWS's own variables for region and endpoint), before the YAML file, before the
 * defaults. AWS's own variables come after the file: they are what the machine says, not what this worker was told.
 */
export function readWorkerOptions({ flags, environment, file }: OptionSources): OptionsOutcome {
  const problems: string[] = []
  const fromFile = file === undefined ? {} : readFile(file, problems)
  const isFileRead = problems.length === 0
  const values: Record<string, unknown> = {}
  const saidBy = new Map<string, string>()
  const take = (name: string, value: unknown, where: string) => {
    if (value === undefined || value === null || value === '' || name in values) return
    values[name] = value
    saidBy.set(name, where)
  }
  for (const { name, flag: flagName, environment: variable } of describeWorkerOptions()) {
    take(name, flags[name], `--${flagName}`)
    take(name, environment[variable], variable)
  }
  for (const [name, value] of Object.entries(fromFile)) take(name, value, `${name} in ${file?.path}`)
  take('region', environment.AWS_REGION, 'AWS_REGION')
  take('region', environment.AWS_DEFAULT_REGION, 'AWS_DEFAULT_REGION')
  take('endpointUrl', environment.AWS_ENDPOINT_URL_SQS, 'AWS_ENDPOINT_URL_SQS')
  take('endpointUrl', environment.AWS_ENDPOINT_URL, 'AWS_ENDPOINT_URL')

  const parsed = workerOptions.safeParse(values)
  if (parsed.success && parsed.data.batchQuietSeconds > parsed.data.batchLongestWaitSeconds) {
    const { batchQuietSeconds: quiet, batchLongestWaitSeconds: longest } = parsed.data
    problems.push(
      `--batch-quiet-seconds (${quiet}) is longer than --batch-longest-wait-seconds (${longest}): a batch would never be quiet`,
    )
  }
  for (const issue of parsed.error?.issues ?? []) {
    // What is missing may be in the file that cannot be read.
    const isSaid = String(issue.path[0]) in values
    if (isFileRead || isSaid) problems.push(...describeProblem(issue, { values, saidBy, names: optionNames(), flagOf }))
  }
  if (parsed.success) {
    const wrongs = [
      wrongSigning(parsed.data),
      wrongPackagePolicy(parsed.data),
      wrongGenerations(parsed.data),
      wrongInboxes(parsed.data),
    ]
    problems.push(...wrongs.filter((wrong) => wrong !== undefined))
  }
  if (problems.length > 0 || !parsed.success) return { kind: 'problems', problems }
  return { kind: 'options', options: parsed.data }
}

/** `s3://bucket/el9/*` → its bucket and pattern. */
export function parseRepository(text: string): { readonly bucket: string; readonly pattern: RootPattern } {
  const [, bucket, path = ''] = /^s3:\/\/([A-Za-z0-9][A-Za-z0-9._:-]*)(?:\/(.*))?$/.exec(text) ?? []
  if (bucket === undefined) throw new Error(`${JSON.stringify(text)} is no repository: expected s3://bucket/path`)
  return { bucket, pattern: parseRootPattern(path) }
}

/** @throws RootError where the directories cannot be those of inboxes */
export function inboxesOf({
  inbox = [],
  inboxRejected: rejected,
  inboxReplace: replaces,
}: Pick<WorkerOptions, 'inbox' | 'inboxRejected' | 'inboxReplace'>): PackageInbox[] {
  return parsePackageInboxes(inbox.map((text) => ({ ...readInbox(text), rejected, replaces })))
}

function wrongInboxes(options: WorkerOptions): string | undefined {
  try {
    inboxesOf(options)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Patterns by bucket; `undefined` where none are configured. */
export function rootsOf(
  repositories: readonly string[] | undefined,
): ReadonlyMap<string, readonly RootPattern[]> | undefined {
  if (repositories === undefined || repositories.length === 0) return undefined
  const roots = new Map<string, RootPattern[]>()
  for (const { bucket, pattern } of repositories.map(parseRepository)) {
    roots.set(bucket, [...(roots.get(bucket) ?? []), pattern])
  }
  return roots
}

function readFile(
  { path, text }: { readonly path: string; readonly text: string },
  problems: string[],
): Record<string, unknown> {
  try {
    const values = z.record(z.string(), z.unknown()).nullable().safeParse(parseYaml(text))
    if (values.success) return values.data ?? {}
    problems.push(`${path}: expected options by name, such as "queue: additions"`)
  } catch (error) {
    problems.push(`${path} is not YAML: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`)
  }
  return {}
}

function optionNames(): WorkerOptionName[] {
  return workerOptions.keyof().options
}

function flagOf(name: string): string {
  return describeWorkerOptions().find((option) => option.name === name)?.flag ?? name
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function environmentName(name: string): string {
  return `REPOKEEPER_${kebab(name).replaceAll('-', '_').toUpperCase()}`
}
