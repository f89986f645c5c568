import { parseDuration } from '@repokeeper/worker/duration'
import { type Command, InvalidArgumentError } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { UsageError } from '../failure.ts'
import { defineGenerationsOption } from '../generations-option.ts'
import { definePolicyOptions } from '../policy-options.ts'
import { defineSigningOptions, readPublishingConnection } from '../signing-options.ts'

const examples = `
Exit codes: 0 where nothing is found (or left after --repair), 1 where something is, or it failed, 2 for wrong use.

Examples:
  $ repokeeper audit s3://my-bucket/el9/x86_64
  $ repokeeper audit s3://my-bucket/el9/x86_64 --deep --json | jq '.findings[] | .kind, .path'
  $ repokeeper audit s3://my-bucket/el9/x86_64 --repair
  $ repokeeper audit s3://my-bucket/el9/x86_64 --signatures --keyring RPM-GPG-KEY-mine    # what an older policy let in

One listing, repomd.xml and primary are read; --deep reads every document and every package through and takes their digests.
What looks wrong is looked at again after --settle: what a worker is publishing just now is no drift.

--repair publishes packages whose notifications were lost, writes primary, filelists and other anew where one of them is
damaged, and takes the records of other files that are gone out of repomd.xml, for clients fail on them. What only a person can
decide on stays, and is named with what to do. With --json the result has "findings" (each with kind, path, record, problem,
remedy, mend), "notes", and after --repair "found" and "repairs".

--signatures reads the headers of all listed packages and finds those that --package-policy signed would not let in: unsigned-package,
untrusted-package, broken-signature. --repair takes them out of the metadata, so that no client installs them; the files stay in the
bucket, for nothing here deletes a package. Give the workers the same policy first, or they list them again. "signers" of the result
has the keys that have signed, and how many packages. Packages of rpm before 4.14 are signed over their payload: --deep reads it.
`

export function defineAudit(program: Command, cli: Cli): void {
  const command = program
    .command('audit')
    .description('Find what is wrong between the bucket and the metadata, and mend it where that is asked for.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .option('--deep', 'take the digest of every document and every package')
    .option('--signatures', 'find listed packages that are not signed by a key of the keyring')
    .option('--repair', 'mend what is found, and look again')
    .option(
      '--settle <time>',
      'how long something has to look wrong to count (default: 30s; in a directory 0)',
      readTime,
    )
    .option('--json', 'report as one JSON document')
  defineGenerationsOption(command)
  definePolicyOptions(defineSigningOptions(command))
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const options = Options.parse(values)
      const connection = readPublishingConnection(withPolicyOf(options, values), cli.environment)
      const [{ withRepository }, { audit }] = await Promise.all([
        import('../open-repository.ts'),
        import('../audit-repository.ts'),
      ])
      cli.exitCode = await withRepository(repo, connection, cli, (repository) => audit(repository, options, cli))
    })
}

/** Signatures are looked at as the policy would. @throws UsageError for a keyring that nothing asks for */
function withPolicyOf({ signatures, keyring, packagePolicy }: z.output<typeof Options>, values: object): object {
  if (signatures) return { ...values, packagePolicy: 'signed' }
  if (keyring.length === 0 || packagePolicy !== undefined) return values
  throw new UsageError('--keyring is of no use without --signatures, or --package-policy')
}

function readTime(text: string): number {
  const milliseconds = parseDuration(text)
  if (milliseconds !== undefined && milliseconds <= settleMsMax) return milliseconds
  throw new InvalidArgumentError('Expected a time such as 30s or 5m, a day at most.')
}

const settleMsMax = 24 * 3_600_000

const Options = z
  .object({
    json: z.boolean().default(false),
    deep: z.boolean().default(false),
    repair: z.boolean().default(false),
    signatures: z.boolean().default(false),
    keyring: z.array(z.string()).default([]),
    packagePolicy: z.string().optional(),
    settle: z.number().optional(),
  })
  .transform(({ settle, ...options }) => ({ ...options, settleMs: settle }))
