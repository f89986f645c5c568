/**
 * What the options say of signing.
 */
import type { RepomdSigner, Signing } from '@repokeeper/repository'
import type { SignerDescription } from '@repokeeper/signing'
import type { SecretIo } from './secret-source.ts'

/** As the options give them. A source is a path, `env:NAME`, `secretsmanager:ID` or `ssm:NAME`. */
export interface SigningSettings {
  /** Source of the private key. */
  readonly signKey?: string | undefined
  /** Source of its passphrase, and of that of the next key. */
  readonly signPassphrase?: string | undefined
  /** A line for the shell that reads a document and prints an armored detached signature. */
  readonly signCommand?: string | undefined
  /** Public keys: that of the command, and those that are to lie beside the metadata as well. */
  readonly signPublicKey?: string | undefined
  /** Source of the private key that follows. */
  readonly signNextKey?: string | undefined
  /** The line for the shell that follows, and its public key. */
  readonly signNextCommand?: string | undefined
  readonly signNextPublicKey?: string | undefined
  /** From when on it signs: anything that Date.parse reads. */
  readonly signNextFrom?: string | undefined
  readonly unsigned: boolean
}

export interface OpenedKey extends SignerDescription {
  /** Milliseconds since 1970: from then on the next one signs. */
  readonly signsUntil?: number
}

/** A signer whose keys are known, so that it can be said when they are over. */
export interface OpenedSigner extends RepomdSigner {
  /** The key that signs now, first; then the one that follows, where there is one. */
  keys(): readonly [OpenedKey, ...OpenedKey[]]
}

export type OpenedSigning =
  | Exclude<Signing, { kind: 'signed' }>
  | { readonly kind: 'signed'; readonly signer: OpenedSigner }

/** Where nothing is to be signed, what signs is not loaded. @throws SigningError: the message says what to do */
export async function openSigningIfSaid(
  settings: SigningSettings,
  io: SecretIo,
  now: () => number,
): Promise<OpenedSigning> {
  if (settings.unsigned) return { kind: 'unsigned' }
  if (settings.signKey === undefined && settings.signCommand === undefined) return { kind: 'unsaid' }
  const { openSigner } = await import('./open-signer.ts')
  return { kind: 'signed', signer: await openSigner(settings, io, now) }
}

/** What cannot be meant, as a sentence; `undefined` where it can. */
export function wrongSigning(settings: SigningSettings): string | undefined {
  const { signKey, signPassphrase, signCommand, signPublicKey, unsigned } = settings
  const { signNextKey, signNextCommand, signNextPublicKey, signNextFrom } = settings
  const signs = signKey !== undefined || signCommand !== undefined
  const isFollowed = signNextKey !== undefined || signNextCommand !== undefined
  if (unsigned && signs) return '--unsigned and a key to sign with: one of the two'
  if (signKey !== undefined && signCommand !== undefined) return '--sign-key and --sign-command: one of the two signs'
  if (signCommand !== undefined && signPublicKey === undefined) {
    return '--sign-command needs --sign-public-key: a file with the public key that it signs with'
  }
  const belongings = [signPassphrase, signPublicKey, signNextKey, signNextCommand, signNextPublicKey, signNextFrom]
  if (!signs && belongings.some((one) => one !== undefined)) {
    return 'there is something to sign with, but no key: give --sign-key or --sign-command'
  }
  if (signNextKey !== undefined && signNextCommand !== undefined) {
    return '--sign-next-key and --sign-next-command: one of the two follows'
  }
  if ((signNextCommand === undefined) !== (signNextPublicKey === undefined)) {
    return '--sign-next-command and --sign-next-public-key go together: a line, and a file with the public key that it signs with'
  }
  if (isFollowed !== (signNextFrom !== undefined)) {
    return '--sign-next-key (or --sign-next-command) and --sign-next-from go together: what follows, and from when on it signs'
  }
  if (signNextFrom !== undefined && Number.isNaN(Date.parse(signNextFrom))) {
    return `--sign-next-from ${signNextFrom}: expected a day or a time, such as 2027-01-31 or 2027-01-31T06:00:00Z`
  }
  return undefined
}
