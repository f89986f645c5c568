import { writeArmor } from './armor.ts'
import type { CertifiedKey } from './certificate.ts'
import { checkMade } from './check-made.ts'
import { type KeyFile, publicKeyBytes, readKeyFile, readKeyring } from './keyring.ts'
import { runForOutput } from './run-for-output.ts'
import { describeKey, type Signer, type SignerDescription } from './signer.ts'
import { SigningError } from './signing-error.ts'
import { keysToSignWith } from './signing-key.ts'

export interface CommandSignerOptions {
  /**
   * Reads the document from its input and prints an armored detached signature: `gpg --batch --detach-sign --armor -u KEYID`. A text is a line
   * for /bin/sh, as `git` takes its hooks and editors, so that it may quote and set variables; a list is run as it is, with no shell.
   */
  readonly command: string | readonly [string, ...string[]]
  /** The public key that it signs with: armored or not, a file or its text. */
  readonly publicKey: { readonly file: string } | { readonly text: string }
  /** How long it may take; a person may have to touch a card. Default: 60. */
  readonly timeoutSeconds?: number
  /** Milliseconds, as Date.now() has them. */
  readonly now: () => number
}

const timeoutSecondsDefault = 60

/**
 * A signer by a program of the operator's: gpg with its agent, a smartcard, a service that keeps the key. What it prints is believed only once
 * the public key has verified it. It is run once here, for a try.
 *
 * @throws SigningError
 */
export async function openCommandSigner(options: CommandSignerOptions): Promise<Signer> {
  const { command, publicKey, timeoutSeconds = timeoutSecondsDefault, now } = options
  const file: KeyFile =
    'file' in publicKey
      ? await readKeyFile(publicKey.file)
      : { name: 'the public key', bytes: Buffer.from(publicKey.text) }
  const { keys } = readKeyring([file], now())
  const primaries = keys.filter(({ isPrimary }) => isPrimary)
  if (primaries.length > 1) {
    const message = `${file.name} holds ${primaries.length} keys; it has to hold the one that signs: gpg --export --armor KEYID`
    throw new SigningError('BAD_KEYRING', message)
  }
  const armored = writeArmor('PUBLIC KEY BLOCK', publicKeyBytes(file))
  const [first] = keysToSignWith(file.name, keys, now())
  const signer = new CommandSigner({ command, timeoutSeconds, now }, armored, file.name, keys, describeKey(first))
  await signer.sign(Buffer.from('a try'))
  return signer
}

class CommandSigner implements Signer {
  readonly publicKey: string
  readonly describe: SignerDescription
  readonly #options: Required<Omit<CommandSignerOptions, 'publicKey'>>
  readonly #fileName: string
  readonly #keys: readonly CertifiedKey[]

  constructor(
    options: Required<Omit<CommandSignerOptions, 'publicKey'>>,
    publicKey: string,
    fileName: string,
    keys: readonly CertifiedKey[],
    describe: SignerDescription,
  ) {
    this.publicKey = publicKey
    this.describe = describe
    this.#options = options
    this.#fileName = fileName
    this.#keys = keys
  }

  async sign(bytes: Uint8Array): Promise<Uint8Array> {
    const { command, timeoutSeconds, now } = this.#options
    keysToSignWith(this.#fileName, this.#keys, now())
    const output = await runForOutput(command, bytes, timeoutSeconds)
    // Any of its keys will do that clients take: which one signs is the program's to say.
    const fit = keysToSignWith(this.#fileName, this.#keys, now())
    return checkMade('the signing command', output, bytes, fit, now())
  }
}
