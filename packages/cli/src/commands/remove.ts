import type { Command } from 'commander'
import { defineChangeOptions, defineRemoveOptions, readChangeOptions, readRemoveOptions } from '../change-options.ts'
import type { Cli } from '../cli.ts'
import { defineGenerationsOption } from '../generations-option.ts'
import { definePolicyOptions } from '../policy-options.ts'
import { defineSigningOptions, readPublishingConnection } from '../signing-options.ts'

const examples = `
NAME is a file name, a path below REPO, a NEVRA (name-[epoch:]version-release, with or without .arch), or a pattern
(* ? [...]) over these. A path may begin with REPO, or with PATH as the keys of its bucket do. What the metadata says counts: a
file's name need not be its NEVRA.

Examples:
  $ repokeeper remove s3://my-bucket/el9/x86_64 foo-1.0-1.x86_64.rpm
  $ repokeeper remove s3://my-bucket/el9/x86_64 foo-1:1.0-1 --wait           # returns when dnf can't see it any more
  $ repokeeper remove s3://my-bucket/el9/x86_64 'foo-1.0-*' --dry-run
  $ repokeeper remove s3://my-bucket/el9/x86_64 foo --all-versions
  $ repokeeper remove ./repo 'Packages/f/*.rpm'

Names that match nothing do not hold back the others; the exit code is 1 then.
`

export function defineRemove(program: Command, cli: Cli): void {
  const command = program
    .command('remove')
    .description('Delete packages from the bucket, by file name, path, NEVRA or pattern.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .argument('<NAME...>', 'packages')
  defineGenerationsOption(command)
  definePolicyOptions(defineSigningOptions(defineChangeOptions(defineRemoveOptions(command))))
    .addHelpText('after', examples)
    .action(async (repo: string, names: string[]) => {
      await runRemove(repo, names, command.optsWithGlobals(), cli)
    })
}

/** Also what `updatePackages -o remove` does. */
export async function runRemove(repo: string, names: readonly string[], values: unknown, cli: Cli): Promise<void> {
  const options = { ...readChangeOptions(values), ...readRemoveOptions(values) }
  const connection = readPublishingConnection(values, cli.environment)
  const [{ withRepository }, { removePackages }] = await Promise.all([
    import('../open-repository.ts'),
    import('../remove-packages.ts'),
  ])
  cli.exitCode = await withRepository(repo, connection, cli, (repository) =>
    removePackages(repository, names, options, cli),
  )
}
