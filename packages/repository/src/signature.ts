/**
 * The signature of repomd.xml: `repodata/repomd.xml.asc`, which follows it (repomd-follower.ts), and beside it the key that it is checked with.
 */
import type { ObjectHead } from '@repokeeper/object-store'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import {
  type Follower,
  fromNoCache,
  keepFollower,
  type PreparedFollower,
  readFollower,
  readSmall,
  type StoredSmall,
} from './repomd-follower.ts'
import { RepositoryError } from './repository-error.ts'
import { type RepositoryRoot, repomdKey } from './roots.ts'

/** Who signs. Whether it is a key at hand, or a program that is asked, is its own affair. */
export interface RepomdSigner {
  /** @returns an ASCII-armored detached signature of exactly these bytes (OpenPGP). @throws where it can't be had */
  sign(bytes: Uint8Array): Promise<Uint8Array>
  /** Whether this is such a signature, by a key that `publicKey` holds, of exactly these bytes. Never throws for what others have written. */
  verify(bytes: Uint8Array, signature: Uint8Array): Promise<boolean>
  /** ASCII-armored: every key that clients are to know, one after the other. */
  readonly publicKey: Uint8Array
}

/** What a publish does about the signature. */
export type Signing =
  | { readonly kind: 'signed'; readonly signer: RepomdSigner }
  /** A person has said so: a signature that is there is taken away. */
  | { readonly kind: 'unsigned' }
  /** Nobody has said anything: a repository that is signed is not published to, rather than spoiled for those who check. */
  | { readonly kind: 'unsaid' }

/** A signature by a key of 4096 bits is some 850 bytes, and those of several keys stand in one file. */
const signatureBytesMax = 2 ** 18
/** Of keys with photographs and the signatures of a thousand friends. */
const publicKeyBytesMax = 2 ** 22

export function signatureKey(root: RepositoryRoot): string {
  return `${repomdKey(root)}.asc`
}

export function publicKeyKey(root: RepositoryRoot): string {
  return `${repomdKey(root)}.key`
}

/**
 * To be called before the swap: a signature that can't be made must not leave a repomd.xml without one.
 *
 * @returns `undefined` where nothing is to be signed
 * @throws RepositoryError `SIGNED` where nobody has said whether to sign, and somebody has signed before; StoreError, and what the signer throws
 */
export async function prepareSignature(
  location: RepositoryLocation,
  repomd: Uint8Array,
  context: RepositoryContext,
): Promise<PreparedFollower | undefined> {
  const { store, root } = location
  const { signing } = context
  const there = await refuseToUnsign(location, context)
  if (signing.kind === 'unsaid') return undefined
  if (signing.kind === 'unsigned') {
    // Before the swap: no signature is one thing to a client, a bad one another. The key stays: packages may be checked with it.
    if (there !== undefined) await store.delete(signatureKey(root), withSignal(context))
    return undefined
  }
  const follower = signatureBy(signing.signer, location, context)
  const bytes = await follower.make(repomd, undefined)
  return { follower, repomd, bytes, replaces: there?.etag, mayStay: false }
}

/**
 * @returns the signature that is there
 * @throws RepositoryError `SIGNED` where there is one, and nobody has said whether to sign; StoreError
 */
export async function refuseToUnsign(
  location: RepositoryLocation,
  context: RepositoryContext,
): Promise<ObjectHead | undefined> {
  const there = await location.store.head(signatureKey(location.root), withSignal(context))
  if (there === undefined || context.signing.kind !== 'unsaid') return there
  const repository = describeLocation(location)
  const message =
    `${repository}: its metadata is signed (repodata/repomd.xml.asc), and no key was given, so nothing was published; ` +
    'give the key (--sign-key), or --unsigned to publish without a signature from now on'
  throw new RepositoryError('SIGNED', message, repository)
}

/**
 * Sees to it that what is published now is signed, whoever published it.
 *
 * @returns whether there was something to mend
 * @throws StoreError, RepositoryError `CONTENTION`, and what the signer throws
 */
export async function keepSignature(location: RepositoryLocation, context: RepositoryContext): Promise<boolean> {
  const { signing } = context
  if (signing.kind !== 'signed') return false
  const kept = await keepFollower(location, signatureBy(signing.signer, location, context), context)
  if (kept.kind === 'right') await placePublicKey(location, signing.signer, context)
  if (kept.kind !== 'mended') return false
  const was = kept.had === undefined ? 'it had none' : 'the one that was there was of something else'
  context.onEvent({ kind: 'signature mended', repository: describeLocation(location), was })
  return true
}

/**
 * The same where repomd.xml never changes, in the directory of a generation: nobody is raced.
 *
 * @param repomd what is to be signed, whatever lies there
 * @returns whether there was something to mend
 * @throws StoreError, and what the signer throws
 */
export async function keepSignatureOf(
  repomd: Uint8Array,
  location: RepositoryLocation,
  context: RepositoryContext,
): Promise<boolean> {
  const { signing } = context
  if (signing.kind !== 'signed') return false
  const { signer } = signing
  // Which keys clients of an old generation knew is told by who sends them there.
  const quiet = { ...context, onEvent: () => {} }
  const there = await readSignature(location, context)
  if (there === undefined || !(await signer.verify(repomd, there.bytes))) {
    const { key, contentType } = signatureBy(signer, location, context)
    const signature = await signer.sign(repomd)
    // Until the signature is another one the keys from before lie there, too: whoever dies in between leaves one that can be checked.
    const before = await readPublicKey(location, context)
    const both = Buffer.concat([signer.publicKey, Buffer.from('\n'), before ?? Buffer.alloc(0)])
    await placePublicKey(location, { publicKey: before === undefined ? signer.publicKey : both }, quiet)
    await location.store.put(key, signature, { if: 'always' }, fromNoCache(contentType, context))
    await placePublicKey(location, signer, quiet)
    return true
  }
  await placePublicKey(location, signer, quiet)
  return false
}

/** What lies beside these bytes of repomd.xml. `unchecked`: there is a signature, and no key was given to say whether it is right. */
export type SignatureState = 'right' | 'unsigned' | 'wrong-signature' | 'unchecked' | 'no matter'

/** @throws StoreError */
export async function judgeSignature(
  location: RepositoryLocation,
  repomd: Uint8Array,
  context: RepositoryContext,
): Promise<SignatureState> {
  const { signing } = context
  const there = await readSignature(location, context)
  if (signing.kind !== 'signed') return there === undefined || signing.kind === 'unsigned' ? 'no matter' : 'unchecked'
  if (there === undefined) return 'unsigned'
  return (await signing.signer.verify(repomd, there.bytes)) ? 'right' : 'wrong-signature'
}

/** The signature that is there, whatever it is worth. @throws StoreError */
export function readSignature(
  location: RepositoryLocation,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<StoredSmall | undefined> {
  return readFollower(location, { key: signatureKey(location.root), bytesMax: signatureBytesMax }, context)
}

/** The key that lies beside it. @throws StoreError */
export async function readPublicKey(
  { store, root }: RepositoryLocation,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<Uint8Array | undefined> {
  return (await readSmall(store, publicKeyKey(root), publicKeyBytesMax, context))?.bytes
}

function signatureBy(signer: RepomdSigner, location: RepositoryLocation, context: RepositoryContext): Follower {
  return {
    key: signatureKey(location.root),
    name: 'signature',
    // RFC 3156
    contentType: 'application/pgp-signature',
    bytesMax: signatureBytesMax,
    async make(repomd) {
      const [signature] = await Promise.all([signer.sign(repomd), placePublicKey(location, signer, context)])
      return signature
    },
    fits: async (repomd, there) => there !== undefined && (await signer.verify(repomd, there)),
  }
}

/** Before the first signature that it is needed for. It changes when a person says so: the last one to start is right. */
async function placePublicKey(
  location: RepositoryLocation,
  { publicKey }: Pick<RepomdSigner, 'publicKey'>,
  context: RepositoryContext,
): Promise<void> {
  const there = await readPublicKey(location, context)
  if (there !== undefined && Buffer.from(publicKey).equals(there)) return
  const { store, root } = location
  await store.put(publicKeyKey(root), publicKey, { if: 'always' }, fromNoCache('application/pgp-keys', context))
  if (there === undefined || keysIn(there).every((key) => keysIn(publicKey).includes(key))) return
  const message =
    'keys that lay there until now are no longer among those that clients are given: who knows only them refuses what is signed from now on; ' +
    'if this was not meant, publish once more with the key from before'
  context.onEvent({
    kind: 'warning',
    repository: describeLocation(location),
    subject: 'repodata/repomd.xml.key',
    message,
  })
}

/** Its armored blocks: one for each file that was given. */
function keysIn(publicKey: Uint8Array): string[] {
  return Buffer.from(publicKey)
    .toString()
    .split(/(?=-----BEGIN )/)
    .map((block) => block.trim())
    .filter((block) => block !== '')
}
