import type { Command } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { defineGenerationsOption } from '../generations-option.ts'
import { defineSigningOptions, readPublishingConnection } from '../signing-options.ts'

const examples = `
Made where it is not there yet: the bucket; a dead-letter queue, and two queues with long polling, a policy that lets this bucket
and nobody else send, and the dead-letter queue for what failed five times; the notifications of packages below PATH, beside those
that the bucket has; and an empty repository. What is there stays as it is, so that a second run changes nothing. Where no queues are
named, those are taken that the bucket tells of the packages already.

Then the .repo file for clients, and the two commands that keep the repository up to date, are printed.

Examples:
  $ repokeeper init s3://my-bucket/el9/x86_64 --dry-run
  $ repokeeper init s3://my-bucket/el9/x86_64
  $ repokeeper init s3://my-bucket/el9/x86_64 --add-queue repo-additions --remove-queue repo-removals --dead-letter-queue repo-dead-letters
  $ repokeeper init s3://my-bucket/el9/x86_64 --endpoint-url http://127.0.0.1:9000
  $ repokeeper init s3://my-bucket/el9/x86_64 --json | jq -r .repoFile

One pair of queues may serve several repositories: name both of them for each.
`

export function defineInit(program: Command, cli: Cli): void {
  const command = program
    .command('init')
    .description('Set up a repository in S3: bucket, queues, notifications, and metadata with no packages yet.')
    .argument('<REPO>', 's3://BUCKET/PATH')
    .option(
      '--add-queue <queue>',
      'name of the queue of additions (default: the one that the bucket tells, else BUCKET-PATH-additions)',
    )
    .option(
      '--remove-queue <queue>',
      'name of the queue of removals (default: the one that the bucket tells, else BUCKET-PATH-removals)',
    )
    .option('--dead-letter-queue <queue>', 'name of their dead-letter queue (default: BUCKET-PATH-dead-letters)')
    .option('-n, --dry-run', 'say what would be made, change nothing')
    .option('--json', 'report as one JSON document')
  defineGenerationsOption(command)
  defineSigningOptions(command)
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const options = Options.parse(values)
      const { initRepository } = await import('../init-repository.ts')
      cli.exitCode = await initRepository(repo, options, readPublishingConnection(values, cli.environment), cli)
    })
}

const Options = z.object({
  addQueue: z.string().optional(),
  removeQueue: z.string().optional(),
  deadLetterQueue: z.string().optional(),
  dryRun: z.boolean().default(false),
  json: z.boolean().default(false),
})
