import type { Command } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { defineGenerationsOption } from '../generations-option.ts'
import { definePolicyOptions } from '../policy-options.ts'
import { defineSigningOptions, readPublishingConnection } from '../signing-options.ts'

const examples = `
Any command that publishes, and any worker, takes over a repository of createrepo_c or of another tool by itself. This looks at it first: each record
of repomd.xml with its compression, packages that are not listed or not there, listed twice, or elsewhere, and what becomes of all that.
Comps, modules, updateinfo and unknown records stay; sqlite, zchunk and deltas are dropped, because they would be wrong after the first change.

With --yes the documents are written as repokeeper writes them, and the differences are brought into line. No package is touched. A file that cannot be listed, because it is no whole package or not signed as --package-policy wants it, is
named and left out, and the command ends with 1, each time until the file is uploaded again or removed.

Examples:
  $ repokeeper adopt s3://my-bucket/el9/x86_64                   # what is there?
  $ repokeeper adopt s3://my-bucket/el9/x86_64 --yes
  $ repokeeper adopt ./repo --json | jq '.records[] | select(.fate == "dropped")'
`

export function defineAdopt(program: Command, cli: Cli): void {
  const command = program
    .command('adopt')
    .description('Look at a repository of another tool, say what would become of it, and take it over.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .option('-y, --yes', 'do it; without it only what would be done is printed')
    .option('--json', 'report as one JSON document')
  defineGenerationsOption(command)
  definePolicyOptions(defineSigningOptions(command))
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const options = Options.parse(values)
      const [{ withRepository }, { adopt }] = await Promise.all([
        import('../open-repository.ts'),
        import('../adopt-repository.ts'),
      ])
      cli.exitCode = await withRepository(repo, readPublishingConnection(values, cli.environment), cli, (repository) =>
        adopt(repository, options, cli),
      )
    })
}

const Options = z.object({ json: z.boolean().default(false), yes: z.boolean().default(false) })
