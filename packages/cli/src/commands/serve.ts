import { type Command, Option } from 'commander'
import * as z from 'zod'
import type { Cli } from '../cli.ts'
import { defineDoorOptions, defineKeepingOptions, readDoorFlags } from '../door-options.ts'
import { UsageError } from '../failure.ts'
import { definePolicyOptions } from '../policy-options.ts'
import { readTimeout } from '../replica-options.ts'
import { defineSigningOptions, readPublishingConnection } from '../signing-options.ts'

const examples = `
One process and no cloud: whatever is put into DIR, by cp, scp, rsync or through the door, is in the metadata a second later, and what was put
there while nothing ran is found at the start. Files are taken when they are whole: their size has to stay as it is for a moment, and
names such as .x.rpm.Ab3xYz and x.rpm.part are passed over. Several processes may serve one folder.

Examples:
  $ repokeeper serve /srv/rpm
  $ repokeeper serve /srv/rpm --http 0.0.0.0:8080 --sign-key signing-key.asc
  $ repokeeper serve /srv/rpm --write open                # curl -T x.rpm http://localhost:8080/el9/
  $ repokeeper serve /srv/rpm --users users.yaml --tls-cert host.crt --tls-key host.key
  $ repokeeper serve /mnt/nfs/rpm --poll 5s               # others write to it over the network
`

export function defineServe(program: Command, cli: Cli): void {
  const command = program
    .command('serve')
    .description('Keep the repositories of a folder published, and show it over HTTP. Runs until stopped.')
    .argument('<DIR>', 'folder with packages')
  const poll = new Option('--poll <time>', 'look at every file so often, where the system does not tell of changes')
  definePolicyOptions(defineSigningOptions(defineKeepingOptions(defineDoorOptions(command))))
    .optionsGroup('Options of watching:')
    .addOption(poll.argParser(readTimeout))
    .addHelpText('after', examples)
    .action(async (directory: string) => {
      const values = command.optsWithGlobals()
      const flags = { ...readDoorFlags(values), pollMs: Values.parse(values).poll }
      if (/^[a-z0-9]+:\/\//i.test(directory) && !directory.startsWith('file:')) {
        throw new UsageError(
          `${directory} is no folder of this machine: "repokeeper gateway ${directory}" shows a bucket`,
        )
      }
      const { serveFolder } = await import('../serve-folder.ts')
      cli.exitCode = await serveFolder(directory, flags, readPublishingConnection(values, cli.environment), cli)
    })
}

const Values = z.object({ poll: z.number().optional() })
