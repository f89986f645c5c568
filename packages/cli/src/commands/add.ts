import type { Command } from 'commander'
import { defineAddOptions, defineChangeOptions, readAddOptions, readChangeOptions } from '../change-options.ts'
import type { Cli } from '../cli.ts'
import { defineGenerationsOption } from '../generations-option.ts'
import { definePolicyOptions } from '../policy-options.ts'
import { defineSigningOptions, readPublishingConnection } from '../signing-options.ts'

const examples = `
Examples:
  $ repokeeper add s3://my-bucket/el9/x86_64 dist/*.rpm
  $ repokeeper add s3://my-bucket/el9/x86_64 foo-1.0-1.x86_64.rpm --wait     # returns when dnf can see it
  $ repokeeper add s3://my-bucket/el9/x86_64 foo-1.0-1.x86_64.rpm --to Packages/f
  $ repokeeper add s3://my-bucket/el9/x86_64 dist/*.rpm --publish            # no worker needed
  $ repokeeper add ./repo dist/*.rpm                                         # a directory

Every FILE is checked first: where one is no whole RPM package, or with --package-policy signed not signed by a key of the keyring,
nothing is uploaded.
`

export function defineAdd(program: Command, cli: Cli): void {
  const command = program
    .command('add')
    .description('Upload packages: checked before, verified by the store, never over another file of the same name.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .argument('<FILE...>', 'RPM packages')
  defineGenerationsOption(command)
  definePolicyOptions(defineSigningOptions(defineChangeOptions(defineAddOptions(command))))
    .addHelpText('after', examples)
    .action(async (repo: string, files: string[]) => {
      await runAdd(repo, files, command.optsWithGlobals(), cli)
    })
}

/** Also what `updatePackages -o add` does. */
export async function runAdd(repo: string, files: readonly string[], values: unknown, cli: Cli): Promise<void> {
  const options = { ...readChangeOptions(values), ...readAddOptions(values) }
  const connection = readPublishingConnection(values, cli.environment)
  const [{ withRepository }, { addPackages }] = await Promise.all([
    import('../open-repository.ts'),
    import('../add-packages.ts'),
  ])
  cli.exitCode = await withRepository(repo, connection, cli, (repository) =>
    addPackages(repository, files, options, cli),
  )
}
