/**
 * How stores are reached: the options that every command takes, before or behind its name.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import * as z from 'zod'
import { UsageError } from './failure.ts'

export interface Connection {
  readonly endpointUrl: string | undefined
  readonly region: string | undefined
  readonly profile: string | undefined
  readonly signRequest: boolean
  readonly singleWriter: boolean
  readonly cache: { readonly directory: string /** A person chose it. */; readonly isChosen: boolean }
}

export function defineConnectionOptions(program: Command): void {
  program
    .optionsGroup('Options of every command:')
    .option('--endpoint-url <url>', 'where S3 (and SQS) answer, other than at AWS; also $AWS_ENDPOINT_URL')
    .option('--region <region>', 'AWS region; also $AWS_REGION')
    .option('--profile <name>', 'AWS profile with the credentials to use; also $AWS_PROFILE')
    .option('--no-sign-request', 'send requests without credentials: for public buckets')
    .option('--single-writer', 'publish although the store ignores conditional writes: you vouch that nobody else does')
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
  if (endpointUrl !== undefined && !isHttpUrl(endpointUrl)) {
    throw new UsageError(`--endpoint-url ${endpointUrl} is no http:// or https:// URL`)
  }
  const chosen = flags.cacheDir ?? (REPOKEEPER_CACHE_DIR || undefined)
  return {
    endpointUrl,
    region: flags.region ?? (REPOKEEPER_REGION || undefined),
    profile: flags.profile ?? (REPOKEEPER_PROFILE || undefined),
    signRequest: flags.signRequest,
    singleWriter: flags.singleWriter || /^(1|true|yes|on)$/i.test(environment.REPOKEEPER_SINGLE_WRITER ?? ''),
    cache: { directory: chosen ?? defaultCache(environment), isChosen: chosen !== undefined },
  }
}

const Flags = z.object({
  endpointUrl: z.string().optional(),
  region: z.string().optional(),
  profile: z.string().optional(),
  signRequest: z.boolean().default(true),
  singleWriter: z.boolean().default(false),
  cacheDir: z.string().optional(),
})

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)
}

/** XDG base directory specification: a relative $XDG_CACHE_HOME is to be ignored. */
function defaultCache({ XDG_CACHE_HOME }: Readonly<Record<string, string | undefined>>): string {
  return join(XDG_CACHE_HOME?.startsWith('/') ? XDG_CACHE_HOME : join(homedir(), '.cache'), 'repokeeper')
}
