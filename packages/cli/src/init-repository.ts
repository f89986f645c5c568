/**
 * The work of `init`: everything between an upload and a repository, one step after the other, each said as it is done.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { openS3Bucket, parseStoreUrl, type S3Bucket } from '@repokeeper/object-store'
import { foundRepository, keepSignature, readSignature } from '@repokeeper/repository'
import { openQueueDesk } from '@repokeeper/worker'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { CommandError, describeFailure, ExitCode, type Failure, UsageError } from './failure.ts'
import { defaultQueueNames, nameOf, type QueueNames } from './init-names.ts'
import { missingNotifications, setUpNotifications } from './init-notifications.ts'
import { deadLetterStep, findQueues, type SetupStep, setUpQueues } from './init-queues.ts'
import { publicKeyPath } from './key-source.ts'
import { connectionOptions, type OpenRepository, withRepository } from './open-repository.ts'
import { ensureConditions } from './publish-changes.ts'
import { queueConnection } from './queue-connection.ts'
import { shellWord } from './shell-word.ts'
import { count } from './text-layout.ts'

interface InitOptions {
  readonly addQueue?: string | undefined
  readonly removeQueue?: string | undefined
  readonly deadLetterQueue?: string | undefined
  readonly dryRun: boolean
  readonly json: boolean
}

/** @returns the exit code: 1 where a step failed; what was done before stays, and a second run goes on there */
export async function initRepository(
  repo: string,
  options: InitOptions,
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const address = parseStoreUrl(repo)
  if (address.kind !== 's3') {
    throw new UsageError(`${repo}: a directory needs no queues: "repokeeper rebuild ${repo}" makes a repository of it`)
  }
  return withRepository(repo, connection, cli, async (repository) => {
    const { signal } = cli.interruption
    const bucket = await openS3Bucket({ ...connectionOptions(connection), bucket: address.bucket }, signal)
    try {
      const names = chosenNames(address.bucket, repository.location.root, options)
      return await setUp({ bucketName: address.bucket, bucket, names, repository, connection, ...options }, cli)
    } finally {
      bucket.close()
    }
  })
}

interface Setup {
  readonly bucketName: string
  readonly bucket: S3Bucket
  readonly names: QueueNames
  readonly repository: OpenRepository
  readonly connection: Connection
  readonly dryRun: boolean
  readonly json: boolean
}

async function setUp(setup: Setup, cli: Cli): Promise<number> {
  const { bucketName, bucket, names, repository, dryRun, json } = setup
  const { root } = repository.location
  const steps: SetupStep[] = []
  const onStep = (step: SetupStep): void => {
    steps.push(step)
    if (!json) cli.output.print(lineOf(step, dryRun))
  }
  const failure = await takeSteps(setup, onStep, cli).then(
    () => undefined,
    (error: unknown) => {
      cli.interruption.signal.throwIfAborted()
      return describeFailure(error, false)
    },
  )
  const url = await bucket.urlOf(root).catch(() => repository.name)
  const isSigned = await hasSignature(setup)
  const guide = {
    repoFile: repoFile(nameOf(bucketName, root), bucketName, root, url, isSigned),
    workers: workerCommands(setup),
  }
  if (failure !== undefined) tellFailure(failure, steps, cli)
  else if (!json) printGuide(guide, dryRun, cli)
  if (json) {
    const error = failure === undefined ? undefined : { code: failure.code, message: failure.message }
    const ok = failure === undefined
    const deadLetters = steps.find(({ what }) => what === deadLetterStep)?.name ?? names.deadLetters
    const queues = { ...names, deadLetters }
    cli.output.printJson({ repository: repository.name, dryRun, ok, steps, queues, ...guide, error })
  }
  return failure?.exitCode ?? ExitCode.done
}

async function takeSteps(setup: Setup, onStep: (step: SetupStep) => void, cli: Cli): Promise<void> {
  const { bucketName, bucket, names, repository, connection, dryRun } = setup
  const isThere = await setUpBucket(bucket, dryRun, onStep)
  const desk = await openQueueDesk({ ...queueConnection(connection, cli), region: bucket.region })
  try {
    const { root } = repository.location
    const notifying = { bucket: isThere ? bucket : undefined, root }
    const found = await findQueues(desk, names, bucketName)
    // What stands in the way is said before anything is made for it.
    await missingNotifications({ ...notifying, queues: found })
    const queues = await setUpQueues({ desk, bucket: bucketName, names, found, dryRun, onStep })
    const { signal } = cli.interruption
    const pause = (milliseconds: number) => delay(milliseconds, undefined, { signal })
    const { random } = Math
    await setUpNotifications({ ...notifying, queues, dryRun, pause, random, onStep })
  } finally {
    desk.close()
  }
  // Last: packages that come meanwhile have their events by now.
  await setUpMetadata(repository, isThere, dryRun, onStep)
  if (isThere && repository.context().signing.kind === 'signed') await setUpSignature(repository, dryRun, onStep)
}

/** @throws UsageError where two queues would be one */
function chosenNames(
  bucket: string,
  root: string,
  { addQueue, removeQueue, deadLetterQueue }: InitOptions,
): QueueNames {
  const usual = defaultQueueNames(bucket, root)
  const names = {
    additions: addQueue ?? usual.additions,
    removals: removeQueue ?? usual.removals,
    deadLetters: deadLetterQueue ?? usual.deadLetters,
  }
  for (const name of Object.values(names)) {
    // AWS, "Amazon SQS message quotas"; S3 sends to no FIFO queue.
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(name)) {
      throw new UsageError(
        `${JSON.stringify(name)} is no queue name: letters, digits, - and _, 80 at most, and no FIFO queue`,
      )
    }
  }
  if (new Set([names.deadLetters, names.additions]).size < 2 || names.deadLetters === names.removals) {
    throw new UsageError(`${names.deadLetters} cannot be its own dead-letter queue: name another one`)
  }
  return names
}

/** @returns whether it is there now */
async function setUpBucket(bucket: S3Bucket, dryRun: boolean, onStep: (step: SetupStep) => void): Promise<boolean> {
  const found = await bucket.look()
  if (found === 'closed') {
    throw new CommandError(
      'ACCESS_DENIED',
      `${bucket.name} is there, but these credentials may not look at it: it is somebody else's, or s3:ListBucket is missing ` +
        `on ${bucket.arn}`,
    )
  }
  const isMade = found === 'absent' && (dryRun || (await bucket.create()))
  onStep({ what: 'bucket', name: bucket.name, outcome: isMade ? 'created' : 'there already' })
  return found === 'there' || !dryRun
}

async function setUpMetadata(
  repository: OpenRepository,
  isThere: boolean,
  dryRun: boolean,
  onStep: (step: SetupStep) => void,
): Promise<void> {
  const step = { what: 'repository', name: repository.name }
  if (!isThere) return onStep({ ...step, outcome: 'created' })
  const context = repository.context()
  const looked = await foundRepository(repository.location, context, { dryRun: true })
  const willBe = looked.kind === 'would be created' && !dryRun
  if (willBe) await ensureConditions(repository)
  const founding = willBe ? await foundRepository(repository.location, context) : looked
  if (founding.kind === 'packages without metadata') {
    const rebuild = `"repokeeper rebuild ${repository.name}" does`
    const details = `${count(founding.packages, 'package')} that nothing lists: ${rebuild}`
    onStep({ ...step, outcome: 'left as it is', details })
  } else onStep({ ...step, outcome: founding.kind === 'there already' ? 'there already' : 'created' })
}

/** Of a repository that was there before its key. */
async function setUpSignature(
  repository: OpenRepository,
  dryRun: boolean,
  onStep: (step: SetupStep) => void,
): Promise<void> {
  const step = { what: 'signature', name: 'repodata/repomd.xml.asc' }
  const isMissing = (await readSignature(repository.location, repository.context())) === undefined
  const isMade = dryRun ? isMissing : await keepSignature(repository.location, repository.context())
  onStep({ ...step, outcome: isMade ? 'created' : 'there already' })
}

/** Whether clients can check the metadata, now or once it is signed with the key that was given. */
async function hasSignature({ repository, connection }: Setup): Promise<boolean> {
  const { signKey, signCommand, unsigned = false } = connection.signing ?? {}
  if (unsigned) return false
  if (signKey !== undefined || signCommand !== undefined) return true
  const there = await readSignature(repository.location, repository.context()).catch(() => undefined)
  return there !== undefined
}

function lineOf({ what, name, outcome, details }: SetupStep, dryRun: boolean): string {
  const isChange = outcome === 'created' || outcome === 'changed'
  const done = dryRun && isChange ? `would be ${outcome}` : outcome
  return `${done.padEnd(dryRun ? 16 : 13)}  ${what} ${name}${details === undefined ? '' : ` (${details})`}`
}

function tellFailure({ message }: Failure, steps: readonly SetupStep[], { output }: Cli): void {
  output.tell(`repokeeper: ${message}`)
  if (steps.some(({ outcome }) => outcome === 'created' || outcome === 'changed')) {
    output.tell('What was done so far stays. The same command again does the rest.')
  }
}

// https://dnf.readthedocs.io/en/latest/conf_ref.html, "Repo options"
function repoFile(id: string, bucket: string, root: string, url: string, isSigned: boolean): string {
  const name = `${bucket}/${root}`.replace(/\/$/, '')
  const check = isSigned ? ['repo_gpgcheck=1', `gpgkey=${url.replace(/\/*$/, '/')}${publicKeyPath}`] : []
  const lines = [`[${id}]`, `name=${name}`, `baseurl=${url}`, 'enabled=1', 'gpgcheck=0', ...check]
  return `${lines.join('\n')}\n`
}

/** Queues that bear the name of the repository are its own. Others may serve more: a worker of this one alone would pass over what is of theirs. */
function workerCommands({ bucketName, names, repository, connection }: Setup): string[] {
  const own = defaultQueueNames(bucketName, repository.location.root)
  const isOwn = names.additions === own.additions && names.removals === own.removals
  return [names.additions, names.removals].map((queue) =>
    workerCommand(queue, isOwn ? repository.name : undefined, connection),
  )
}

function workerCommand(
  queue: string,
  repository: string | undefined,
  { endpointUrl, region, profile, signing }: Connection,
): string {
  const said = {
    ...{ 'endpoint-url': endpointUrl, region, profile },
    ...{ 'sign-key': signing?.signKey, 'sign-passphrase': signing?.signPassphrase },
    ...{ 'sign-command': signing?.signCommand, 'sign-public-key': signing?.signPublicKey },
    ...{ 'sign-next-key': signing?.signNextKey, 'sign-next-from': signing?.signNextFrom },
  }
  const flags = Object.entries(said).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag} ${shellWord(value)}`],
  )
  const only = repository === undefined ? [] : [`--repository ${shellWord(repository.replace(/\/$/, ''))}`]
  return ['repokeeper worker -q', queue, ...only, ...flags].join(' ')
}

function printGuide(
  { repoFile, workers }: { readonly repoFile: string; readonly workers: readonly string[] },
  dryRun: boolean,
  { output }: Cli,
): void {
  output.print('')
  output.print(
    `# /etc/yum.repos.d/, on the clients; they have to be able to read the bucket${dryRun ? ' (dry run: nothing was changed)' : ''}`,
  )
  for (const line of repoFile.trimEnd().split('\n')) output.print(line)
  output.print('')
  output.print('# One worker for each queue, or several')
  for (const command of workers) output.print(command)
}
