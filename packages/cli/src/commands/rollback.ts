import type { Command } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { UsageError } from '../failure.ts'
import { defineKeyOptions, readSigningConnection } from '../signing-options.ts'

const examples = `
Clients of the mirrorlist then see the generation ID, whatever is published, until --resume. Workers go on publishing meanwhile, and
clients of the baseurl see what they publish. What the generation lists and was deleted from the bucket or replaced since then is not
there for anybody: it is named before.

Where the repository is signed, and the generation is not, or with a key that the repository no longer has, clients that check
signatures would refuse it: then the key is needed (--sign-key), and signs it, or --force.

Examples:
  $ repokeeper generations s3://my-bucket/el9/x86_64                   # which are there?
  $ repokeeper rollback s3://my-bucket/el9/x86_64 ID --dry-run         # what would clients see?
  $ repokeeper rollback s3://my-bucket/el9/x86_64 ID
  $ repokeeper rollback s3://my-bucket/el9/x86_64 --resume             # clients see what is published again
`

export function defineRollback(program: Command, cli: Cli): void {
  const command = program
    .command('rollback')
    .description('Send clients back to a generation that is kept, until it is resumed.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .argument('[ID]', 'of the generation')
    .option('--resume', 'let clients see what is published again')
    .option('--force', 'also where clients that check signatures would refuse it')
    .option('-n, --dry-run', 'say what clients would see, change nothing')
    .option('--json', 'report as one JSON document')
    .addHelpText('after', examples)
  defineKeyOptions(command)
  command.action(async (repo: string, id: string | undefined) => {
    const values = command.optsWithGlobals()
    const options = Options.parse(values)
    if ((id === undefined) !== options.resume) {
      throw new UsageError('give the ID of a generation ("repokeeper generations" lists them), or --resume')
    }
    const [{ withRepository }, { rollBack, resume }] = await Promise.all([
      import('../open-repository.ts'),
      import('../roll-back.ts'),
    ])
    cli.exitCode = await withRepository(repo, readSigningConnection(values, cli.environment), cli, (repository) =>
      id === undefined ? resume(repository, options, cli) : rollBack(repository, id, options, cli),
    )
  })
}

const Options = z.object({
  json: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  resume: z.boolean().default(false),
  force: z.boolean().default(false),
})
