/**
 * What a person named as REPO → a repository to work on.
 */
import { stat } from 'node:fs/promises'
import { type FolderStore, openStore, parseStoreUrl, type StoreLocation } from '@repokeeper/object-store'
import {
  anyPackage,
  describeLocation,
  type PackagePolicy,
  parseRepositoryRoot,
  type RepositoryContext,
  type RepositoryEvent,
  type RepositoryLocation,
  realContext,
  type Signing,
} from '@repokeeper/repository'
import type { Cli } from './cli.ts'
import { commandToCopy } from './command-to-copy.ts'
import type { Connection } from './connection.ts'
import { openCache } from './document-cache.ts'
import { CommandError } from './failure.ts'

export interface OpenRepository {
  readonly location: RepositoryLocation
  /** For messages, and for commands to copy: `s3://bucket/prefix/` or a path. */
  readonly name: string
  /** No worker watches a directory. */
  readonly isDirectory: boolean
  readonly singleWriter: boolean
  /** A command of ours for a person to say next, `audit NAME --repair` say, with what this one was told of the store and of signing. */
  toCopy(...words: string[]): string
  /** What the stages work with; warnings go to stderr. */
  context(signal?: AbortSignal): RepositoryContext
}

/** Opens REPO for the time of `work`. @throws CommandError, UsageError, StoreUrlError, RootError, and what `work` throws */
export async function withRepository<T>(
  repo: string,
  connection: Connection,
  cli: Cli,
  work: (repository: OpenRepository) => Promise<T>,
): Promise<T> {
  const address = parseStoreUrl(repo)
  const root = parseRepositoryRoot(address.prefix)
  if (address.kind === 'directory') await requireDirectory(address.path)
  const store = openConnected(address, connection)
  let stages: OpenStages | undefined
  try {
    stages = await openStages(connection, cli)
    const { context } = stages
    const { singleWriter } = connection
    const location = { store, root }
    return await work({
      location,
      name: address.kind === 'directory' ? address.path : describeLocation(location),
      isDirectory: address.kind === 'directory',
      singleWriter,
      toCopy: (...words) => commandToCopy(words, connection),
      context: (signal = cli.interruption.signal) => context(signal),
    })
  } finally {
    await store.close()
    await stages?.close()
  }
}

export interface OpenStages {
  /** What the stages work with; warnings go to stderr. */
  context(signal: AbortSignal): RepositoryContext
  close(): Promise<void>
}

/** The cache, and what the options say of signing and of packages. @throws CommandError, SigningError */
export async function openStages(connection: Connection, cli: Cli): Promise<OpenStages> {
  const { cache, close } = await openCache(connection.cache)
  try {
    const signing = await openSigning(connection, cli)
    const packagePolicy = await openPolicy(connection, cli)
    return { context: (signal) => contextOf({ cache, signing, packagePolicy, signal }, connection, cli), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Neither packages nor metadata: most likely the path is wrong. */
export function nothingThere({ name }: OpenRepository): CommandError {
  return new CommandError('NOTHING_THERE', `there are neither packages nor metadata in ${name}: check the path`)
}

/** Packages may be there, but nothing says so. */
export function noMetadata({ name, toCopy }: OpenRepository): CommandError {
  const message =
    `${name} has no metadata (repodata/repomd.xml): check the path; if packages are there, "${toCopy('rebuild', name)}" ` +
    'writes their metadata'
  return new CommandError('NO_METADATA', message)
}

/** Opens a bucket or directory as the connection's options say. */
export function openConnected(address: StoreLocation, connection: Connection): FolderStore {
  return openStore(address, connectionOptions(connection))
}

/** What the options say of S3. */
export function connectionOptions({ endpointUrl, region, profile, signRequest }: Connection) {
  // The SDK looks profiles up by this variable for everything that a profile may say, not for the credentials alone.
  if (profile !== undefined) process.env.AWS_PROFILE = profile
  return {
    ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl }),
    ...(region === undefined ? {} : { region }),
    anonymous: !signRequest,
  }
}

/** Before anything is done: a key that does not sign must not be found out when half of the work is done. */
async function openSigning({ signing, region, profile }: Connection, { environment }: Cli): Promise<Signing> {
  if (signing === undefined) return { kind: 'unsaid' }
  const { openSigningIfSaid } = await import('@repokeeper/worker/signing')
  return openSigningIfSaid(signing, { environment, region, profile }, Date.now)
}

/** A key that is of no use is told before anything is done, too. */
async function openPolicy(connection: Connection, { environment, output }: Cli): Promise<PackagePolicy> {
  const { packagePolicy: settings, region, profile } = connection
  if (settings === undefined) return anyPackage
  const { openPackagePolicyIfSaid } = await import('@repokeeper/worker/package-policy')
  const { policy, keyring } = await openPackagePolicyIfSaid(settings, { environment, region, profile }, Date.now)
  for (const { file, keyId, reason } of keyring?.notes ?? []) {
    output.tell(`warning: keyring ${file}: ${keyId === undefined ? '' : `key ${keyId}: `}${reason}`)
  }
  return policy
}

function contextOf(
  parts: Pick<RepositoryContext, 'cache' | 'signing' | 'packagePolicy'> & { readonly signal: AbortSignal },
  { singleWriter, documents, generations = { kind: 'as found' } }: Connection,
  cli: Cli,
): RepositoryContext {
  return realContext({ ...parts, singleWriter, documents, generations, onEvent: (event) => tellEvent(event, cli) })
}

/** What a person at a command should know of what happens below; each command tells the rest in its own words. */
function tellEvent(event: RepositoryEvent, { output }: Cli): void {
  if (event.kind === 'warning') output.tell(`warning: ${event.subject}: ${event.message}`)
}

/**
 * @param isForReading nothing can be read from a directory that was just made
 * @throws CommandError where it is none, with what may have been meant
 */
export async function requireDirectory(path: string, { isForReading = false } = {}): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  })
  if (found?.isDirectory()) return
  if (found !== undefined) throw new CommandError('NOT_A_DIRECTORY', `${path} is a file; REPO is a directory or s3://…`)
  const [, bucketPath] = /^(?:s3:\/*)?([A-Za-z0-9][^:]*\/.*)$/.exec(path) ?? []
  const bucket = bucketPath === undefined ? ', or s3://…' : `, or for a bucket write s3://${bucketPath}`
  throw new CommandError(
    'NOT_A_DIRECTORY',
    `there is no directory ${path}; check the path${isForReading ? '' : `, or make it for a new repository (mkdir -p ${path})`}, or name another one${bucket}`,
  )
}
