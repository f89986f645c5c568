/**
 * How stores are reached: the options that every command takes, before or behind its name.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Endpoint, endpointProblem, findEndpoint } from '@repokeeper/object-store/endpoint'
import type { DocumentOptions, Generations } from '@repokeeper/repository'
import type { PackagePolicySettings } from '@repokeeper/worker/package-policy'
import type { SigningSettings } from '@repokeeper/worker/signing'
import { type Command, Option } from 'commander'
import * as z from 'zod'
import { UsageError } from './failure.ts'

const compressions = ['gzip', 'zstd'] as const
const openChecksums = ['auto', 'always', 'never'] as const

export interface Connection {
  readonly endpointUrl: string | undefined
  readonly region: string | undefined
  readonly profile: string | undefined
  readonly signRequest: boolean
  readonly singleWriter: boolean
  readonly documents: DocumentOptions
  /** Of commands that publish. */
  readonly signing?: SigningSettings
  /** Of commands that let packages in. */
  readonly packagePolicy?: PackagePolicySettings
  readonly generations?: Generations
  readonly cache: { readonly directory: string /** A person chose it. */; readonly isChosen: boolean }
}

export function defineConnectionOptions(program: Command): void {
  program
    .optionsGroup('Options of every command:')
    .option('--endpoint-url <url>', 'where S3 (and SQS) answer, other than at AWS; also $AWS_ENDPOINT_URL')
    .option('--region <region>', 'AWS region; also $AWS_REGION, $AWS_DEFAULT_REGION, that of the profile')
    .option('--profile <name>', 'AWS profile with the credentials to use; also $AWS_PROFILE')
    .option('--no-sign-request', 'send requests without credentials: for public buckets')
    .option('--single-writer', 'publish although the store ignores conditional writes: you vouch that nobody else does')
    .addOption(
      new Option(
        '--compression <name>',
        'of metadata: that of the published one, else gzip; not all old clients read zstd',
      )
        .choices(compressions)
        .env('REPOKEEPER_COMPRESSION'),
    )
    .addOption(
      new Option(
        '--open-checksum <when>',
        'whether repomd.xml has digests of the uncompressed documents: auto is up to 64 MiB a document',
      )
        .choices(openChecksums)
        .default('auto')
        .env('REPOKEEPER_OPEN_CHECKSUM'),
    )
    .option('--cache-dir <dir>', 'where metadata is kept between runs; also $REPOKEEPER_CACHE_DIR')
}

/**
 * What the options say, else the environment (`REPOKEEPER_…`). What only AWS's SDK knows how to find (its own variables,
 * profiles, roles) is left to it.
 *
 * @param values of the options, as commander has them
 * @throws UsageError
 */
export function readConnection(values: unknown, environment: Readonly<Record<string, string | undefined>>): Connection {
  const flags = Flags.parse(values)
  const { REPOKEEPER_ENDPOINT_URL, REPOKEEPER_REGION, REPOKEEPER_PROFILE, REPOKEEPER_CACHE_DIR } = environment
  const endpointUrl = flags.endpointUrl ?? (REPOKEEPER_ENDPOINT_URL || undefined)
  requireEndpoint(endpointUrl === undefined ? undefined : findEndpoint('S3', endpointUrl, environment))
  const region = flags.region ?? (REPOKEEPER_REGION || undefined)
  // As the SDK has it: it becomes a part of a host's name.
  if (region !== undefined && !/^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$/.test(region)) {
    throw new UsageError(
      `--region ${JSON.stringify(region)} is no region: name one such as eu-central-1, or leave it out`,
    )
  }
  if (flags.profile === '') throw new UsageError('--profile is empty: name a profile, or leave it out')
  const chosen = flags.cacheDir ?? (REPOKEEPER_CACHE_DIR || undefined)
  return {
    endpointUrl,
    region,
    profile: flags.profile ?? (REPOKEEPER_PROFILE || undefined),
    signRequest: flags.signRequest,
    singleWriter: flags.singleWriter || /^(1|true|yes|on)$/i.test(environment.REPOKEEPER_SINGLE_WRITER ?? ''),
    documents: { compression: flags.compression, openChecksum: flags.openChecksum },
    cache: { directory: chosen ?? defaultCache(environment), isChosen: chosen !== undefined },
  }
}

const Flags = z.object({
  endpointUrl: z.string().optional(),
  region: z.string().optional(),
  profile: z.string().optional(),
  signRequest: z.boolean().default(true),
  singleWriter: z.boolean().default(false),
  compression: z.enum(compressions).optional(),
  openChecksum: z.enum(openChecksums).default('auto'),
  cacheDir: z.string().optional(),
})

/** @throws UsageError where it can be none */
export function requireEndpoint(endpoint: Endpoint | undefined): void {
  const problem = endpoint && endpointProblem(endpoint)
  if (problem !== undefined) throw new UsageError(problem)
}

/** XDG base directory specification: a relative $XDG_CACHE_HOME is to be ignored. */
function defaultCache({ XDG_CACHE_HOME }: Readonly<Record<string, string | undefined>>): string {
  return join(XDG_CACHE_HOME?.startsWith('/') ? XDG_CACHE_HOME : join(homedir(), '.cache'), 'repokeeper')
}
