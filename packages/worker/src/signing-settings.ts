/**
 * What the options say of signing.
 */
import type { Signing } from '@repokeeper/repository'
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
  /** From when on it signs: anything that Date.parse reads. */
  readonly signNextFrom?: string | undefined
  readonly unsigned: boolean
}

/** Where nothing is to be signed, what signs is not loaded. @throws SigningError: the message says what to do */
export async function openSigningIfSaid(settings: SigningSettings, io: SecretIo, now: () => number): Promise<Signing> {
  if (settings.unsigned) return { kind: 'unsigned' }
  if (settings.signKey === undefined && settings.signCommand === undefined) return { kind: 'unsaid' }
  const { openSigner } = await import('./open-signer.ts')
  return { kind: 'signed', signer: await openSigner(settings, io, now) }
}

/** What cannot be meant, as a sentence; `undefined` where it can. */
export function wrongSigning(settings: SigningSettings): string | undefined {
  const { signKey, signPassphrase, signCommand, signPublicKey, signNextKey, signNextFrom, unsigned } = settings
  const signs = signKey !== undefined || signCommand !== undefined
  if (unsigned && signs) return '--unsigned and a key to sign with: one of the two'
  if (signKey !== undefined && signCommand !== undefined) return '--sign-key and --sign-command: one of the two signs'
  if (signCommand !== undefined && signPublicKey === undefined) {
    return '--sign-command needs --sign-public-key: a file with the public key that it signs with'
  }
  if (!signs && [signPassphrase, signPublicKey, signNextKey, signNextFrom].some((one) => one !== undefined)) {
    return 'there is something to sign with, but no key: give --sign-key or --sign-command'
  }
  if ((signNextKey === undefined) !== (signNextFrom === undefined)) {
    return '--sign-next-key and --sign-next-from go together: a key, and from when on it signs'
  }
  if (signNextFrom !== undefined && Number.isNaN(Date.parse(signNextFrom))) {
    return `--sign-next-from ${signNextFrom}: expected a day or a time, such as 2027-01-31 or 2027-01-31T06:00:00Z`
  }
  return undefined
}
