/**
 * The options of the commands that publish, and what they say of signing.
 */
import { type SigningSettings, wrongSigning } from '@repokeeper/worker/signing'
import type { Command } from 'commander'
import * as z from 'zod'
import { type Connection, readConnection } from './connection.ts'
import { UsageError } from './failure.ts'
import { readGenerations } from './generations-option.ts'
import { readPackagePolicy } from './policy-options.ts'

export function defineSigningOptions(command: Command): Command {
  return defineKeyOptions(command).option(
    '--unsigned',
    'publish without a signature, and take away one that is there; also $REPOKEEPER_UNSIGNED',
  )
}

/** Those of commands that sign what is there, and publish nothing. */
export function defineKeyOptions(command: Command): Command {
  return command
    .optionsGroup('Options of signing:')
    .option(
      '--sign-key <source>',
      'private key that signs repomd.xml: a file, or env:VARIABLE, secretsmanager:SECRET, ssm:PARAMETER; also $REPOKEEPER_SIGN_KEY',
    )
    .option('--sign-passphrase <source>', 'of the private key; also $REPOKEEPER_SIGN_PASSPHRASE')
    .option(
      '--sign-command <line>',
      'for the shell, signs instead: reads repomd.xml, prints an armored detached signature; also $REPOKEEPER_SIGN_COMMAND',
    )
    .option(
      '--sign-public-key <file>',
      'public key that lies beside the metadata, and others that clients are to learn of; also $REPOKEEPER_SIGN_PUBLIC_KEY',
    )
    .option('--sign-next-key <source>', 'private key that follows; also $REPOKEEPER_SIGN_NEXT_KEY')
    .option(
      '--sign-next-command <line>',
      'for the shell, follows, as of --sign-command; needs --sign-next-public-key; also $REPOKEEPER_SIGN_NEXT_COMMAND',
    )
    .option(
      '--sign-next-public-key <file>',
      'public key of the line that follows; also $REPOKEEPER_SIGN_NEXT_PUBLIC_KEY',
    )
    .option('--sign-next-from <date>', 'from when on it signs; also $REPOKEEPER_SIGN_NEXT_FROM')
}

/** As `readConnection`, with what signs. @throws UsageError */
export function readSigningConnection(
  values: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): Connection {
  return { ...readConnection(values, environment), signing: readSigning(values, environment) }
}

/** The same, with which packages are let in, and whether there are generations. @throws UsageError */
export function readPublishingConnection(
  values: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): Connection {
  return {
    ...readSigningConnection(values, environment),
    packagePolicy: readPackagePolicy(values, environment),
    generations: readGenerations(values, environment),
  }
}

function readSigning(values: unknown, environment: Readonly<Record<string, string | undefined>>): SigningSettings {
  const flags = Flags.parse(values)
  const or = (flag: string | undefined, variable: string): string | undefined =>
    flag ?? (environment[`REPOKEEPER_${variable}`] || undefined)
  const settings: SigningSettings = {
    signKey: or(flags.signKey, 'SIGN_KEY'),
    signPassphrase: or(flags.signPassphrase, 'SIGN_PASSPHRASE'),
    signCommand: or(flags.signCommand, 'SIGN_COMMAND'),
    signPublicKey: or(flags.signPublicKey, 'SIGN_PUBLIC_KEY'),
    signNextKey: or(flags.signNextKey, 'SIGN_NEXT_KEY'),
    signNextCommand: or(flags.signNextCommand, 'SIGN_NEXT_COMMAND'),
    signNextPublicKey: or(flags.signNextPublicKey, 'SIGN_NEXT_PUBLIC_KEY'),
    signNextFrom: or(flags.signNextFrom, 'SIGN_NEXT_FROM'),
    unsigned: flags.unsigned || /^(1|true|yes|on)$/i.test(environment.REPOKEEPER_UNSIGNED ?? ''),
  }
  const wrong = wrongSigning(settings)
  if (wrong !== undefined) throw new UsageError(wrong)
  return settings
}

const source = z.string().min(1).optional()
const Flags = z.object({
  signKey: source,
  signPassphrase: source,
  signCommand: source,
  signPublicKey: source,
  signNextKey: source,
  signNextCommand: source,
  signNextPublicKey: source,
  signNextFrom: source,
  unsigned: z.boolean().default(false),
})
