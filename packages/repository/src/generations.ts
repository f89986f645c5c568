/**
 * Generations under paths of their own: for clients that must never see repomd.xml beside the signature or the documents of another one.
 *
 * Before the swap everything of the new generation is written below `generations/<id>/`; after it the mirrorlist, which follows repomd.xml
 * (repomd-follower.ts), names that. A lost race leaves a directory that nobody names, and a clean-up takes it away.
 */
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { markLeft } from './generation-claim.ts'
import {
  type DirectoryParts,
  generationLocation,
  generationRoot,
  type PlacedDocuments,
  writeGenerationDirectory,
} from './generation-directory.ts'
import { mendDirectory } from './generation-mend.ts'
import { generationsUrl } from './generation-settings.ts'
import {
  formatMirrorlist,
  type GenerationId,
  generationIdOf,
  type Mirrorlist,
  mirrorlistBytesMax,
  mirrorlistKey,
  mirrorlistType,
  parseMirrorlist,
} from './mirrorlist.ts'
import { type Follower, keepFollower, type PreparedFollower, putFollower, readFollower } from './repomd-follower.ts'
import { repomdKey } from './roots.ts'
import { keepSignature, keepSignatureOf, readSignature, signatureKey } from './signature.ts'
import { readStoredRepomd } from './snapshot.ts'

/**
 * To be called before the swap.
 *
 * @param prepared the signature of these bytes, `undefined` where they are not signed, and the documents that they name
 * @param supersedes the repomd.xml that was published until now; `undefined` where there was none
 * @returns `undefined` where nobody wants a mirrorlist
 * @throws StoreError
 */
export async function prepareGeneration(
  location: RepositoryLocation,
  repomd: Uint8Array,
  prepared: Prepared,
  supersedes: Uint8Array | undefined,
  context: RepositoryContext,
): Promise<PreparedFollower | undefined> {
  const there = await readMirrorlist(location, context)
  const follower = followerAt(location, there?.mirrorlist, context)
  if (follower === undefined) return undefined
  const left = there?.mirrorlist
  if (left?.isPinned === false && (supersedes === undefined || left.generation !== generationIdOf(supersedes))) {
    await claimLeft(location, left, context)
  }
  const bytes = await follower.makeOf(repomd, prepared)
  return { follower, repomd, bytes, replaces: there?.etag, mayStay: there?.mirrorlist?.isPinned === true }
}

/**
 * Sees to it that what is published now is signed, that its directory is there, and that the mirrorlist names it, whoever published it.
 *
 * @returns whether there was something to mend
 * @throws StoreError, RepositoryError `CONTENTION`, and what the signer throws
 */
export async function keepFollowers(location: RepositoryLocation, context: RepositoryContext): Promise<boolean> {
  const signed = await keepSignature(location, context)
  const named = await keepGeneration(location, context)
  return signed || named
}

/** As it is there; its own part `undefined` where somebody else wrote it. @throws StoreError */
export async function readMirrorlist(location: RepositoryLocation, context: Pick<RepositoryContext, 'signal'>) {
  const at = { key: mirrorlistKey(location.root), bytesMax: mirrorlistBytesMax }
  const there = await readFollower(location, at, context)
  return there === undefined ? undefined : { ...there, mirrorlist: parseMirrorlist(there.bytes) }
}

/** @returns whether it was stored, and no other had been written meanwhile */
export function putMirrorlist(
  location: RepositoryLocation,
  mirrorlist: Mirrorlist,
  replaces: PreparedFollower['replaces'],
  context: RepositoryContext,
): Promise<boolean> {
  const at = { key: mirrorlistKey(location.root), contentType: mirrorlistType }
  return putFollower(location, at, Buffer.from(formatMirrorlist(mirrorlist)), replaces, context)
}

/**
 * How far the directory of what is published is looked at: whether it has a repomd.xml, which is written last; whether each document is there
 * with its size; or every byte.
 */
export type DirectoryLook = 'is it there' | 'sizes' | 'digests'

export async function keepGeneration(
  location: RepositoryLocation,
  context: RepositoryContext,
  look: DirectoryLook = 'is it there',
): Promise<boolean> {
  const before = await readMirrorlist(location, context)
  const follower = followerAt(location, before?.mirrorlist, context)
  if (follower === undefined || !(await canWriteDirectory(location, context))) return false
  const kept = await keepFollower(location, follower, context)
  if (kept.kind === 'nothing to follow') return false
  const id = generationIdOf(kept.repomd)
  if (id === undefined) return false
  const wrote = await keepDirectory(location, id, kept.repomd, context, look)
  if (kept.kind === 'right' && !wrote) return false
  const was = wrote
    ? 'its directory was not there, not as it has to be, or not signed with this key'
    : describe(kept.kind === 'mended' ? kept.had : undefined)
  context.onEvent({ kind: 'generation mended', repository: describeLocation(location), generation: id, was })
  return true
}

/** It may have been superseded long ago, and clients were sent there until now. */
function claimLeft(
  location: RepositoryLocation,
  { generation }: Mirrorlist,
  context: RepositoryContext,
): Promise<void> {
  return markLeft(location, generation, 'the mirrorlist named it until now', context)
}

/** What who writes a directory has at hand. */
type Prepared = Pick<DirectoryParts, 'signature' | 'placed'>

interface MirrorlistFollower extends Follower {
  /** The same, where signature and documents are at hand. */
  makeOf(repomd: Uint8Array, prepared: Prepared): Promise<Uint8Array>
}

/** @returns `undefined` where nobody wants one */
function followerAt(
  location: RepositoryLocation,
  found: Mirrorlist | undefined,
  context: RepositoryContext,
): MirrorlistFollower | undefined {
  const { generations } = context
  const baseUrl = generations.kind === 'published' ? generationsUrl(generations.url, location.root) : found?.baseUrl
  if (baseUrl === undefined) return undefined
  const textOf = (generation: GenerationId, { others }: Pick<Mirrorlist, 'others'> = {}): Buffer =>
    Buffer.from(formatMirrorlist({ baseUrl, generation, isPinned: false, ...(others && { others }) }))
  const makeOf = async (repomd: Uint8Array, prepared: Prepared, there: Mirrorlist | undefined): Promise<Buffer> => {
    const id = requireId(generationIdOf(repomd))
    await writeDirectory(location, id, repomd, prepared, context)
    return textOf(id, there)
  }
  return {
    key: mirrorlistKey(location.root),
    name: 'mirrorlist',
    contentType: mirrorlistType,
    bytesMax: mirrorlistBytesMax,
    makeOf: (repomd, prepared) => makeOf(repomd, prepared, found),
    async make(repomd, there) {
      const left = there === undefined ? undefined : parseMirrorlist(there)
      if (left !== undefined) await claimLeft(location, left, context)
      return makeOf(repomd, await prepare(location, repomd, context), left)
    },
    async fits(repomd, there) {
      // Who takes it away does not want it any more, unless the options say otherwise.
      if (there === undefined) return generations.kind === 'as found'
      const named = parseMirrorlist(there)
      if (named?.isPinned === true) return true
      const id = generationIdOf(repomd)
      return id === undefined || textOf(id, named).equals(there)
    },
  }
}

/** @returns whether something was missing or damaged, or signed by another key */
async function keepDirectory(
  location: RepositoryLocation,
  id: GenerationId,
  repomd: Uint8Array,
  context: RepositoryContext,
  look: DirectoryLook,
): Promise<boolean> {
  const own = generationLocation(location, id)
  const isThere = (await location.store.head(repomdKey(own.root), withSignal(context))) !== undefined
  if (!isThere) await writeDirectory(location, id, repomd, await prepare(location, repomd, context), context)
  const isMended =
    look !== 'is it there' && (await mendDirectory(location, id, repomd, context, { deep: look === 'digests' }))
  // Of an older key, say: there is a signature, but not the one that it has to have.
  const isSigned = await keepSignatureOf(repomd, own, context)
  return !isThere || isMended || isSigned
}

function writeDirectory(
  location: RepositoryLocation,
  id: GenerationId,
  repomd: Uint8Array,
  prepared: Prepared,
  context: RepositoryContext,
): Promise<void> {
  const publicKey = context.signing.kind === 'signed' ? context.signing.signer.publicKey : undefined
  return writeGenerationDirectory(location, id, { ...prepared, repomd, publicKey }, context)
}

/** For what was published before: its documents are looked at where they are. */
async function prepare(
  location: RepositoryLocation,
  repomd: Uint8Array,
  context: RepositoryContext,
): Promise<Prepared> {
  return { signature: await signatureOf(location, repomd, context), placed: noneKnown }
}

const noneKnown: PlacedDocuments = new Map()

/** That of the root where it is right. */
async function signatureOf(
  location: RepositoryLocation,
  repomd: Uint8Array,
  context: RepositoryContext,
): Promise<Uint8Array | undefined> {
  const { signing } = context
  if (signing.kind !== 'signed') return undefined
  const there = await readSignature(location, context)
  const isRight = there !== undefined && (await signing.signer.verify(repomd, there.bytes))
  return isRight ? there.bytes : signing.signer.sign(repomd)
}

/** Whether the signature that lies there is right only who has the key can say: others use the directory that is there. */
async function canWriteDirectory(location: RepositoryLocation, context: RepositoryContext): Promise<boolean> {
  const { store, root } = location
  if (context.signing.kind !== 'unsaid') return true
  if ((await store.head(signatureKey(root), withSignal(context))) === undefined) return true
  const stored = await readStoredRepomd(location, context)
  const id = stored?.bytes === undefined ? undefined : generationIdOf(stored.bytes)
  return (
    id !== undefined && (await store.head(signatureKey(generationRoot(root, id)), withSignal(context))) !== undefined
  )
}

function requireId(id: GenerationId | undefined): GenerationId {
  if (id === undefined) throw new Error('what was published is no repomd.xml')
  return id
}

function describe(had: Uint8Array | undefined): string {
  const named = had === undefined ? undefined : parseMirrorlist(had)
  if (had === undefined) return 'there was no mirrorlist'
  return named === undefined ? 'the mirrorlist was of something else' : `the mirrorlist named ${named.generation}`
}
