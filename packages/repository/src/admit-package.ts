/**
 * Admit: one object of an inbox → where it belongs, or among the rejected. It is checked before it is moved, moved by the store itself, and deleted from
 * the inbox only once its copy stands. Whoever does the same at the same time, or again after a crash, does no harm: each step looks first, and
 * names the version that it has seen.
 */
import { createHash } from 'node:crypto'
import type { ObjectHead, ObjectStore, PutCondition } from '@repokeeper/object-store'
import { describePackage, formatEntries, PackageTooLargeError, parseLocation, sha256PkgId } from '@repokeeper/repodata'
import type { RpmPackage } from '@repokeeper/rpm-parser'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { type InboxPlace, rejectedKey } from './package-inbox.ts'
import { refusalOf, verifierOf } from './package-policy.ts'
import { largeBytes, modifiedSeconds } from './package-reader.ts'
import { readRanges } from './read-ranges.ts'
import { RepositoryError } from './repository-error.ts'

export type Admission =
  /** It stands where it belongs, or stood there before; nothing of it is left in the inbox. */
  | { readonly kind: 'admitted' }
  /** There is nothing in the inbox: somebody else has moved it, or it was deleted. */
  | { readonly kind: 'gone' }
  | {
      readonly kind: 'rejected'
      readonly code: string
      readonly reason: string
      /** Where it lies now. */
      readonly movedTo: string
    }

/** An object may be replaced while it is looked at, each time. */
const looksMax = 5
const packageType = 'application/x-rpm'

/** @throws StoreError, RepositoryError: then it is still in the inbox, whole, and to be tried again */
export async function admitPackage(
  { store, root }: RepositoryLocation,
  key: string,
  place: InboxPlace,
  context: RepositoryContext,
): Promise<Admission> {
  for (let look = 1; look <= looksMax; look += 1) {
    const head = await store.head(key, withSignal(context))
    if (head === undefined) return { kind: 'gone' }
    const problem = place.target.startsWith(root)
      ? await problemOf(store, head, place.target.slice(root.length), context)
      : outside
    if (problem === 'changed') continue
    const outcome = problem === undefined ? await moveIn(store, head, place, context) : problem
    if (outcome === 'changed') continue
    if (outcome === 'moved') return { kind: 'admitted' }
    if ((await moveAway(store, head, place, outcome, context)) === 'moved') {
      return { kind: 'rejected', ...outcome, movedTo: rejectedKey(key, place.inbox) }
    }
  }
  throw new RepositoryError(
    'CONTENTION',
    `${store.name}/${key}: it changed during every look; it is tried again later`,
    key,
  )
}

interface Problem {
  readonly code: string
  readonly reason: string
}

const outside: Problem = { code: 'NO_REPOSITORY', reason: 'no repository is kept where it is meant for' }

/** Why it is not let in, by its header alone. */
async function problemOf(
  store: ObjectStore,
  head: ObjectHead,
  path: string,
  context: RepositoryContext,
): Promise<Problem | 'changed' | undefined> {
  const options = { ...withSignal(context), verifier: verifierOf(context.packagePolicy) }
  let read = await readRanges(store, head, { ...options, headerBytesMax: largeBytes })
  if (read.kind === 'large') read = await context.largePackages.run(() => readRanges(store, head, options))
  switch (read.kind) {
    case 'changed':
    case 'large':
      return 'changed'
    case 'unreadable':
      return { code: read.code, reason: read.reason }
    case 'read': {
      if (read.verdict?.kind !== 'refused') return listingProblem(read.rpm, head, path)
      const { code, reason } = refusalOf(read.verdict)
      return { code, reason }
    }
    default:
      return read satisfies never
  }
}

/** What a publish would stumble over. */
function listingProblem(rpm: RpmPackage, head: ObjectHead, path: string): Problem | undefined {
  const location = parseLocation(path)
  if (location === undefined)
    return { code: 'BAD_LOCATION', reason: 'its key cannot stand in the metadata as a location' }
  try {
    const file = { pkgid: anyPkgId, location, size: head.size, modified: modifiedSeconds(head) }
    const { record } = describePackage(rpm, file)
    if (record.name === '') return { code: 'NO_NAME', reason: 'its header has no name' }
    formatEntries(record)
    return undefined
  } catch (error) {
    if (error instanceof PackageTooLargeError) return { code: error.code, reason: error.message }
    throw error
  }
}

/** Stands for a digest that is not known yet. */
const anyPkgId = sha256PkgId('0'.repeat(64))

async function moveIn(
  store: ObjectStore,
  head: ObjectHead,
  { inbox, target }: InboxPlace,
  context: RepositoryContext,
): Promise<'moved' | 'changed' | Problem> {
  const there = await store.head(target, withSignal(context))
  if (there !== undefined) {
    const same = await areSame(store, head, there, context)
    if (same === 'changed') return 'changed'
    if (same) return takeOut(store, head, context)
    if (!inbox.replaces) {
      return {
        code: 'NAME_TAKEN',
        reason: `another file of this name is in ${target} already, and this inbox replaces none; a new version or release has a new name`,
      }
    }
  }
  const condition: PutCondition = there === undefined ? { if: 'absent' } : { if: 'unchanged', etag: there.etag }
  const copied = await copyTo(store, head, target, context.singleWriter ? { if: 'always' } : condition, context)
  return copied === 'stored' ? takeOut(store, head, context) : 'changed'
}

/** First the reason, then the package: whoever finds a package there finds its reason, also where somebody died between the two. */
async function moveAway(
  store: ObjectStore,
  head: ObjectHead,
  { inbox, target }: InboxPlace,
  { code, reason }: Problem,
  context: RepositoryContext,
): Promise<'moved' | 'changed'> {
  const key = rejectedKey(head.key, inbox)
  const lines = [
    `${head.key} was not let in: ${reason}`,
    '',
    `code: ${code}`,
    `meant for: ${target}`,
    `size: ${head.size} bytes`,
    ...(head.sha256 === undefined ? [] : [`sha256: ${head.sha256}`]),
    `uploaded: ${head.lastModified.toISOString()}`,
    `rejected: ${context.now().toISOString()}`,
    '',
  ]
  const how = { contentType: 'text/plain; charset=utf-8', ...withSignal(context) }
  await store.put(`${key}.reason.txt`, Buffer.from(lines.join('\n')), { if: 'always' }, how)
  if ((await copyTo(store, head, key, { if: 'always' }, context)) !== 'stored') return 'changed'
  return takeOut(store, head, context)
}

async function copyTo(
  store: ObjectStore,
  { key, etag, size, sha256 }: ObjectHead,
  target: string,
  condition: PutCondition,
  context: RepositoryContext,
): Promise<'stored' | 'conflict' | 'changed'> {
  const source = { store, key, etag, size, ...(sha256 === undefined ? {} : { sha256 }) }
  const { kind } = await store.copy(source, target, condition, { contentType: packageType, ...withSignal(context) })
  return kind
}

/** What was put in its place meanwhile stays: its own notification brings somebody here. */
async function takeOut(
  store: ObjectStore,
  { key, etag }: ObjectHead,
  context: RepositoryContext,
): Promise<'moved' | 'changed'> {
  const { kind } = await store.delete(key, { ifMatch: etag, ...withSignal(context) })
  return kind === 'deleted' ? 'moved' : 'changed'
}

/** By the digests that the store vouches for; where it knows none, by reading. */
async function areSame(
  store: ObjectStore,
  one: ObjectHead,
  other: ObjectHead,
  context: RepositoryContext,
): Promise<boolean | 'changed'> {
  if (one.size !== other.size) return false
  const [a, b] = [await digestOf(store, one, context), await digestOf(store, other, context)]
  return a === undefined || b === undefined ? 'changed' : a === b
}

async function digestOf(store: ObjectStore, head: ObjectHead, context: RepositoryContext): Promise<string | undefined> {
  if (head.sha256 !== undefined) return head.sha256
  const got = await store.get(head.key, { ifMatch: head.etag, ...withSignal(context) })
  if (got.kind !== 'found') return undefined
  const hash = createHash('sha256')
  for await (const chunk of got.body) hash.update(chunk)
  return hash.digest('hex')
}
