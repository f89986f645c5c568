/**
 * The program `updatePackages`: add and remove, with bucket and path as options.
 */
import { type Command, Option } from 'commander'
import * as z from 'zod'
import { defineAddOptions, defineChangeOptions, defineRemoveOptions } from './change-options.ts'
import type { Cli } from './cli.ts'
import { runAdd } from './commands/add.ts'
import { runRemove } from './commands/remove.ts'
import { defineConnectionOptions } from './connection.ts'
import { UsageError } from './failure.ts'
import { defineGenerationsOption } from './generations-option.ts'
import { definePolicyOptions } from './policy-options.ts'
import { createProgram } from './program.ts'
import { defineSigningOptions } from './signing-options.ts'

const examples = `
Exit codes: 0 done, 1 it failed, 2 wrong use. REPOKEEPER_DEBUG=1 shows where an error happened.

Examples:
  $ updatePackages -b my-bucket -p el9/x86_64 -o add dist/*.rpm
  $ updatePackages -b my-bucket -p el9/x86_64 -o add foo-1.0-1.x86_64.rpm --wait
  $ updatePackages -b my-bucket -p el9/x86_64 -o remove foo-1.0-1.x86_64
  $ updatePackages -b my-bucket -p el9/x86_64 -o remove 'foo-1.0-*' --dry-run

The same as "repokeeper add s3://BUCKET/PATH FILE..." and "repokeeper remove s3://BUCKET/PATH NAME...", whose --help says more.
`

/** Which operation an option belongs to. */
const onlyFor: Readonly<Record<string, 'add' | 'remove'>> = {
  to: 'add',
  replace: 'add',
  concurrency: 'add',
  allVersions: 'remove',
}

export function updatePackagesProgram(cli: Cli): Command {
  const program = createProgram('updatePackages', cli)
    .description('Add packages to, or remove them from, an RPM repository in S3.')
    .argument('<FILE_OR_NAME...>', 'RPM packages to add; file names, paths, NEVRAs or patterns to remove')
    .requiredOption('-b, --bucket <bucket>', 'the bucket')
    .addOption(
      new Option('-p, --path <path>', 'the directory of the repository in the bucket').default('', 'the whole bucket'),
    )
    .addOption(new Option('-o, --operation <operation>', 'what to do').choices(['add', 'remove']).makeOptionMandatory())
  program.optionsGroup('Options of "-o add":')
  defineAddOptions(program)
  program.optionsGroup('Options of "-o remove":')
  defineRemoveOptions(program)
  program.optionsGroup('Options of both:')
  defineChangeOptions(program)
  defineGenerationsOption(program)
  defineSigningOptions(program)
  definePolicyOptions(program)
  defineConnectionOptions(program)
  return program.addHelpText('after', examples).action(async (items: string[]) => {
    const values = program.opts()
    const { bucket, path, operation } = Options.parse(values)
    for (const [option, owner] of Object.entries(onlyFor)) {
      if (owner === operation || program.getOptionValueSource(option) !== 'cli') continue
      const flag = option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
      throw new UsageError(`--${flag} is an option of "-o ${owner}", not of "-o ${operation}"`)
    }
    const repo = `s3://${bucket.replace(/^s3:\/\//, '').replace(/\/$/, '')}/${path.replace(/^\//, '')}`
    await (operation === 'add' ? runAdd : runRemove)(repo, items, values, cli)
  })
}

const Options = z.object({ bucket: z.string(), path: z.string(), operation: z.enum(['add', 'remove']) })
