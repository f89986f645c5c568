import type { Command } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'
import { ExitCode } from '../failure.ts'

const examples = `
Exit codes: 0 where they agree, ${ExitCode.different} where they differ (as dnf check-update does), 1 where it failed, 2 for wrong use.

Examples:
  $ repokeeper plan s3://my-bucket/el9/x86_64
  $ repokeeper plan s3://my-bucket/el9/x86_64 --json | jq .differences

Only sizes and times are compared: nothing is downloaded but the metadata.
`

export function definePlan(program: Command, cli: Cli): void {
  const command = program
    .command('plan')
    .description('Compare what the bucket holds with what the metadata lists. Changes nothing.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .option('--json', 'report as one JSON document')
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const { json } = Options.parse(values)
      const [{ withRepository }, { planRepository }] = await Promise.all([
        import('../open-repository.ts'),
        import('../plan-repository.ts'),
      ])
      cli.exitCode = await withRepository(repo, readConnection(values, cli.environment), cli, (repository) =>
        planRepository(repository, { json }, cli),
      )
    })
}

const Options = z.object({ json: z.boolean().default(false) })
