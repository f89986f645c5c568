import type { Command } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { defineDoorOptions, defineKeepingOptions, readDoorFlags } from '../door-options.ts'
import { UsageError } from '../failure.ts'
import { definePolicyOptions } from '../policy-options.ts'
import { defineSigningOptions, readPublishingConnection } from '../signing-options.ts'

const examples = `
dnf does not sign its requests, so it cannot read a private bucket. A gateway reads it with credentials of its own, and shows what lies below
PATH. With --redirect only small answers come through it: who asks for a package or a document is sent to the bucket, by a link that
expires. What is uploaded through it is published by the workers of the bucket, who hear of it as of every upload; where there are none,
--publish has the gateway do it. Then the options of publishing, and of signing, are for it.

Examples:
  $ repokeeper gateway s3://my-bucket/el9
  $ repokeeper gateway s3://my-bucket --http 0.0.0.0:8080 --redirect
  $ repokeeper gateway s3://my-bucket --users users.yaml --read closed
  $ repokeeper gateway s3://my-bucket --write open --publish     # curl -T x.rpm 'http://localhost:8080/el9/?wait=1'
`

export function defineGateway(program: Command, cli: Cli): void {
  const command = program
    .command('gateway')
    .description('Show a bucket over HTTP, and let packages be uploaded to it. Runs until stopped.')
    .argument('<REPO>', 's3://BUCKET/PATH')
  defineDoorOptions(command)
    .option('--redirect', 'send who asks for packages and documents to the bucket, by links that expire')
    .option('--publish', 'publish what comes through the door: there are no workers')
  definePolicyOptions(defineSigningOptions(defineKeepingOptions(command)))
    .addHelpText('after', examples)
    .action(async (repo: string) => {
      const values = command.optsWithGlobals()
      const flags = { ...readDoorFlags(values), ...Values.parse(values) }
      const connection = readPublishingConnection(values, cli.environment)
      if (flags.redirect && !connection.signRequest) {
        throw new UsageError(
          '--redirect and --no-sign-request: nothing can be signed without credentials; leave out one of them',
        )
      }
      const { openGateway } = await import('../open-gateway.ts')
      cli.exitCode = await openGateway(repo, flags, connection, cli)
    })
}

const Values = z.object({ redirect: z.boolean().default(false), publish: z.boolean().default(false) })
