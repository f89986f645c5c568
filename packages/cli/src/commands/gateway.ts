import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'
import { defineDoorOptions, readDoorFlags } from '../door-options.ts'
import { UsageError } from '../failure.ts'

const examples = `
dnf does not sign its requests, so it cannot read a private bucket. A gateway reads it with credentials of its own, and shows what lies below
PATH. With --redirect only small answers come through it: who asks for a package or a document is sent to the bucket, by a link that
expires.

Examples:
  $ repokeeper gateway s3://my-bucket/el9
  $ repokeeper gateway s3://my-bucket --http 0.0.0.0:8080 --redirect
`

export function defineGateway(program: Command, cli: Cli): void {
  const command = program
    .command('gateway')
    .description('Show a bucket over HTTP.')
    .argument('<REPO>', 's3://BUCKET/PATH')
  defineDoorOptions(command)
    .option('--redirect', 'send who asks for packages and documents to the bucket, by links that expire')
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const flags = { ...readDoorFlags(values), redirect: values.redirect === true }
      const connection = readConnection(values, cli.environment)
      if (flags.redirect && !connection.signRequest) {
        throw new UsageError(
          '--redirect and --no-sign-request: nothing can be signed without credentials; leave out one of them',
        )
      }
      const { openGateway } = await import('../open-gateway.ts')
      cli.exitCode = await openGateway(repo, flags, connection, cli)
    })
}
