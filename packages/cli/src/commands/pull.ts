import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { readConnection } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { defineReplicaOptions, readReplicaOptions } from '../replica-options.ts'

const examples = `
DIR becomes a replica: the very same packages, documents, repomd.xml and signature, for any web server to serve. Packages come first, documents
next, repomd.xml last, everything checked against the digests of the metadata; what is no longer named stays for the retention. So DIR is a
whole repository at every moment, also after the command was killed: the same command again goes on.

With --generations-url it has a mirrorlist of its own, whose clients never see repomd.xml beside the signature of another.

Pages and other files that lie in DIR are left alone. In repodata/replica.json it is kept whose replica it is.

Examples:
  $ repokeeper pull https://packages.example.org/el9/x86_64/ /srv/repo/el9/x86_64 --key signing-key.pub.asc
  $ repokeeper pull s3://my-bucket/el9/x86_64 /srv/repo/el9/x86_64 --watch --http 127.0.0.1:5001
  $ repokeeper pull s3://my-bucket/el9/x86_64 /srv/repo/el9 --key signing-key.pub.asc --generations-url https://repo.example.com/el9/
  $ repokeeper pull s3://my-bucket/el9/x86_64 ./el9 --bandwidth 20M --retention 7d
  $ repokeeper pull s3://my-bucket/el9/x86_64 ./el9 --snapshot ./el9-2026-11   # by hard links: it takes no space
  $ repokeeper pull s3://my-bucket/el9/x86_64 ./el9 --checksum                  # reads every byte that is there
`

export function definePull(program: Command, cli: Cli): void {
  const command = program
    .command('pull')
    .description('Make and keep an identical local repository, whole at every moment.')
    .argument('<REPO>', 'http:// or https:// URL, s3://BUCKET/PATH or a directory')
    .argument('<DIR>', 'directory of the replica; made where it is not there')
  defineReplicaOptions(command)
    .option('--snapshot <dir>', 'and then link what it holds to this new directory')
    .addHelpText('after', examples)
    .action(async (repo: string, directory: string) => {
      const values = command.optsWithGlobals()
      const options = readReplicaOptions(values)
      if (/^[a-z0-9]+:\/\//i.test(directory) && !directory.startsWith('file:')) {
        throw new UsageError(
          `${directory} is no directory: pull makes a replica on this machine; "repokeeper copy" makes one in a bucket`,
        )
      }
      const { pullRepository } = await import('../pull-repository.ts')
      const connection = readConnection(values, cli.environment)
      cli.exitCode = await pullRepository(repo, directory, options, connection, cli)
    })
}
