/**
 * What the options say of signing → who signs.
 */
import { readFile } from 'node:fs/promises'
import type { RepomdSigner } from '@repokeeper/repository'
import {
  isGoodDetached,
  openCommandSigner,
  openKeySigner,
  readKeyring,
  rotatingSigner,
  type Signer,
  SigningError,
  verifyDetached,
} from '@repokeeper/signing'
import { fetchSecret, type SecretIo } from './secret-source.ts'
import type { SigningSettings } from './signing-settings.ts'

/** @throws SigningError: the message says what to do */
export async function openSigner(settings: SigningSettings, io: SecretIo, now: () => number): Promise<RepomdSigner> {
  const { signNextKey, signNextFrom, signPublicKey } = settings
  let signer = await openFirst(settings, io, now)
  if (signNextKey !== undefined && signNextFrom !== undefined) {
    const next = await openKey(signNextKey, settings, io, now)
    signer = rotatingSigner({ now: signer, next, from: Date.parse(signNextFrom) }, now)
  }
  const publicKey =
    signPublicKey === undefined ? Buffer.from(signer.publicKey) : await publicKeysOf(signPublicKey, signer)
  const keyring = readKeyring([{ name: 'the public key', bytes: publicKey }], now())
  return {
    publicKey,
    sign: (bytes) => signer.sign(bytes),
    verify: async (bytes, signature) => isGoodDetached(verifyDetached(bytes, signature, { keyring, now: now() })),
  }
}

async function openFirst(settings: SigningSettings, io: SecretIo, now: () => number): Promise<Signer> {
  const { signKey, signCommand, signPublicKey } = settings
  if (signKey !== undefined) return openKey(signKey, settings, io, now)
  if (signCommand === undefined || signPublicKey === undefined) throw new Error('nothing signs')
  return openCommandSigner({ command: signCommand, publicKey: { file: signPublicKey }, now })
}

async function openKey(
  source: string,
  { signPassphrase }: SigningSettings,
  io: SecretIo,
  now: () => number,
): Promise<Signer> {
  const key = await fetchSecret(source, 'the private key', io)
  if (signPassphrase === undefined) return openKeySigner({ key, now })
  return openKeySigner({ key, passphrase: await fetchSecret(signPassphrase, 'the passphrase', io), now })
}

/** The file as it is, if what signs is in it: others may stand beside it, for clients to learn of them. */
async function publicKeysOf(path: string, signer: Signer): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new SigningError('BAD_KEYRING', `the file of public keys ${path} cannot be read`, { cause })
  })
  const { keyId } = signer.describe
  if (readKeyring([{ name: path, bytes }], Date.now()).find(keyId).length > 0) return bytes
  throw new SigningError('BAD_KEYRING', `${path} does not hold the public key ${keyId}, which signs: add it`)
}
