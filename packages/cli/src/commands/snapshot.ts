import type { Command } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'
import { UsageError } from '../failure.ts'

const examples = `
A snapshot is a mirrorlist that always names the same generation: snapshots/NAME/mirrorlist. What it lists is neither cleaned up nor
pruned until it is deleted; "remove" and who deletes from the bucket by hand take packages away all the same.

Examples:
  $ repokeeper snapshot s3://my-bucket/el9/x86_64 2026-11               # of what is published now; prints the .repo file
  $ repokeeper snapshot s3://my-bucket/el9/x86_64 before-upgrade --id ID
  $ repokeeper snapshot s3://my-bucket/el9/x86_64 2026-11 --delete
`

export function defineSnapshot(program: Command, cli: Cli): void {
  const command = program
    .command('snapshot')
    .description('Give a generation a name that stays, to install from.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .argument('<NAME>', 'letters, digits, ".", "_" and "-"')
    .option('--id <id>', 'of the generation (default: what is published now)')
    .option('--delete', 'take the name away; the generation goes once nothing else needs it and its retention is over')
    .option('--json', 'report as one JSON document')
    .addHelpText('after', examples)
    .action(async (repo: string, name: string) => {
      const values = command.optsWithGlobals()
      const { delete: isDelete, ...options } = Options.parse(values)
      if (isDelete && options.id !== undefined) throw new UsageError('--delete takes a name, and no --id')
      const [{ withRepository }, { snapshot, dropSnapshot }] = await Promise.all([
        import('../open-repository.ts'),
        import('../snapshot-generation.ts'),
      ])
      cli.exitCode = await withRepository(repo, readConnection(values, cli.environment), cli, (repository) =>
        isDelete ? dropSnapshot(repository, name, options, cli) : snapshot(repository, name, options, cli),
      )
    })
}

const Options = z.object({
  json: z.boolean().default(false),
  delete: z.boolean().default(false),
  id: z.string().optional(),
})
