/**
 * The work of `init`: everything between an upload and a repository, one step after the other, each said as it is done.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type NotificationRule, openS3Bucket, parseStoreUrl, type S3Bucket } from '@repokeeper/object-store'
import { foundRepository, generationsUrl, keepSignature, readMirrorlist, readSignature } from '@repokeeper/repository'
import { openQueueDesk } from '@repokeeper/worker'
import { type ChosenQueues, checkNames, chooseQueues, type NamedQueues } from './choose-queues.ts'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { CommandError, describeFailure, ExitCode, type Failure, UsageError } from './failure.ts'
import { nameOf } from './init-names.ts'
import { type NotificationSetup, setUpNotifications } from './init-notifications.ts'
import { deadLetterStep, findQueues, type SetupStep, setUpQueues } from './init-queues.ts'
import { publicKeyPath } from './key-source.ts'
import { connectionOptions, type OpenRepository, withRepository } from './open-repository.ts'
import { planNotifications } from './plan-notifications.ts'
import { ensureConditions } from './publish-changes.ts'
import { queueConnection } from './queue-connection.ts'
import { howToNarrow } from './rule-in-the-way.ts'
import { count } from './text-layout.ts'
import { type WorkersToStart, workersToStart } from './workers-to-start.ts'

interface InitOptions extends NamedQueues {
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
  checkNames(options)
  return withRepository(repo, connection, cli, async (repository) => {
    const { signal } = cli.interruption
    const bucket = await openS3Bucket({ ...connectionOptions(connection), bucket: address.bucket }, signal)
    try {
      return await setUp(
        { bucketName: address.bucket, bucket, named: options, repository, connection, ...options },
        cli,
      )
    } finally {
      bucket.close()
    }
  })
}

interface Setup {
  readonly bucketName: string
  readonly bucket: S3Bucket
  readonly named: NamedQueues
  readonly repository: OpenRepository
  readonly connection: Connection
  readonly dryRun: boolean
  readonly json: boolean
}

async function setUp(setup: Setup, cli: Cli): Promise<number> {
  const { bucketName, bucket, repository, connection, dryRun, json } = setup
  const { root } = repository.location
  const steps: SetupStep[] = []
  const onStep = (step: SetupStep): void => {
    steps.push(step)
    if (!json) cli.output.print(lineOf(step, dryRun))
  }
  let found: Found | undefined
  const onFound = (one: Found): void => {
    found = one
  }
  const failure = await takeSteps(setup, { onStep, onFound }, cli).then(
    () => undefined,
    (error: unknown) => {
      cli.interruption.signal.throwIfAborted()
      return describeFailure(error, false)
    },
  )
  const url = await bucket.urlOf(root).catch(() => repository.name)
  const place = (await mirroredBase(setup)) ?? { baseUrl: url, hasMirrorlist: false }
  const clients = { ...place, isSigned: await hasSignature(setup) }
  const repoFile = repoFileOf(nameOf(bucketName, root), `${bucketName}/${root}`, clients)
  const workers = found && workersToStart({ bucket: bucketName, root, ...found }, connection)
  if (failure !== undefined) tellFailure(failure, steps, cli)
  else if (!json && workers !== undefined) printGuide(repoFile, workers, dryRun, cli)
  if (json) {
    const error = failure === undefined ? undefined : { code: failure.code, message: failure.message }
    const ok = failure === undefined
    const deadLetters = steps.find(({ what }) => what === deadLetterStep)?.name ?? found?.names.deadLetters
    const queues = found && { ...found.names, deadLetters }
    const result = {
      repository: repository.name,
      dryRun,
      ok,
      steps,
      queues,
      repoFile,
      workers: workers?.commands,
      error,
    }
    cli.output.printJson(result)
  }
  return failure?.exitCode ?? ExitCode.done
}

/** What is known once the bucket has been asked. */
interface Found extends ChosenQueues {
  readonly rules: readonly NotificationRule[]
}

interface Telling {
  readonly onStep: (step: SetupStep) => void
  readonly onFound: (found: Found) => void
}

async function takeSteps(setup: Setup, { onStep, onFound }: Telling, cli: Cli): Promise<void> {
  const { bucketName, bucket, named, repository, connection, dryRun } = setup
  const { root } = repository.location
  const looked = await lookFor(bucket)
  const rules = looked === 'there' ? (await bucket.readNotifications()).rules : []
  const chosen = chooseQueues(bucketName, root, named, rules)
  onFound({ ...chosen, rules })
  const isThere = await setUpBucket(bucket, looked, dryRun, onStep)
  const desk = await openQueueDesk({ ...queueConnection(connection, cli), region: bucket.region })
  try {
    const found = await findQueues(desk, chosen, bucketName)
    const narrow: NotificationSetup['narrow'] = (rule, wanted) => howToNarrow(rule, wanted, bucketName, connection)
    const telling = { root, names: chosen.names, narrow }
    // What stands in the way is said before anything is made for it.
    planNotifications({ ...telling, queues: found, rules })
    const queues = await setUpQueues({ desk, bucket: bucketName, chosen, found, dryRun, onStep })
    const { signal } = cli.interruption
    const pause = (milliseconds: number) => delay(milliseconds, undefined, { signal })
    const { random } = Math
    await setUpNotifications({
      ...telling,
      bucket: isThere ? bucket : undefined,
      queues,
      dryRun,
      pause,
      random,
      onStep,
    })
  } finally {
    desk.close()
  }
  // Last: packages that come meanwhile have their events by now.
  await setUpMetadata(repository, isThere, dryRun, onStep)
  if (isThere && repository.context().signing.kind === 'signed') await setUpSignature(repository, dryRun, onStep)
}

async function lookFor(bucket: S3Bucket): Promise<'there' | 'absent'> {
  const found = await bucket.look()
  if (found !== 'closed') return found
  throw new CommandError(
    'ACCESS_DENIED',
    `${bucket.name} is there, but these credentials may not look at it: it is somebody else's, or s3:ListBucket is missing ` +
      `on ${bucket.arn}`,
  )
}

/** @returns whether it is there now */
async function setUpBucket(
  bucket: S3Bucket,
  found: 'there' | 'absent',
  dryRun: boolean,
  onStep: (step: SetupStep) => void,
): Promise<boolean> {
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
    const rebuild = `"${repository.toCopy('rebuild', repository.name)}" does`
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

/** Where clients reach a repository with generations: as its mirrorlist says, or will say as the option has it. */
async function mirroredBase({ repository, connection }: Setup): Promise<ClientPlace | undefined> {
  const there = await readMirrorlist(repository.location, repository.context()).catch(() => undefined)
  const { generations } = connection
  const wanted =
    generations?.kind === 'published' ? generationsUrl(generations.url, repository.location.root) : undefined
  const baseUrl = wanted ?? there?.mirrorlist?.baseUrl
  return baseUrl === undefined ? undefined : { baseUrl, hasMirrorlist: true }
}

interface ClientPlace {
  readonly baseUrl: string
  readonly hasMirrorlist: boolean
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
function repoFileOf(
  id: string,
  place: string,
  { baseUrl, hasMirrorlist, isSigned }: ClientPlace & { readonly isSigned: boolean },
): string {
  const below = baseUrl.replace(/\/*$/, '/')
  const where = hasMirrorlist ? `mirrorlist=${below}mirrorlist` : `baseurl=${baseUrl}`
  const check = isSigned ? ['repo_gpgcheck=1', `gpgkey=${below}${publicKeyPath}`] : []
  const lines = [`[${id}]`, `name=${place.replace(/\/$/, '')}`, where, 'enabled=1', 'gpgcheck=0', ...check]
  return `${lines.join('\n')}\n`
}

function printGuide(
  repoFile: string,
  { commands, isUnbounded }: WorkersToStart,
  dryRun: boolean,
  { output }: Cli,
): void {
  output.print('')
  output.print(
    `# /etc/yum.repos.d/, on the clients; they have to be able to read the bucket${dryRun ? ' (dry run: nothing was changed)' : ''}`,
  )
  for (const line of repoFile.trimEnd().split('\n')) output.print(line)
  output.print('')
  output.print('# One worker for each queue, or several; those of one queue need the same --repository')
  if (isUnbounded)
    output.print(
      '# (none here: the bucket tells these queues of more than one directory, and all of it is theirs to keep)',
    )
  for (const command of commands) output.print(command)
}
