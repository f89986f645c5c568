import { type Command, InvalidArgumentError, Option } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'

const guide = `
A SOURCE is a file, or env:VARIABLE, secretsmanager:SECRET, ssm:PARAMETER. No file is ever written over.

Examples:
  $ repokeeper key new --user-id 'My packages <packages@example.com>' --output /etc/repokeeper/signing-key.asc
  $ repokeeper key show s3://my-bucket/el9/x86_64
  $ repokeeper key rotate s3://my-bucket/el9/x86_64 --from 2027-01-31 --output /etc/repokeeper/key-2027.asc
`

const examples = {
  new: `
Written are, for an --output of signing-key.asc: signing-key.asc, the private key, for nobody else to read; signing-key.pub.asc, the public
one; signing-key.revocation.asc, to be kept elsewhere for the day when somebody else has the key.

RSA 4096 is read by all clients; Ed25519 is smaller and quicker, and read by gpg from 2.1 and rpm from 4.16 on: not by RHEL 7, nor,
for packages, by RHEL 8. Without --expires the key lasts for ever; with it, clients refuse what it signs once it is over.

Examples:
  $ repokeeper key new --user-id 'My packages <packages@example.com>' --output /etc/repokeeper/
  $ repokeeper key new --user-id 'My packages' --kind ed25519 --expires 3y --passphrase env:PASSPHRASE --output key.asc
`,
  show: `
Of a repository it is the keys that lie beside the metadata (repodata/repomd.xml.key), and which of them signs now, which follows. Of a private key the public part is shown; no
passphrase is asked for.

Examples:
  $ repokeeper key show signing-key.asc
  $ repokeeper key show https://packages.example.org/el9/x86_64/
  $ repokeeper key show s3://my-bucket/el9/x86_64 --json | jq -r '.keys[].fingerprint'
`,
  rotate: `
CURRENT is where the public key lies that signs now: a repository, a file, a URL. The next key is made, or taken by --next-key, and it is said which
options go where, and what clients have to do until when. A file with both public keys is written beside the new key. Nothing is published.
--sign-passphrase opens both keys: where both are protected, it is by the same one.

Examples:
  $ repokeeper key rotate s3://my-bucket/el9/x86_64 --from 2027-01-31 --output /etc/repokeeper/key-2027.asc
  $ repokeeper key rotate signing-key.pub.asc --next-key secretsmanager:key-2027 --output keys.asc
`,
}

export function defineKey(program: Command, cli: Cli): void {
  const group = program
    .command('key')
    .description('Make, look at and change the keys that sign the metadata.')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', guide)
  defineNew(group, cli)
  defineShow(group, cli)
  defineRotate(group, cli)
}

function defineNew(group: Command, cli: Cli): void {
  const command = group
    .command('new')
    .description('Make a key: private and public part, and what revokes it.')
    .requiredOption('--user-id <name>', 'whose it is, as clients show it: NAME <MAIL>')
  defineNewKeyOptions(command)
    .requiredOption('-o, --output <path>', 'directory, or file of the private key; the others lie beside it')
    .option('--json', 'report as one JSON document')
    .addHelpText('after', examples.new)
    .action(async () => {
      const values = command.optsWithGlobals()
      const options = NewOptions.parse(values)
      const { makeNewKey } = await import('../key-new.ts')
      cli.exitCode = await makeNewKey(options, readConnection(values, cli.environment), cli)
    })
}

function defineShow(group: Command, cli: Cli): void {
  const command = group
    .command('show')
    .description('Show keys: fingerprints, kinds, until when, and whether clients can check with them.')
    .argument('<KEY>', 'a file, s3://BUCKET/PATH, a directory, or a URL of a repository or of a key')
    .option('--json', 'report as one JSON document')
    .addHelpText('after', examples.show)
    .action(async (source: string) => {
      const values = command.optsWithGlobals()
      const { showKeys } = await import('../key-show.ts')
      cli.exitCode = await showKeys(source, ShowOptions.parse(values), readConnection(values, cli.environment), cli)
    })
}

function defineRotate(group: Command, cli: Cli): void {
  const command = group
    .command('rotate')
    .description('Let another key follow the one that signs: make it, and say who has to do what until when.')
    .argument('<CURRENT>', 'where the public key lies that signs now: as for "key show"')
    .option('--from <date>', 'from when on the next key signs, such as 2027-01-31 (default: in 30 days)', readDate)
    .option('--next-key <source>', 'private key that follows; without it one is made')
    .option('--user-id <name>', 'of the key that is made (default: that of the present one)')
  defineNewKeyOptions(command)
    .requiredOption('-o, --output <path>', 'as for "key new"; with --next-key the file of both public keys')
    .option('--json', 'report as one JSON document')
    .addHelpText('after', examples.rotate)
    .action(async (current: string) => {
      const values = command.optsWithGlobals()
      const options = RotateOptions.parse(values)
      const { rotateKey } = await import('../key-rotate.ts')
      cli.exitCode = await rotateKey(current, options, readConnection(values, cli.environment), cli)
    })
}

function defineNewKeyOptions(command: Command): Command {
  return command
    .addOption(new Option('--kind <kind>', 'of the key').choices(kinds).default('rsa4096'))
    .option(
      '--expires <time>',
      'after so many days, weeks, months or years: 90d, 12w, 18m, 3y (default: never)',
      readExpiry,
    )
    .option('--passphrase <source>', 'protects the private key where it lies')
}

const kinds = ['rsa4096', 'ed25519'] as const

const common = {
  output: z.string().min(1),
  json: z.boolean().default(false),
  kind: z.enum(kinds),
  passphrase: z.string().min(1).optional(),
  expires: z.number().optional(),
}
const NewOptions = z.object({ ...common, userId: z.string() }).transform(({ expires, passphrase, ...options }) => ({
  ...options,
  passphrase,
  expiresAfterDays: expires || undefined,
}))
const ShowOptions = z.object({ json: z.boolean().default(false) })
const RotateOptions = z
  .object({
    ...common,
    userId: z.string().optional(),
    from: z.number().optional(),
    nextKey: z.string().min(1).optional(),
  })
  .transform(({ expires, passphrase, userId, from, nextKey, ...options }) => {
    return { ...options, passphrase, userId, from, nextKey, expiresAfterDays: expires || undefined }
  })

/** Months and years as gpg counts them (g10/keygen.c `parse_expire_string`). */
const daysOf: Readonly<Record<string, number>> = { d: 1, w: 7, m: 30, y: 365 }

/** @returns days; 0 where it is never */
function readExpiry(text: string): number {
  if (text === 'never') return 0
  const [, amount, unit] = /^([1-9][0-9]{0,4})([dwmy])$/.exec(text) ?? []
  if (amount === undefined || unit === undefined) {
    throw new InvalidArgumentError('Expected a time such as 90d, 12w, 18m or 3y, or never.')
  }
  return Number(amount) * (daysOf[unit] ?? 1)
}

/** @returns milliseconds */
function readDate(text: string): number {
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new InvalidArgumentError('Expected a day or a time, such as 2027-01-31 or 2027-01-31T06:00:00Z.')
}
