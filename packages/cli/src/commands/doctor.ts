import type { Command } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'
import { gather } from '../repeated-option.ts'

const examples = `
A line for each thing that is looked at: ok, warning, or problem with what to do. Whether the store honours conditional writes is
tried with a small object below repodata/, which is deleted again; nothing else is changed. The queues are those that the bucket's
notifications name, or those of -q. Commands to say next have the options that this one was given.

Exit codes: 0 where there is no problem (warnings or not), 1 where there is one, 2 for wrong use.

Examples:
  $ repokeeper doctor s3://my-bucket/el9/x86_64
  $ repokeeper doctor s3://my-bucket/el9/x86_64 -q repo-additions -q repo-removals
  $ repokeeper doctor s3://my-bucket/el9/x86_64 --json | jq '.findings[] | select(.verdict != "ok")'

Everything that is wrong between the packages and the metadata is what "repokeeper audit" finds.
`

export function defineDoctor(program: Command, cli: Cli): void {
  const command = program
    .command('doctor')
    .description('Look whether everything between an upload and the metadata is set up as it has to be.')
    .argument('<REPO>', 's3://BUCKET/PATH')
    .option('-q, --queue <queue>', 'a queue of it: its name, URL or ARN; may be given several times', gather)
    .option(
      '--keyring <source>',
      'public keys whose signatures count, to be told which of them is over soon; may be given several times; also $REPOKEEPER_KEYRING',
      gather,
    )
    .option('--json', 'report as one JSON document')
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const { examineSetup } = await import('../examine-setup.ts')
      cli.exitCode = await examineSetup(repo, Options.parse(values), readConnection(values, cli.environment), cli)
    })
}

const Options = z
  .object({
    json: z.boolean().default(false),
    queue: z.array(z.string().min(1)).default([]),
    keyring: z.array(z.string().min(1)).default([]),
  })
  .transform(({ queue, ...options }) => ({ ...options, queues: queue }))
