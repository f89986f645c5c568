import { readFile } from 'node:fs/promises'
import { findEndpoint } from '@repokeeper/object-store/endpoint'
import { type Command, Option } from 'commander'
import type { Cli } from '../cli.ts'
import { type Connection, readConnection, requireEndpoint } from '../connection.ts'
import { CommandError, ExitCode, UsageError } from '../failure.ts'

type Worker = typeof import('@repokeeper/worker')

const examples = `
Each option may also be in the environment or, by its name in camel case, in a YAML file; a flag goes before the environment,
and the environment before the file. One process works one queue; any number may work on the same.

Examples:
  $ repokeeper worker -q repo-additions
  $ repokeeper worker -q https://sqs.eu-central-1.amazonaws.com/123456789012/repo-removals --log-format json
  $ repokeeper worker --config /etc/repokeeper/additions.yaml
  $ repokeeper worker -q repo-additions --once          # empty the queue and exit, for cron
`

/** Options of every command have been defined already. */
const sharedOptions = new Set<string>([
  'endpointUrl',
  'region',
  'profile',
  'singleWriter',
  'compression',
  'openChecksum',
])

/** @param args the whole command line: only who asks for the worker waits for its schema to be loaded */
export async function defineWorker(program: Command, cli: Cli, args: readonly string[]): Promise<void> {
  const command = program
    .command('worker')
    .description(
      'Keep repositories up to date: take notifications from a queue, publish what changed. Runs until stopped.',
    )
  if (!args.includes('worker')) return
  const worker = await import('@repokeeper/worker')
  command.option('-c, --config <file>', 'YAML file with options; also $REPOKEEPER_CONFIG')
  for (const description of worker.describeWorkerOptions()) {
    if (!sharedOptions.has(description.name)) command.addOption(toOption(description))
  }
  command.addHelpText('after', examples).action(async () => {
    cli.exitCode = await runWorkerCommand(worker, command, cli)
  })
}

function toOption(description: ReturnType<Worker['describeWorkerOptions']>[number]): Option {
  const { flag, short, placeholder, repeatable, environment, defaultValue } = description
  const flags = `${short === undefined ? '' : `-${short}, `}--${flag}${placeholder === undefined ? '' : ` <${placeholder}>`}`
  const remarks = [
    ...(defaultValue === undefined || placeholder === undefined ? [] : [`default: ${defaultValue}`]),
    `env: ${environment}`,
  ]
  const option = new Option(flags, `${description.description} (${remarks.join(', ')})`)
  if (repeatable) option.argParser((text: string, before: readonly string[] = []) => [...before, text])
  return option
}

async function runWorkerCommand(worker: Worker, command: Command, cli: Cli): Promise<number> {
  const { environment, interruption } = cli
  const file = await readConfig(command.getOptionValue('config') ?? (environment.REPOKEEPER_CONFIG || undefined))
  const flags = flagsOf(worker, command)
  const outcome = worker.readWorkerOptions({ flags, environment, file })
  if (outcome.kind === 'problems') throw new UsageError('these options cannot be used:', outcome.problems)
  const { options } = outcome

  const [
    { openCache },
    { historyPath },
    { openConnected },
    { probeConditions },
    { openSigningIfSaid },
    { openPackagePolicyIfSaid },
    { auditRepository, collectGarbage, keepLeftPledges, realContext, reconcileInbox, searchPackages, withLease },
    site,
  ] = await Promise.all([
    import('../document-cache.ts'),
    import('../history-directory.ts'),
    import('../open-repository.ts'),
    import('@repokeeper/object-store'),
    import('@repokeeper/worker/signing'),
    import('@repokeeper/worker/package-policy'),
    import('@repokeeper/repository'),
    options.site ? import('@repokeeper/repository/site') : undefined,
  ])
  const connection: Connection = {
    ...readConnection(command.optsWithGlobals(), environment),
    ...s3Options(worker, { flags, environment, file }),
    profile: options.profile,
  }
  // Else it would be found out at the first request.
  requireEndpoint(findEndpoint('S3', connection.endpointUrl, environment))
  const documents = { compression: options.compression, openChecksum: options.openChecksum }
  const { region, profile } = connection
  const secrets = { environment, region, profile }
  const opened = await openSigningIfSaid(options, secrets, Date.now)
  const signer = opened.kind === 'signed' ? new worker.WatchedSigner(opened.signer) : undefined
  const signing = signer === undefined ? opened : { kind: 'signed' as const, signer }
  const { policy: packagePolicy, keyring } = await openPackagePolicyIfSaid(options, secrets, Date.now)
  const generations = worker.generationsOf(options)
  const { cache, directory, close } = await openCache(connection.cache)
  const inboxes = worker.inboxesOf(options)
  const publishing = { cache, documents, signing, packagePolicy, generations }
  // A terminal that is closed ends a worker as SIGTERM does.
  const onHangUp = () => interruption.emit('SIGTERM', 'SIGTERM')
  interruption.on('SIGHUP', onHangUp)
  try {
    if (interruption.signal.aborted) return ExitCode.done
    return await worker.runWorker(
      options,
      {
        openBucket: (bucket) => openConnected({ kind: 's3', bucket, prefix: '' }, connection),
        reconcile: (location, keys, { joining, ...context }) =>
          reconcileInbox(location, keys, inboxes, realContext({ ...context, ...publishing }), { joining }),
        audit: (location, { settleMs, ...context }) =>
          auditRepository(location, realContext({ ...context, ...publishing }), { settleMs }),
        collectGarbage: (location, { signal, ...options }) => collectGarbage(location, { signal }, options),
        keepPledges: (location, context) => keepLeftPledges(location, realContext({ ...context, ...publishing })),
        holdLease: (location, job, context, work) => withLease(location, job, realContext({ ...context, cache }), work),
        ...(site !== undefined && {
          writeSite: (location, context) => site.writeSite(location, realContext({ ...context, cache })),
        }),
        // What a search looks at is no news of the worker's.
        searchPackages: (location, options, context) =>
          searchPackages(location, realContext({ ...context, cache, onEvent: () => {} }), options),
        probeConditions: (store, prefix) => probeConditions(store, prefix, { random: Math.random }),
        keyring,
        signer,
      },
      { signals: interruption, historyPath: historyPath(directory, worker.queueName(options.queue)) },
    )
  } finally {
    interruption.off('SIGHUP', onHangUp)
    await close()
  }
}

/** What was said on the command line, wherever it stood; the rest is the schema's to find. */
function flagsOf(worker: Worker, command: Command): Record<string, unknown> {
  const flags: Record<string, unknown> = {}
  for (const { name, flag } of worker.describeWorkerOptions()) {
    const attribute = sharedOptions.has(name) ? name : camelCase(flag)
    if (command.getOptionValueSourceWithGlobals(attribute) !== 'cli') continue
    flags[name] = command.optsWithGlobals()[attribute]
  }
  return flags
}

/**
 * AWS's own variables for endpoints may name another one for S3 than for SQS: for S3 they are left to the SDK. Where nothing else says
 * the region, it is that of the queue: S3 notifies queues of its own region only.
 */
function s3Options(worker: Worker, { flags, environment, file }: Parameters<Worker['readWorkerOptions']>[0]) {
  const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SQS, AWS_REGION, AWS_DEFAULT_REGION, ...rest } = environment
  const outcome = worker.readWorkerOptions({ flags, environment: rest, file })
  if (outcome.kind === 'problems') return {}
  const { endpointUrl, region, queue } = outcome.options
  const isKnown = region !== undefined || AWS_REGION || AWS_DEFAULT_REGION
  return { endpointUrl, region: isKnown ? region : worker.regionOfUrl(queue) }
}

async function readConfig(path: unknown): Promise<{ path: string; text: string } | undefined> {
  if (typeof path !== 'string') return undefined
  try {
    return { path, text: await readFile(path, 'utf8') }
  } catch (error) {
    // No wrong use: it may be there, or be readable, when a supervisor starts the worker again.
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandError('NO_CONFIG', `--config ${path} cannot be read: ${why}`, { cause: error })
  }
}

function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
