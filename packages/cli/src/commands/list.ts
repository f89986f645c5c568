import type { Command } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'

const examples = `
Examples:
  $ repokeeper list s3://my-bucket/el9/x86_64
  $ repokeeper list s3://my-bucket/el9/x86_64 'foo-*' bar
  $ repokeeper list s3://my-bucket/el9/x86_64 --json | jq -r .location

This is what dnf is told. What the bucket holds may differ: "repokeeper plan" compares the two.
`

export function defineList(program: Command, cli: Cli): void {
  const command = program
    .command('list')
    .description('Print the packages that the metadata lists: NEVRA, size, location.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .argument('[NAME...]', 'only these: package names, NEVRAs, file names, paths or patterns')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', examples)
    .action(async (repo: string, names: string[]) => {
      const values = command.optsWithGlobals()
      const { json } = Options.parse(values)
      const [{ withRepository }, { listRepository }] = await Promise.all([
        import('../open-repository.ts'),
        import('../list-repository.ts'),
      ])
      cli.exitCode = await withRepository(repo, readConnection(values, cli.environment), cli, (repository) =>
        listRepository(repository, names, { json }, cli),
      )
    })
}

const Options = z.object({ json: z.boolean().default(false) })
