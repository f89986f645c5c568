/**
 * What the options say of signing → who signs.
 */
import { readFile } from 'node:fs/promises'
import {
  armorPublicKeys,
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
import type { OpenedSigner, SigningSettings } from './signing-settings.ts'

/** @throws SigningError: the message says what to do */
export async function openSigner(settings: SigningSettings, io: SecretIo, now: () => number): Promise<OpenedSigner> {
  const { signNextFrom, signPublicKey } = settings
  const next = await openNext(settings, io, now)
  const from = signNextFrom === undefined ? Number.POSITIVE_INFINITY : Date.parse(signNextFrom)
  const first = await openFirst(settings, io, now).catch((error: unknown) => {
    // It has done its work: that it is over by now stops nobody.
    if (next !== undefined && now() >= from) return next
    throw error
  })
  const signer = next === undefined || first === next ? first : rotatingSigner({ now: first, next, from }, now)
  const publicKey =
    signPublicKey === undefined
      ? Buffer.from(signer.publicKey)
      : await publicKeysOf(signPublicKey, { first, next, now: now() })
  const keyring = readKeyring([{ name: 'the public key', bytes: publicKey }], now())
  return {
    publicKey,
    sign: (bytes) => signer.sign(bytes),
    keys: () =>
      next === undefined || now() >= from
        ? [signer.describe]
        : [{ ...first.describe, signsUntil: from }, next.describe],
    async verify(bytes, signature) {
      const findings = verifyDetached(bytes, signature, { keyring, now: now() })
      if (!isGoodDetached(findings) || next === undefined || now() < from) return isGoodDetached(findings)
      // From that day on what the first key has signed is signed anew: it may be over soon.
      return findings.every(({ keyId }) => keyId?.endsWith(next.describe.keyId) === true)
    },
  }
}

async function openFirst(settings: SigningSettings, io: SecretIo, now: () => number): Promise<Signer> {
  const { signKey, signCommand, signPublicKey } = settings
  if (signKey !== undefined) return openKey(signKey, settings, io, now)
  if (signCommand === undefined || signPublicKey === undefined) throw new Error('nothing signs')
  return openCommandSigner({ command: signCommand, publicKey: { file: signPublicKey }, now })
}

async function openNext(settings: SigningSettings, io: SecretIo, now: () => number): Promise<Signer | undefined> {
  const { signNextKey, signNextCommand, signNextPublicKey } = settings
  if (signNextKey !== undefined) return openKey(signNextKey, settings, io, now)
  if (signNextCommand === undefined || signNextPublicKey === undefined) return undefined
  return openCommandSigner({ command: signNextCommand, publicKey: { file: signNextPublicKey }, now })
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

/** All keys of the file, if what signs is among them: others may stand beside it, for clients to learn of them. What follows is added. */
async function publicKeysOf(
  path: string,
  { first, next, now }: { readonly first: Signer; readonly next: Signer | undefined; readonly now: number },
): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new SigningError('BAD_KEYRING', `the file of public keys ${path} cannot be read`, { cause })
  })
  const file = { name: path, bytes }
  const keyring = readKeyring([file], now)
  const { keyId } = first.describe
  // Where what follows stands in for the first, the file is still that of the first.
  if (first !== next && keyring.find(keyId).length === 0) {
    throw new SigningError('BAD_KEYRING', `${path} does not hold the public key ${keyId}, which signs: add it`)
  }
  const isAnnounced = next === undefined || keyring.find(next.describe.keyId).length > 0
  return Buffer.from(`${armorPublicKeys(file)}${isAnnounced ? '' : next.publicKey}`)
}
