import type { Command } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'

const examples = `
A repository has generations where it is published with --generations-url. They are kept as long as their documents are (gc
--retention), and longer where a snapshot or the mirrorlist names them.

Examples:
  $ repokeeper generations s3://my-bucket/el9/x86_64
  $ repokeeper generations s3://my-bucket/el9/x86_64 --json | jq -r '.generations[] | select(.isCurrent | not) | .id'
  $ repokeeper rollback s3://my-bucket/el9/x86_64 ID
  $ repokeeper snapshot s3://my-bucket/el9/x86_64 2026-11 --id ID
`

export function defineGenerations(program: Command, cli: Cli): void {
  const command = program
    .command('generations')
    .description('List the generations that are kept, each with when it was published and who needs it.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .option('--json', 'report as one JSON document')
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const options = Options.parse(values)
      const [{ withRepository }, { showGenerations }] = await Promise.all([
        import('../open-repository.ts'),
        import('../show-generations.ts'),
      ])
      cli.exitCode = await withRepository(repo, readConnection(values, cli.environment), cli, (repository) =>
        showGenerations(repository, options, cli),
      )
    })
}

const Options = z.object({ json: z.boolean().default(false) })
