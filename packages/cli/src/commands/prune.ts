import { parseDuration } from '@repokeeper/worker/duration'
import { type Command, InvalidArgumentError, Option } from 'commander'
import * as z from 'zod'
import { defineChangeOptions, readChangeOptions } from '../change-options.ts'
import type { Cli } from '../cli.ts'
import { UsageError } from '../failure.ts'
import { definePolicyOptions } from '../policy-options.ts'
import { gather } from '../repeated-option.ts'
import { defineSigningOptions, readPublishingConnection } from '../signing-options.ts'

const examples = `
Newest is what rpm takes for newest: epoch, then version, then release, of each name and architecture for itself. The newest version
of a package always stays. So does what a module stream is made of, and every file of which the metadata does not say which package
it is.

Nothing is deleted without --yes. What is deleted is the very object that was looked at: one that is replaced meanwhile stays. The
events of the deletion take it out of the metadata, or --publish does.

Examples:
  $ repokeeper prune s3://my-bucket/el9/x86_64 --keep 3                            # what would go?
  $ repokeeper prune s3://my-bucket/el9/x86_64 --keep 3 --yes --wait
  $ repokeeper prune s3://my-bucket/el9/x86_64 --older-than 90d --name 'nightly-*' # all but the newest that are so old
  $ repokeeper prune ./repo --keep 1 --arch src --yes
  $ repokeeper prune s3://my-bucket/el9/x86_64 --keep 3 --json | jq -r '.packages[] | select(.status == "goes") | .location'
`

export function definePrune(program: Command, cli: Cli): void {
  const command = program
    .command('prune')
    .description('Delete old versions of packages: all but the newest few of each name and architecture.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .option(
      '--keep <count>',
      'so many of the newest versions stay (default, where --older-than is given: 1)',
      readCount,
    )
    .option('--older-than <time>', 'only what was uploaded longer ago than this goes: 12h, 90d', readAge)
    .option('--name <pattern>', 'only packages of this name (* ? [...]); may be given several times', gather)
    .option('--arch <arch>', 'only packages of this architecture (a pattern, too); may be given several times', gather)
    .addOption(new Option('-y, --yes', 'delete; without it only the plan is printed').conflicts('dryRun'))
  definePolicyOptions(defineSigningOptions(defineChangeOptions(command)))
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const options = readOptions(values)
      const connection = readPublishingConnection(values, cli.environment)
      const [{ withRepository }, { prunePackages }] = await Promise.all([
        import('../open-repository.ts'),
        import('../prune-packages.ts'),
      ])
      cli.exitCode = await withRepository(repo, connection, cli, (repository) =>
        prunePackages(repository, options, cli),
      )
    })
}

const Options = z.object({
  keep: z.number().optional(),
  olderThan: z.number().optional(),
  name: z.array(z.string()).default([]),
  arch: z.array(z.string()).default([]),
  yes: z.boolean().default(false),
})

/** @throws UsageError where nothing says what is old */
function readOptions(values: unknown) {
  const { keep, olderThan, name, arch, yes } = Options.parse(values)
  if (keep === undefined && olderThan === undefined) {
    throw new UsageError('say how many versions stay (--keep 3), or how old those are that go (--older-than 90d)')
  }
  const policy = { keep: keep ?? 1, olderThanMs: olderThan, names: name, arches: arch }
  return { ...readChangeOptions(values), ...policy, dryRun: !yes }
}

function readCount(text: string): number {
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (value >= 1) return value
  throw new InvalidArgumentError('Expected a whole number from 1 to 999999: the newest version always stays.')
}

function readAge(text: string): number {
  const milliseconds = parseDuration(text)
  if (milliseconds !== undefined) return milliseconds
  throw new InvalidArgumentError('Expected a time such as 12h or 90d, ten years at most.')
}
