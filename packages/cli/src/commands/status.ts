import type { Command } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'
import { gather } from '../repeated-option.ts'

const examples = `
Examples:
  $ repokeeper status s3://my-bucket/el9/x86_64
  $ repokeeper status s3://my-bucket/el9/x86_64 -q repo-additions -q repo-removals
  $ repokeeper status s3://my-bucket/el9/x86_64 -q repo-additions --json | jq '.queues[].waiting'
  $ repokeeper status ./repo --deep

Numbers of messages are approximate, as SQS has them. How old the oldest one is Amazon tells in CloudWatch only
(ApproximateAgeOfOldestMessage); it is shown of servers that say it. --deep lists the bucket as well; "repokeeper plan" names
what differs.
`

export function defineStatus(program: Command, cli: Cli): void {
  const command = program
    .command('status')
    .description('Show at a glance what is published, since when, and what waits in the queues.')
    .argument('<REPO>', 's3://BUCKET/PATH or a directory')
    .option('-q, --queue <queue>', 'a queue of it: its name, URL or ARN; may be given several times', gather)
    .option('--deep', 'list the bucket, and say what differs from the metadata')
    .option(
      '--keyring <source>',
      'public keys whose signatures count, to be told which of them is over soon; may be given several times; also $REPOKEEPER_KEYRING',
      gather,
    )
    .option('--json', 'report as one JSON document')
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const options = Options.parse(values)
      const connection = readConnection(values, cli.environment)
      const [{ withRepository }, { showStatus }] = await Promise.all([
        import('../open-repository.ts'),
        import('../show-status.ts'),
      ])
      cli.exitCode = await withRepository(repo, connection, cli, (repository) =>
        showStatus(repository, options, connection, cli),
      )
    })
}

const Options = z
  .object({
    json: z.boolean().default(false),
    deep: z.boolean().default(false),
    queue: z.array(z.string().min(1)).default([]),
    keyring: z.array(z.string().min(1)).default([]),
  })
  .transform(({ queue, ...options }) => ({ ...options, queues: queue }))
