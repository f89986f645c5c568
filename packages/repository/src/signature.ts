/**
 * The signature of repomd.xml: `repodata/repomd.xml.asc`, and beside it the key that it is checked with.
 *
 * Two objects cannot change in one step. So the signature is made before repomd.xml is swapped, and written right after it, itself by
 * compare-and-swap: on the signature that was there while repomd.xml was still the one that is signed. Then none of an older generation can
 * come after one of a newer: who writes repomd.xml last also has the last word on its signature. Who dies between the two leaves a stale one;
 * whoever handles his messages, or looks again in his stead (pledge.ts), or audits, finds that and signs what is published.
 */
import { type ETag, type ObjectHead, readBody } from '@repokeeper/object-store'
import { describeLocation, type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { RepositoryError } from './repository-error.ts'
import { type RepositoryRoot, repomdKey } from './roots.ts'
import { readStoredRepomd } from './snapshot.ts'

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

/** What was done beforehand, so that little is left to do after the swap. */
export interface PreparedSignature {
  readonly repomd: Uint8Array
  readonly signature: Uint8Array
  readonly signer: RepomdSigner
  /** The signature that was there; `undefined`: none. */
  readonly replaces: ETag | undefined
}

/** A signature by a key of 4096 bits is some 850 bytes, and those of several keys stand in one file. */
const signatureBytesMax = 2 ** 18
/** Of keys with photographs and the signatures of a thousand friends. */
const publicKeyBytesMax = 2 ** 22
/** Others may write a signature at the same moment, each of them once for each swap. */
const attemptsMax = 20

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
): Promise<PreparedSignature | undefined> {
  const { store, root } = location
  const { signing } = context
  const there = await refuseToUnsign(location, context)
  if (signing.kind === 'unsaid') return undefined
  if (signing.kind === 'unsigned') {
    // Before the swap: no signature is one thing to a client, a bad one another. The key stays: packages may be checked with it.
    if (there !== undefined) await store.delete(signatureKey(root), withSignal(context))
    return undefined
  }
  const { signer } = signing
  const [signature] = await Promise.all([signer.sign(repomd), placePublicKey(location, signer, context)])
  return { repomd, signature, signer, replaces: there?.etag }
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
 * To be called when repomd.xml is swapped.
 *
 * @param etag of the repomd.xml that is signed
 * @throws StoreError, RepositoryError `CONTENTION`: then the signature is left to whoever looks next
 */
export async function placeSignature(
  location: RepositoryLocation,
  etag: ETag,
  { repomd, signature, signer, replaces: before }: PreparedSignature,
  context: RepositoryContext,
): Promise<void> {
  const { store, root } = location
  let replaces = before
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    if (await putSignature(location, signature, replaces, context)) return
    // In this order: a signature that comes after this reading is not replaced, for it may be of a newer repomd.xml.
    const there = await readSignature(location, context)
    if (there !== undefined && (await signer.verify(repomd, there.bytes))) return
    const now = await store.head(repomdKey(root), withSignal(context))
    if (now?.etag !== etag) return
    replaces = there?.etag
  }
  throw contention(location)
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
  const { signer } = signing
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    // In this order, as in `placeSignature`.
    const there = await readSignature(location, context)
    const stored = await readStoredRepomd(location, context)
    if (stored?.bytes === undefined) return false
    if (there !== undefined && (await signer.verify(stored.bytes, there.bytes))) {
      await placePublicKey(location, signer, context)
      return attempt > 0
    }
    const [signature] = await Promise.all([signer.sign(stored.bytes), placePublicKey(location, signer, context)])
    if (await putSignature(location, signature, there?.etag, context)) {
      const repository = describeLocation(location)
      const was = there === undefined ? 'it had none' : 'the one that was there was of something else'
      context.onEvent({ kind: 'signature mended', repository, was })
      return true
    }
  }
  throw contention(location)
}

export interface StoredSignature {
  readonly etag: ETag
  /** Empty where they are more than any signature has. */
  readonly bytes: Uint8Array
}

/** The signature that is there, whatever it is worth. @throws StoreError */
export function readSignature(
  { store, root }: RepositoryLocation,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<StoredSignature | undefined> {
  return readSmall(store, signatureKey(root), signatureBytesMax, context)
}

/** The key that lies beside it. @throws StoreError */
export async function readPublicKey(
  { store, root }: RepositoryLocation,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<Uint8Array | undefined> {
  return (await readSmall(store, publicKeyKey(root), publicKeyBytesMax, context))?.bytes
}

async function readSmall(
  store: RepositoryLocation['store'],
  key: string,
  bytesMax: number,
  context: Pick<RepositoryContext, 'signal'>,
): Promise<StoredSignature | undefined> {
  const got = await store.get(key, withSignal(context))
  if (got.kind !== 'found') return undefined
  const bytes = await readBody(got.body, bytesMax).catch((error: unknown) => {
    if (!(error instanceof RangeError)) throw error
    return Buffer.alloc(0)
  })
  return { etag: got.head.etag, bytes }
}

/** @returns whether it was stored, and no other had been written meanwhile */
async function putSignature(
  { store, root }: RepositoryLocation,
  signature: Uint8Array,
  replaces: ETag | undefined,
  context: RepositoryContext,
): Promise<boolean> {
  const condition = replaces === undefined ? { if: 'absent' as const } : { if: 'unchanged' as const, etag: replaces }
  const outcome = await store.put(
    signatureKey(root),
    signature,
    context.singleWriter ? { if: 'always' } : condition,
    headersOf('application/pgp-signature', context),
  )
  return outcome.kind === 'stored'
}

/** Before the first signature that it is needed for. It changes when a person says so: the last one to start is right. */
async function placePublicKey(
  location: RepositoryLocation,
  { publicKey }: RepomdSigner,
  context: RepositoryContext,
): Promise<void> {
  const there = await readPublicKey(location, context)
  if (there !== undefined && Buffer.from(publicKey).equals(there)) return
  const { store, root } = location
  await store.put(publicKeyKey(root), publicKey, { if: 'always' }, headersOf('application/pgp-keys', context))
}

/** The media types are those of RFC 3156. Like repomd.xml itself these two come from no cache. */
function headersOf(contentType: string, context: RepositoryContext) {
  return { contentType, cacheControl: 'no-cache', ...withSignal(context) }
}

function contention(location: RepositoryLocation): RepositoryError {
  const repository = describeLocation(location)
  const message = `${repository}: its signature was written by others ${attemptsMax} times in a row; it is looked at again later`
  return new RepositoryError('CONTENTION', message, repository)
}
