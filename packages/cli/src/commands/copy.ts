import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'
import { defineReplicaOptions, readReplicaOptions } from '../replica-options.ts'

const examples = `
What "repokeeper pull" does for a directory, for a bucket: TO becomes an identical repository, whole at every moment. Between buckets of one
endpoint S3 copies the packages by itself, in another region too, and not a byte of them comes by here; the credentials have to be good for both.

TO is a replica from then on: nothing else may publish to it. What the source no longer names stays for the retention.

Examples:
  $ repokeeper copy s3://my-bucket/el9/x86_64 s3://my-bucket-us/el9/x86_64 --region us-east-1
  $ repokeeper copy s3://my-bucket/el9/x86_64 s3://my-bucket-us/el9/x86_64 --watch --every 1m
  $ repokeeper copy https://packages.example.org/el9/x86_64/ s3://my-bucket/el9/x86_64 --key signing-key.pub.asc
`

export function defineCopy(program: Command, cli: Cli): void {
  const command = program
    .command('copy')
    .description('Make and keep an identical repository in another bucket.')
    .argument('<FROM>', 'http:// or https:// URL, s3://BUCKET/PATH or a directory')
    .argument('<TO>', 's3://BUCKET/PATH or a directory')
  defineReplicaOptions(command)
    .addHelpText('after', examples)
    .action(async (from: string, to: string) => {
      const values = command.optsWithGlobals()
      const options = readReplicaOptions(values)
      const { pullRepository } = await import('../pull-repository.ts')
      cli.exitCode = await pullRepository(from, to, options, readConnection(values, cli.environment), cli)
    })
}
