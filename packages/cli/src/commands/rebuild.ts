import type { Command } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { defineGenerationsOption } from '../generations-option.ts'
import { definePolicyOptions } from '../policy-options.ts'
import { defineSigningOptions, readPublishingConnection } from '../signing-options.ts'

const examples = `
Examples:
  $ repokeeper rebuild s3://my-bucket/el9/x86_64
  $ repokeeper rebuild ./repo --dry-run

Comps, modules, updateinfo and other records of repomd.xml stay. Packages that cannot be read, or that --package-policy does not let
in, are left out and named; the exit code is 1 then. Workers may go on meanwhile.
`

export function defineRebuild(program: Command, cli: Cli): void {
  const command = program
    .command('rebuild')
    .description('Write the metadata anew from the packages alone, and publish it.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .option('-n, --dry-run', 'say what would be read, change nothing')
    .option('--json', 'report as one JSON document')
  defineGenerationsOption(command)
  definePolicyOptions(defineSigningOptions(command))
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const options = Options.parse(values)
      const [{ withRepository }, { rebuild }] = await Promise.all([
        import('../open-repository.ts'),
        import('../rebuild.ts'),
      ])
      cli.exitCode = await withRepository(repo, readPublishingConnection(values, cli.environment), cli, (repository) =>
        rebuild(repository, options, cli),
      )
    })
}

const Options = z.object({ json: z.boolean().default(false), dryRun: z.boolean().default(false) })
