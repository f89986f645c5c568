import type { Command } from 'commander'
import * as z from 'zod'
import { defineAddOptions, defineChangeOptions, readAddOptions, readChangeOptions } from '../change-options.ts'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { definePolicyOptions } from '../policy-options.ts'
import { defineSigningOptions, readPublishingConnection } from '../signing-options.ts'

const examples = `
NEVRA is what "repokeeper remove" takes: a NEVRA (name-[epoch:]version-release, with or without .arch), a file name, a path below
FROM, or a pattern (* ? [...]) over these. FROM and TO are s3://BUCKET/PATH or directories. From bucket to bucket the store copies
by itself, and where it knows the digests nothing comes by here. A package lies in TO where it lies in FROM, but for --to.

Examples:
  $ repokeeper promote foo-1.0-1.x86_64 s3://my-bucket/testing s3://my-bucket/stable
  $ repokeeper promote 'foo-*-1.0-1' 'bar-2.1-*' s3://testing/el9 s3://stable/el9 --wait    # returns when dnf can see them
  $ repokeeper promote foo --all-versions s3://testing/el9 s3://stable/el9 --dry-run
  $ repokeeper promote foo-1.0-1 s3://my-bucket/stable ./mirror --to Packages/f

FROM stays as it is: "repokeeper remove" takes a package out of it. Names that match nothing do not hold back the others; the exit
code is 1 then.
`

export function definePromote(program: Command, cli: Cli): void {
  const command = program
    .command('promote')
    .description('Copy packages from one repository to another: never over another file of the same name.')
    .usage('[options] <NEVRA...> <FROM> <TO>')
    .argument('<NEVRA...>', 'packages; and then FROM and TO, the repositories: s3://BUCKET/PATH or a directory')
  defineChangeOptions(defineAddOptions(command)).option(
    '--all-versions',
    'NEVRA may be the name of a package: all its versions are copied',
  )
  definePolicyOptions(defineSigningOptions(command))
    .addHelpText('after', examples)
    .action(async (items: string[]) => {
      const { names, from, to } = readItems(items)
      const values = command.optsWithGlobals()
      const options = { ...readChangeOptions(values), ...readAddOptions(values), ...Options.parse(values) }
      const connection = readConnection(values, cli.environment)
      const publishing = readPublishingConnection(values, cli.environment)
      const [{ withRepository }, { promotePackages }] = await Promise.all([
        import('../open-repository.ts'),
        import('../promote-packages.ts'),
      ])
      cli.exitCode = await withRepository(from, connection, cli, (source) =>
        withRepository(to, publishing, cli, (target) => promotePackages(names, source, target, options, cli)),
      )
    })
}

const Options = z
  .object({ allVersions: z.boolean().default(false), to: z.string().optional() })
  // Without it a package keeps its directory; with "--to ." it comes to the root.
  .transform(({ to, allVersions }) => ({ allVersions, keepsLayout: to === undefined }))

/** As cp(1) has it: what it goes to comes last. @throws UsageError */
function readItems(items: readonly string[]): { names: readonly string[]; from: string; to: string } {
  const [from, to] = items.slice(-2)
  const names = items.slice(0, -2)
  if (from !== undefined && to !== undefined && names.length > 0) return { names, from, to }
  throw new UsageError('name the packages, then the repository that they are in, then the one that they go to')
}
